"""Many faults at once, and long ones: the verdict is the one without them, or inconclusive, and it comes in time."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.integration.conftest import Project, Run
from tests.integration.ledger import Ledger, stored
from tests.integration.model_server import NO, ModelServer
from tests.integration.test_faults import cut, garbage, refuses
from tests.integration.test_reruns import wait_for

HASTY = """
import dataclasses
from clustergate.adapters import patient
from clustergate.run import preflight

fields = [(name, float, value) for name, value in {shorter}.items()]
patient.Patience = dataclasses.make_dataclass("Patience", fields, bases=(patient.Patience,), frozen=True, kw_only=True)
preflight._FIRST_ANSWER = 2.0
"""
"""For a project's conftest.py: an endpoint is waited for a fifteenth as long."""

MODELS = """\
models:
  m: {{provider: openai, id: m, base_url: '{url}', timeout: {timeout}}}
  judge: {{provider: openai, id: judge, base_url: '{url}', timeout: {timeout}}}
behaviors: {{shows_it: {{max_rate: 0.15}}}}
"""
GATE = ["--model=m", "--judge=judge"]
STORE = ".clustergate/store.sqlite"


def amend(project: Project, text: str) -> None:
    """Add to the conftest.py of the project under test."""
    path = project.folder / "conftest.py"
    path.write_text(path.read_text() + text)


@pytest.fixture
def hasty(project: Project, server: ModelServer) -> Project:
    """A limit of 15 %, which 30 replies without a hit are within; a second for a request."""
    amend(project, HASTY.format(shorter={"backoff_base": 0.02, "backoff_cap": 0.2, "dead_after": 3.0}))
    project.thresholds(MODELS.format(url=server.url, timeout=1))
    return project


def adds_up(run: Run) -> None:
    """Every reply that was asked for is in one state, and whole rounds, hits, missing and store agree with that."""
    for found in run.report["behaviors"]:
        counts = found["counts"]
        assert sum(prompt["samples"] for prompt in found["prompts"]) == found["samples"] <= sum(counts.values())
        assert sum(prompt["exhibited"] for prompt in found["prompts"]) == found["exhibited"] <= counts["exhibits"]
        assert found["missing"] <= sum(counts.values()) - counts["exhibits"] - counts["absent"]
    replies, judged = stored(run.folder.parents[1] / STORE)
    states = run.behavior()["counts"]
    assert len(set(replies)) == len(replies) == sum(states.values()) - states["target_error"]
    assert len(set(judged)) == len(judged) == states["exhibits"] + states["absent"] + states["unclear"]


class Plague:
    """Lets `well` answer four requests in ten; the others meet every fault there is."""

    def __init__(
        self, well: Callable[[dict[str, Any]], Awaitable[web.Response]], seed: int, *, hang: bool = True
    ) -> None:
        self._well, self._chance, self._hangs = well, random.Random(seed), hang
        self.met: set[str] = set()

    def __call__(self, body: dict[str, Any]) -> Any:
        at = self._chance.random()
        for name, share, fault in (
            ("429", 0.2, refuses(429)), ("500", 0.2, refuses(500)), ("cut", 0.1, cut), ("garbage", 0.05, garbage),
            ("hang", 0.05 * self._hangs, self._hang),
        ):  # fmt: skip
            at -= share
            if at < 0:
                self.met.add(name)
                return fault(body)
        return self._well(body)

    async def _hang(self, body: dict[str, Any]) -> str:
        await asyncio.sleep(3)
        return NO


@pytest.mark.parametrize(
    ("rate", "verdict", "workers"), [(0, "pass", ["-n", "2"]), (0.9, "fail", [])], ids=["pass-n2", "fail-plain"]
)
def test_all_faults_at_once(hasty: Project, server: ModelServer, rate: float, verdict: str, workers: list[str]) -> None:
    """20 % 429, 20 % 500, 10 % cut, 5 % hanging, 5 % garbage, of model and judge: the verdict is the one without."""
    ledger = Ledger(server, rate, seed=40)
    plagues = server.target, server.judge = Plague(ledger.target, 1), Plague(ledger.judge, 2)
    run = hasty.run(*GATE, *workers)
    assert run.behavior()["verdict"] == verdict, run.output
    assert run.behavior()["missing"] == 0
    assert [plague.met for plague in plagues] == [{"429", "500", "cut", "hang", "garbage"}] * 2
    adds_up(run)
    paid = len(ledger.replies), len(ledger.judged)
    server.target, server.judge = ledger.target, ledger.judge
    again = hasty.run(*GATE, *workers)
    assert (again.code, again.behavior()["verdict"]) == (run.code, verdict), again.output
    assert (len(ledger.replies), len(ledger.judged)) == paid


@contextmanager
def dying(server: ModelServer, requests: int, seconds: float | None) -> Iterator[None]:
    """The server dies when the target was asked so often, and is back after so many seconds, or at the end."""

    def watch() -> None:
        until = time.monotonic() + 60
        while server.served["target"] < requests and time.monotonic() < until:
            time.sleep(0.005)
        server.down()
        if seconds is not None:
            time.sleep(seconds)
            server.up()

    watching = threading.Thread(target=watch)
    watching.start()
    yield
    watching.join()
    if seconds is None:
        server.up()


@pytest.mark.parametrize("seconds", [1.5, None], ids=["comes-back", "stays-away"])
def test_a_server_that_dies(hasty: Project, server: ModelServer, seconds: float | None) -> None:
    """Back within half of what is borne: the same verdict. Gone for good: inconclusive, in time; a rerun goes on."""
    ledger = Ledger(server, 0, seed=41, seconds=0.05)
    with dying(server, 12, seconds):
        run = hasty.run(*GATE, "--concurrency=4", timeout=60)
    adds_up(run)
    found = run.behavior()
    if seconds is not None:
        assert (run.code, found["verdict"], found["samples"], found["missing"]) == (0, "pass", 30, 0), run.output
        return
    assert (run.code, found["verdict"], found["reason"]) == (7, "inconclusive", "endpoint"), run.output
    kept, _ = stored(hasty.folder / STORE)
    again = hasty.run(*GATE, "--concurrency=4")
    adds_up(again)
    assert (again.code, again.behavior()["requests"]["from_store"]) == (0, len(kept)), again.output
    assert again.behavior()["requests"]["target"] == 30 - len(kept) < 30
    assert set(stored(hasty.folder / STORE)[0]) <= set(ledger.replies)


@pytest.mark.parametrize("answered", [0, 12], ids=["from-the-start", "in-the-middle"])
def test_a_server_that_hangs(hasty: Project, server: ModelServer, answered: int) -> None:
    """Every connection is taken and none answered: inconclusive after few time-outs, not after one for each draw."""
    ledger = Ledger(server, 0, seed=42)

    async def target(body: dict[str, Any]) -> Any:
        if server.served["target"] > answered:
            await asyncio.sleep(20)
        return await ledger.target(body)

    server.target = target
    # What is hung is cut by its own time-out in the middle, and long before it at the first request.
    if not answered:
        amend(hasty, HASTY.format(shorter={"first_contact": 0.5}))
    hasty.thresholds(MODELS.format(url=server.url, timeout=1 if answered else 30))
    run = hasty.run(*GATE, timeout=60)
    found = run.behavior()
    assert (run.code, found["verdict"], found["reason"]) == (7, "inconclusive", "endpoint"), run.output
    if not answered:
        assert (server.served["target"], sum(found["counts"].values())) == (1, 0)
        assert "no answer within the 2 s" in run.output
    else:
        adds_up(run)
        # Those in flight together, a few times.
        assert server.served["target"] - answered <= 5 * 20
        assert found["counts"]["target_error"] > 0


def test_a_refused_request_is_asked_once(hasty: Project, server: ModelServer) -> None:
    """One prompt is answered 400: no retry, its draws are missing, and the run decides nothing without them."""
    ledger = Ledger(server, 0, seed=43)
    refused: list[dict[str, Any]] = []

    def target(body: dict[str, Any]) -> Any:
        if "Question 3" not in body["messages"][-1]["content"]:
            return ledger.target(body)
        refused.append(body)
        return refuses(400)(body)

    server.target = target
    run = hasty.run(*GATE, "--max-samples=40")
    found = run.behavior()
    adds_up(run)
    assert (run.code, found["verdict"], found["reason"]) == (6, "inconclusive", "missing"), run.output
    assert found["counts"]["target_error"] == len(refused) > 0
    assert found["requests"]["target"] == sum(found["counts"].values())


FULL = """
def pytest_configure(config):
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    @event.listens_for(Pool, "connect")
    def limit(connection, record):
        connection.execute("pragma max_page_count = 45")
"""
QUOTA = """
def pytest_configure(config):
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
"""


@pytest.mark.parametrize(
    ("limit", "told"), [(FULL, "the disk is full"), (QUOTA, "limits of file sizes")], ids=["full", "quota"]
)
def test_a_disk_that_is_full(project: Project, server: ModelServer, gate: list[str], limit: str, told: str) -> None:
    """The run ends with one message and without a verdict, exit 7; what fitted is used again when there is room."""
    ledger = Ledger(server, 0, seed=44)
    usual = (project.folder / "conftest.py").read_text()
    amend(project, limit)
    run = project.run(*gate, "--concurrency=4", timeout=60)
    assert (run.code, run.report) == (7, {}), run.output
    assert told in run.output
    assert "Traceback" not in run.output
    (project.folder / "conftest.py").write_text(usual)
    kept, _ = stored(project.folder / STORE)
    # Nothing was asked for that there was no room to note; what was in flight then is lost.
    assert 0 < len(kept) <= len(ledger.replies) <= len(kept) + 8
    paid = len(ledger.replies)
    again = project.run(*gate, "--concurrency=4")
    adds_up(again)
    assert (again.code, again.behavior()["requests"]["from_store"]) == (0, len(kept)), again.output
    assert len(ledger.replies) == paid + 70 - len(kept)


CLOCK = """
import datetime, os, time
from clustergate.adapters import store_schema

true_time = time.time

def wrong_time():
    return true_time() + 86400 * (not os.path.exists("set-back"))

class Wrong(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

time.time = wrong_time
store_schema.datetime = Wrong
"""
"""For a project's conftest.py: a clock that is a day ahead until it is set back."""


def test_a_clock_that_is_set_back(project: Project, server: ModelServer, gate: list[str]) -> None:
    """By a day in the middle, killed, and run again: rows of tomorrow hold up nobody; each draw is paid for once."""
    ledger = Ledger(server, 0, seed=45, seconds=0.03)
    usual = (project.folder / "conftest.py").read_text()
    amend(project, CLOCK)
    paced = ["--concurrency=4", "--rpm=1200", "--max-minutes=1"]
    first = project.start(*gate, *paced)
    wait_for(server, 15)
    project.write("set-back", "")
    wait_for(server, 40)
    first.kill()
    first.wait(30)
    kept, _ = stored(project.folder / STORE)
    lost = len(ledger.replies) - len(kept)
    assert 0 < len(kept) < 70
    (project.folder / "conftest.py").write_text(usual)
    run = project.run(*gate, *paced, timeout=60)
    adds_up(run)
    assert (run.code, run.behavior()["requests"]["from_store"]) == (0, len(kept)), run.output
    assert len(ledger.replies) - lost == 70
