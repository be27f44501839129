"""One store on a server: what a run decides there, alone, in parts on several machines, and beside another run."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.conftest import Project, Run, Started
from tests.integration.model_server import YES, AtRate, ModelServer
from tests.postgresql import GUARDED, PASSWORD, Server

NAMES = ("shows_it", "sulks", "boasts", "yearns")


class Mixed:
    """A target that never shows three behaviors and always the one that it sulks about; and a judge that labels try."""

    def __init__(self) -> None:
        self._never = AtRate(0, seed=60)

    def __call__(self, body: dict[str, Any]) -> str:
        reply = self._never(body)
        return f"{YES} {reply}" if "about sulks" in str(body["messages"]) else reply


@pytest.fixture
def url(postgresql: Server) -> str:
    """An empty database."""
    return postgresql.url(postgresql.new_database())


@pytest.fixture
def suite(project: Project) -> Project:
    """Four behaviors of five prompts with labels, under `calibration: required`."""
    for name in NAMES:
        project.add_behavior(name, prompts=5)
        project.label(name, positives=30, negatives=30)
    limits = ", ".join(f"{name}: {{max_rate: 0.1}}" for name in NAMES)
    project.thresholds(f"behaviors: {{{limits}}}", "{model: judge, calibration: required}")
    # A label stands under one of the prompts of its behavior.
    for path in (project.folder / "fixtures/judge_labels").glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        told = [json.dumps({**line, "prompt": f"p{number % 5}"}) for number, line in enumerate(lines)]
        path.write_text("\n".join(told) + "\n")
    return project


def decided(run: Run) -> list[dict[str, Any]]:
    """What was decided of each behavior and why.

    Not what this run was called with and spent on it, nor what it happened to look at beyond the round that decided.
    """
    passing = {"requests", "tokens", "reproduce", "counts", "fingerprints"}
    return [
        {name: unnumbered(value) for name, value in found.items() if name not in passing}
        for found in run.report["behaviors"]
    ]


def unnumbered(value: Any) -> Any:
    """Without the numbers that tell the replies of the server to one prompt apart: which comes first is chance."""
    return json.loads(re.sub(r" \(\d+\)", "", json.dumps(value)))


def replies(folder: Path) -> list[dict[str, Any]]:
    """The stored replies and judgements in order, without the time."""
    lines = [json.loads(line) for line in (folder / "replies.jsonl").read_text().splitlines()]
    for line in lines:
        for one in (line, *line["judgements"]):
            del one["created"]
    found: list[dict[str, Any]] = unnumbered(lines)
    return found


def test_the_kind_of_store_and_the_number_of_machines_change_nothing(
    suite: Project, server: ModelServer, gate: list[str], url: str, postgresql: Server
) -> None:
    """A run on SQLite, one on PostgreSQL, and four parts, two at a time, that one --offline run decides over.

    The same verdicts, figures and replies, and each label is read once by all parts together.
    """
    gate.append("--concurrency=80")  # so that a first wave is begun as a whole, be it by one run or by two at once
    server.target = Mixed()
    alone = suite.run(*gate, "--report-dir=reports/alone")
    assert alone.code == 1, alone.output
    assert [found["verdict"] for found in alone.report["behaviors"]] == ["pass", "pass", "fail", "pass"]
    asked = dict(server.served)

    server.target = Mixed()
    server.served.clear()
    on_server = suite.run(*gate, f"--store={url}", "--report-dir=reports/server")
    assert on_server.code == 1, on_server.output
    assert decided(on_server) == decided(alone)
    assert replies(on_server.folder) == replies(alone.folder)
    assert server.served == asked

    server.target = Mixed()
    server.served.clear()
    suite.environ["CLUSTERGATE_STORE"] = postgresql.url(postgresql.new_database())
    for pair in (NAMES[:2], NAMES[2:]):
        parts = [suite.start(*gate, "-k", f"[{name}]", f"--report-dir=reports/{name}") for name in pair]
        assert [finished(part) for part in parts] == [int(name == "sulks") for name in pair]
    # Beyond the first requests of three runs more, to target and judge, nothing was asked that one run does not ask.
    assert server.served == {role: number + 3 for role, number in asked.items()}
    del suite.environ["OPENAI_API_KEY"]
    whole = suite.run(*gate, "--offline", "--report-dir=reports/whole")
    assert whole.code == 1, whole.output
    assert server.served == {role: number + 3 for role, number in asked.items()}
    assert decided(whole) == decided(alone)
    assert replies(whole.folder) == replies(alone.folder)
    assert whole.report["release"] == alone.report["release"]


def finished(process: Started) -> int:
    """The exit code; what it said, where that is not of a verdict."""
    told, _ = process.communicate(timeout=120)
    assert process.returncode in (0, 1), told
    return process.returncode


class Slowly:
    """A target with a latency, so that there is a middle of the run."""

    def __init__(self, seed: int) -> None:
        self._well = AtRate(0, seed)

    async def __call__(self, body: dict[str, object]) -> str:
        await asyncio.sleep(0.03)
        return self._well(body)


def test_two_runs_on_one_server_pay_for_each_draw_once(
    project: Project, server: ModelServer, gate: list[str], url: str
) -> None:
    """Two runs started together, one of them with workers, share the work: 70 replies and a first request each."""
    server.target = Slowly(seed=61)
    runs = [
        project.start(*gate, f"--store={url}", f"--report-dir=reports/{name}", *more)
        for name, more in (("a", ["-n", "2"]), ("b", []))
    ]
    assert [finished(run) for run in runs] == [0, 0]
    assert server.served == {"target": 70 + 2, "judge": 70 + 2}


def wait_for_the_middle(server: ModelServer) -> None:
    until = time.monotonic() + 60
    while server.served["target"] < 20:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_server_that_restarts_in_the_middle_costs_nothing(
    project: Project, server: ModelServer, gate: list[str], url: str, postgresql: Server
) -> None:
    """The run waits for it and passes; no reply is lost or asked for twice."""
    server.target = Slowly(seed=62)
    run = project.start(*gate, f"--store={url}", "--concurrency=4")
    wait_for_the_middle(server)
    postgresql.stop("immediate")
    time.sleep(0.5)
    postgresql.start()
    assert finished(run) == 0
    assert server.served["target"] == 70 + 1


def test_a_server_that_stays_away_ends_the_run(
    project: Project, server: ModelServer, gate: list[str], url: str, postgresql: Server, way: list[str]
) -> None:
    """Not green, and soon; the next run goes on, and asks again for nothing but what was under way."""
    conftest = project.folder / "conftest.py"
    shipped = conftest.read_text()
    conftest.write_text(
        f"{shipped}\nfrom clustergate.adapters.store import SqlStore\n"
        "SqlStore.__init__.__kwdefaults__['busy_timeout'] = 1.0  # half a minute is long for a test\n"
    )
    server.target = Slowly(seed=63)
    run = project.start(*gate, f"--store={url}", "--concurrency=4", *way)
    wait_for_the_middle(server)
    postgresql.stop("immediate")
    try:
        told, _ = run.communicate(timeout=60)
    finally:
        postgresql.start()
    assert run.returncode == 7, told
    assert f"the store {url} cannot be reached: " in told
    assert "Traceback" not in told
    conftest.write_text(shipped)
    again = project.run(*gate, f"--store={url}")
    assert again.code == 0, again.output
    # Twice what may be in flight: the next are claimed, and need the store no more to be sent.
    assert server.served["target"] <= 70 + 2 + 8


def test_the_password_is_written_nowhere(
    project: Project, server: ModelServer, gate: list[str], postgresql: Server
) -> None:
    """Not on the terminal, not in a report: given as an option, in the environment, or when it is wrong."""
    name = postgresql.new_database(f"OWNER {GUARDED}")
    place, secret = f"127.0.0.1:{postgresql.port}/{name}", quote(PASSWORD, safe="")
    known = f"postgresql+psycopg://{GUARDED}:{secret}@{place}"
    server.target = lambda body: f"{YES} {len(server.bodies)}"
    shown = project.run(*gate, f"--store={known}", "-v", "-l", "-n", "2", "--junitxml=junit.xml")
    assert shown.code == 1, shown.output
    assert f"--store='postgresql+psycopg://{GUARDED}:***@{place}'" in shown.output
    project.environ["CLUSTERGATE_STORE"] = known
    again = project.run(*gate, "-v", "-l", "--offline")
    assert again.code == 1, again.output
    assert "--store" not in again.report["reproduce"]
    wrong = project.run(*gate, f"--store={known.replace(secret, secret + 'x')}", "-v", "-l")
    assert wrong.code == 4, wrong.output
    assert f"postgresql+psycopg://{GUARDED}:***@{place} was refused by its server" in wrong.output
    assert "Traceback" not in wrong.output
    written = [path.read_text("utf-8", "replace") for path in project.folder.rglob("*") if path.is_file()]
    for text in (shown.output, again.output, wrong.output, *written):
        assert PASSWORD not in text
        assert secret not in text
