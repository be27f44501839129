"""What is stored is never asked for again, whatever ended the run before."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from tests.integration.conftest import Project
from tests.integration.model_server import AtRate, ModelServer


def wait_for(server: ModelServer, requests: int) -> None:
    """Until the target was asked that often."""
    until = time.monotonic() + 60
    while server.served["target"] < requests:
        assert time.monotonic() < until, "the run never got there"
        time.sleep(0.01)


class Slowly:
    """A target with a latency, so that there is a middle of the run."""

    def __init__(self, seconds: float, seed: int) -> None:
        self._seconds, self._well = seconds, AtRate(0, seed)

    async def __call__(self, body: dict[str, object]) -> str:
        await asyncio.sleep(self._seconds)
        return self._well(body)


def test_a_rerun_asks_for_nothing_and_comes_to_the_same(project: Project, server: ModelServer, gate: list[str]) -> None:
    """The second run makes its two first requests and decides from the store: the same verdict and figures."""
    server.target = AtRate(0.3, seed=30)
    first = project.run(*gate, "-n", "2")
    served = dict(server.served)
    second = project.run(*gate, "-n", "2")
    assert (first.code, second.code) == (1, 1), second.output
    assert (server.served["target"], server.served["judge"]) == (served["target"] + 1, served["judge"] + 1)
    same = ("verdict", "samples", "exhibited", "rate", "interval", "counts", "prompts")
    assert [first.behavior()[name] for name in same] == [second.behavior()[name] for name in same]
    assert second.behavior()["requests"]["target"] == 0


def test_offline_decides_from_the_store_alone(project: Project, server: ModelServer, gate: list[str]) -> None:
    """--offline: the same verdict with no request at all, and with no key."""
    server.target = AtRate(0.3, seed=31)
    first = project.run(*gate)
    served = sum(server.served.values())
    del project.environ["OPENAI_API_KEY"]
    second = project.run(*gate, "--offline")
    assert (first.code, second.code, sum(server.served.values())) == (1, 1, served), second.output
    assert second.behavior()["samples"] == first.behavior()["samples"]


def test_offline_with_an_empty_store_is_not_green(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Nothing stored: inconclusive (missing), exit 6, and the reader is told what to do."""
    server.target = AtRate(0, seed=32)
    project.run(*gate, "-k", "shows_it", "--max-requests=4")
    run = project.run(*gate, "--offline", "--system-prompt=Something else")
    assert (run.code, run.behavior()["reason"], run.behavior()["samples"]) == (6, "missing", 0), run.output
    assert "--offline" in run.output
    assert "system prompt was none" in run.output


def test_fresh_draws_anew_at_half_the_alpha(project: Project, server: ModelServer, gate: list[str]) -> None:
    """--fresh opens the next attempt once, over all workers; nothing stored is used."""
    server.target = AtRate(0, seed=33)
    project.run(*gate)
    run = project.run(*gate, "--fresh")
    assert run.code == 0, run.output
    assert (run.report["provenance"]["attempt"], run.behavior()["alpha"]) == (2, 0.025)
    assert run.behavior()["requests"]["from_store"] == 0
    again = project.run(*gate)
    assert again.report["provenance"]["attempt"] == 2
    assert again.behavior()["requests"]["target"] == 0


def test_attempts_are_counted_for_each_behavior(project: Project, server: ModelServer, gate: list[str]) -> None:
    """What was drawn anew before decides at half the alpha, and what was not at all of it; both are said."""
    project.add_behavior("other")
    project.thresholds("behaviors: {shows_it: {max_rate: 0.05}, other: {max_rate: 0.05}}")
    server.target = AtRate(0, seed=23)
    assert project.run(*gate, "-k", "shows_it").code == 0
    run = project.run(*gate, "--max-age=30", "--fresh")
    assert run.code == 0, run.output
    found = {one["id"]: (one["attempt"], one["alpha"]) for one in run.report["behaviors"]}
    assert found == {"shows_it": (2, 0.025), "other": (1, 0.05)}
    assert "alpha 0.025 to 0.05 a side" in run.output
    assert "drawn anew once before" in (run.folder / "report.md").read_text("utf-8")
    with closing(sqlite3.connect(project.folder / ".clustergate/store.sqlite")) as raw, raw:
        raw.execute("update answers set created = '2026-01-01T00:00:00.000+00:00' where behavior = 'other'")
    old = project.run(*gate, "--max-age=30")
    assert old.code == 0, old.output
    found = {one["id"]: (one["attempt"], one["alpha"]) for one in old.report["behaviors"]}
    assert found == {"shows_it": (3, 0.0125), "other": (2, 0.025)}
    assert "opened by --max-age 30: the stored replies go back to 2026-01-01" in " ".join(old.output.split())


def test_a_higher_ceiling_goes_on_from_where_the_last_run_stopped(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """--max-samples 40 is inconclusive; without it the run adds 30 replies and passes."""
    server.target = AtRate(0, seed=34)
    assert project.run(*gate, "--max-samples=40").code == 6
    run = project.run(*gate)
    assert (run.code, run.behavior()["requests"]["target"], run.behavior()["requests"]["from_store"]) == (0, 30, 40)


@pytest.mark.parametrize(
    ("ending", "workers"),
    [(signal.SIGKILL, ["-n", "2"]), (signal.SIGINT, [])],
    ids=["kill-9-n2", "ctrl-c"],
)
def test_a_killed_run_loses_nothing_that_was_answered(
    project: Project, server: ModelServer, gate: list[str], ending: signal.Signals, workers: list[str]
) -> None:
    """kill -9 or Ctrl-C in the middle: the next run asks again only for what was in flight."""
    server.target = Slowly(0.05, seed=35)
    process = project.start(*gate, "--concurrency=4", *workers)
    wait_for(server, 30)
    process.send_signal(ending)
    process.wait(30)
    time.sleep(0.5)  # workers whose controller was killed end by themselves
    before = server.served["target"]
    run = project.run(*gate, "--concurrency=4", *workers)
    assert run.code == 0, run.output
    # 70 replies and two first requests, and again at most the four in flight and one reply in the writer's hands.
    assert server.served["target"] <= 72 + 5
    assert server.served["target"] - before < 70


def test_two_runs_on_one_store_pay_for_each_draw_once(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Two runs started together share the work: each draw is asked for once."""
    server.target = Slowly(0.02, seed=36)
    runs = [project.start(*gate, f"--report-dir=reports/{name}") for name in ("a", "b")]
    printed = [run.communicate(timeout=90)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    assert server.served["target"] == 70 + 2


def test_another_judge_judges_again_and_asks_for_no_reply(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """Judgements belong to a judge: another one reads the stored replies anew."""
    server.target = AtRate(0, seed=37)
    project.run(*gate)
    served = dict(server.served)
    project.write(
        "thresholds.yaml",
        "version: 1\njudge: {model: judge, temperature: 0.5}\nbehaviors: {shows_it: {max_rate: 0.05}}",
    )
    run = project.run(*gate)
    assert run.code == 0, run.output
    assert (server.served["target"], server.served["judge"]) == (served["target"] + 1, served["judge"] + 71)


def test_adding_a_prompt_changes_no_stored_reply(project: Project, server: ModelServer, gate: list[str]) -> None:
    """An eleventh prompt: the stored replies to the ten are used, the new one is asked."""
    server.target = AtRate(0, seed=38)
    project.run(*gate)
    project.add_behavior("shows_it", prompts=11)
    run = project.run(*gate)
    assert run.code == 0, run.output
    assert run.behavior()["requests"]["target"] == run.behavior()["samples"] // 11
