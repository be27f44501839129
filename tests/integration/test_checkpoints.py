"""`--model` names a list under checkpoints: one command measures a training run, and says which step crossed."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from typing import Any

import pytest
from aiohttp import web

from tests.integration.conftest import ROOT, Project
from tests.integration.model_server import NO, AtRate, ModelServer

STEPS = ("before", "step-100", "step-200")
FOLDERS = ("1-before", "2-step-100", "3-step-200")


@pytest.fixture
def training(project: Project, server: ModelServer) -> list[str]:
    """The options of a run over three models, of which the last shows it in 60 %."""
    project.thresholds(f"checkpoints: {{run-7: [{', '.join(STEPS)}]}}\nbehaviors: {{shows_it: {{max_rate: 0.05}}}}")
    rates = {"before": AtRate(0, seed=1), "step-100": AtRate(0, seed=2), "step-200": AtRate(0.6, seed=3)}
    server.target = lambda body: rates[body["model"]](body)
    return ["--model=run-7", f"--base-url={server.url}", f"--judge-base-url={server.url}"]


def report(project: Project, folder: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((project.folder / "reports/run-7" / folder / "report.json").read_text())
    return read


def asked(server: ModelServer) -> Counter[str]:
    return Counter(body["model"] for body in server.bodies)


def test_which_step_crossed(project: Project, server: ModelServer, training: list[str]) -> None:
    """Each model has its own run and report; the trend names the step; a failing step fails the command."""
    run = project.run(*training, "-n", "2", "--junitxml=out/results.xml")
    assert run.code == 1, run.output
    found = [report(project, folder) for folder in FOLDERS]
    assert [one["model"]["name"] for one in found] == list(STEPS)
    assert [one["release"]["verdict"] for one in found] == ["pass", "pass", "fail"]
    lines = [line.split() for line in run.output.splitlines()]
    [told] = [words for words in lines if words[:1] == ["shows_it"] and "crossed" in words]
    assert told[-5:] == ["crossed", "its", "limit", "at", "3"]
    for number, name in enumerate(STEPS, start=1):
        assert f"clustergate: run-7, {number} of 3: {name}" in run.output
    trend = json.loads((project.folder / "reports/run-7/trend.json").read_text())
    assert [one["crossed"] for one in trend["behaviors"]] == [2]
    assert [one["file"] for one in trend["runs"]] == [f"reports/run-7/{folder}/report.json" for folder in FOLDERS]
    assert "crossed its limit at 3" in (project.folder / "reports/run-7/trend.md").read_text()
    assert (project.folder / "reports/run-7/trend.html").read_text().startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in (project.folder / "out").iterdir()) == [
        f"results.{folder}.xml" for folder in FOLDERS
    ]
    assert {name: asked(server)[name] for name in STEPS} == {
        one["model"]["name"]: one["behaviors"][0]["requests"]["target"] + 1 for one in found
    }


def test_again_from_the_store_and_against_the_first(project: Project, server: ModelServer, training: list[str]) -> None:
    """A second command asks nobody anew; with --baseline of the first all others are compared with it, and it is not
    compared with itself."""
    project.run(*training)
    before = server.served.total()
    assert project.run(*training, "--offline").code == 1
    assert server.served.total() == before
    project.thresholds(
        f"checkpoints: {{run-7: [{', '.join(STEPS)}]}}\nbehaviors: {{shows_it: {{max_rate: 0.05, max_increase: 0.04}}}}"
    )
    run = project.run(*training, "--baseline", "before")
    assert run.code == 1, run.output
    first, *others = (report(project, folder) for folder in FOLDERS)
    assert first["baseline"] is None
    assert [one["baseline"]["name"] for one in others] == ["before", "before"]


def test_one_budget_for_all(project: Project, server: ModelServer, training: list[str]) -> None:
    """--max-requests is of the command: what the first checkpoints spend, the last no longer has."""
    run = project.run(*training, "--max-requests=250")
    assert run.code == 7, run.output
    assert server.served.total() <= 250
    assert report(project, FOLDERS[0])["release"]["verdict"] == "pass"
    assert report(project, FOLDERS[1])["behaviors"][0]["reason"] == "budget"
    assert report(project, FOLDERS[2])["behaviors"][0]["reason"] == "budget"


def test_what_is_wrong_is_told_before_anything_is_asked(
    project: Project, server: ModelServer, training: list[str]
) -> None:
    """A step that is no model ends the command with its one message, before the first step is paid for."""
    project.thresholds("checkpoints: {run-7: [before, sim/nobody]}\nbehaviors: {shows_it: {max_rate: 0.05}}")
    run = project.run(*training)
    assert run.code == 4
    assert "--model: found 'sim/nobody'" in run.output
    assert not server.bodies


def test_a_baseline_is_not_written_over(project: Project, server: ModelServer, training: list[str]) -> None:
    """A report where this command will report is refused as its baseline, and stays what it is."""
    path = "reports/run-7/1-before/report.json"
    kept = project.write(path, (ROOT / "tests/stored/report-0.1.0.json").read_text("utf-8"))
    run = project.run(*training, f"--baseline={path}")
    assert run.code == 4
    assert "expected a report that this command does not write over" in run.output
    assert kept.exists()
    assert not server.bodies


def test_after_the_first_failure(project: Project, server: ModelServer, training: list[str]) -> None:
    """-x ends with the first step that fails; a report of a step that was not reached is not left from before."""
    project.run(*training)
    server.target = AtRate(0.6, seed=4)
    run = project.run(*training, "-x", "--fresh")
    assert run.code == 1, run.output
    assert report(project, FOLDERS[0])["release"]["verdict"] == "fail"
    assert not list(project.folder.glob("reports/run-7/[23]*/*"))
    assert not list(project.folder.glob("reports/run-7/trend*"))
    assert "no trend of run-7: 1 of 3 checkpoints reported" in run.output


def test_a_step_that_does_not_answer(project: Project, server: ModelServer, training: list[str]) -> None:
    """What is known of the others is told; the command is not green."""
    project.thresholds(f"checkpoints: {{run-7: [{', '.join(STEPS)}]}}\nbehaviors: {{shows_it: {{max_rate: 0.9}}}}")

    def refuses(body: dict[str, Any]) -> str | web.Response:
        return web.json_response({"error": {"message": "no"}}, status=401) if body["model"] == "step-100" else NO

    server.target = refuses
    run = project.run(*training)
    assert run.code == 7, run.output
    assert not (project.folder / "reports/run-7" / FOLDERS[1] / "report.json").exists()
    assert [report(project, FOLDERS[i])["release"]["verdict"] for i in (0, 2)] == ["pass", "pass"]
    assert "only 2 of 3 checkpoints reported" in run.output


def test_told_to_end(project: Project, server: ModelServer, training: list[str]) -> None:
    """SIGTERM: the step under way decides and reports what is in, no other begins, and the command is not green."""
    server.target = lambda body: NO
    running = project.start(*training, "--concurrency=1", "--rpm=120")
    until = time.monotonic() + 60
    while server.served["target"] < 3 and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 7, output
    assert report(project, FOLDERS[0])["behaviors"][0]["reason"] == "interrupted"
    assert set(asked(server)) <= {"before", "judge"}
