"""What ends a run early: money, time, and a signal. What is in is decided and reported, and the next run goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time

import pytest

from tests.integration.conftest import Project
from tests.integration.model_server import AtRate, ModelServer, honest_judge

LIMIT = "behaviors: {shows_it: {max_rate: 0.05}}"
PRICED = """\
models:
  m: {{provider: openai, id: m, base_url: '{url}', usd_per_million: {{input: 1, output: 4000}}}}
  judge: {{provider: openai, id: judge, base_url: '{url}', max_tokens: 50, usd_per_million: {{input: 1, output: 4000}}}}
sampling: {{max_tokens: 5}}
"""


def priced(project: Project, server: ModelServer) -> list[str]:
    """A model and a judge whose answers cost 0.02001 USD: 10 tokens in, 5 out. One of the judge may cost ten times
    as much, and so much is set aside while it is in flight."""
    project.thresholds(PRICED.format(url=server.url) + LIMIT)
    return ["--model=m", "--judge=judge"]


def test_money_ends_a_run_before_it_is_passed(project: Project, server: ModelServer, way: list[str]) -> None:
    """--max-usd holds over target, judge and workers; inconclusive (`budget`), exit 7; a higher one goes on."""
    server.target = AtRate(0, seed=1)
    gate = priced(project, server)
    run = project.run(*gate, *way, "--concurrency=4", "--max-usd=2")
    assert (run.code, run.behavior()["reason"], run.behavior()["stopped"]) == (7, "budget", "budget"), run.output
    assert 1 < run.report["spent"]["usd"] <= 2
    assert run.report["spent"]["usd"] == pytest.approx(0.02001 * sum(server.served.values()), rel=0.05)
    assert "--max-usd" in run.output
    rest = project.run(*gate, *way, "--max-usd=30")
    assert rest.code == 0, rest.output
    assert rest.behavior()["requests"]["from_store"] > 0
    assert server.served["target"] == 70 + 2


def test_a_budget_without_a_price_does_nothing_and_is_refused(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """Exit 4 with the models that have none, before anything is sent."""
    run = project.run(*gate, "--max-usd=1")
    assert run.code == 4
    assert "found no price of m, expected usd_per_million" in run.output
    assert "found no price of judge" in run.output
    assert not server.served


@pytest.mark.parametrize("wrong", ["--max-usd=0", "--max-usd=nan", "--max-minutes=-1", "--max-minutes=soon"])
def test_a_bad_ceiling(project: Project, gate: list[str], wrong: str) -> None:
    """One message, exit 4."""
    run = project.run(*gate, wrong)
    assert run.code == 4
    assert "expected a number above 0" in run.output


def slow(server: ModelServer, seconds: float) -> None:
    """Every answer takes so long."""
    at = AtRate(0, seed=1)

    async def target(body: dict[str, object]) -> str:
        await asyncio.sleep(seconds)
        return at(body)

    async def judge(body: dict[str, object]) -> str:
        await asyncio.sleep(seconds)
        return honest_judge(body)

    server.target, server.judge = target, judge


def test_time_ends_a_run(project: Project, server: ModelServer, gate: list[str], way: list[str]) -> None:
    """Nothing is asked after --max-minutes; what is in is reported (`interrupted`, exit 7); the next run goes on."""
    slow(server, 0.8)
    run = project.run(*gate, *way, "--concurrency=4", "--max-minutes=0.2")
    found = run.behavior()
    assert (run.code, found["reason"], found["stopped"]) == (7, "interrupted", "interrupted"), run.output
    assert sum(found["counts"].values()) >= 4
    assert "--max-minutes" in run.output
    slow(server, 0)
    asked = server.served["target"]
    rest = project.run(*gate, *way)
    assert rest.code == 0, rest.output
    # Every answer that came is used again; only what was in flight at the end is asked for twice.
    assert asked + rest.behavior()["requests"]["target"] <= 70 + 1 + 4


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["plain", "n2"])
def test_sigterm_ends_a_run_with_its_reports(
    project: Project, server: ModelServer, gate: list[str], workers: list[str]
) -> None:
    """As CI cancels: soon the reports are there, exit 7, and the next run goes on from what is stored."""
    slow(server, 0.3)
    process = project.start(*gate, *workers, "--concurrency=4")
    deadline = time.monotonic() + 60
    while server.served["target"] < 12 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    report = json.loads((project.folder / "reports/m/report.json").read_text())
    [found] = report["behaviors"]
    assert process.returncode == 7, output
    assert (found["reason"], found["stopped"]) == ("interrupted", "interrupted")
    assert "SIGTERM" in output
    assert found["requests"]["target"] == sum(found["counts"].values())
    slow(server, 0)
    asked = server.served["target"]
    rest = project.run(*gate)
    assert rest.code == 0, rest.output
    assert asked + rest.behavior()["requests"]["target"] <= 70 + 1 + 4


def test_a_verdict_that_was_reached_stands(project: Project, server: ModelServer, gate: list[str]) -> None:
    """One behavior is decided and one is not when the time is over: the failure is a failure, exit 1."""
    project.add_behavior("endless")
    project.thresholds("behaviors: {shows_it: {max_rate: 0.05}, endless: {max_rate: 0.05}}")
    showing, at_limit = AtRate(0.9, seed=1), AtRate(0.05, seed=1)

    async def target(body: dict[str, object]) -> str:
        if "endless" in json.dumps(body):
            await asyncio.sleep(1)
            return at_limit(body)
        return showing(body)

    server.target = target
    run = project.run(*gate, "--concurrency=8", "--max-minutes=0.25")
    assert run.code == 1, run.output
    assert run.behavior()["verdict"] == "fail"
    assert (run.behavior("endless")["verdict"], run.behavior("endless")["reason"]) == ("inconclusive", "interrupted")


def test_sigterm_at_the_first_request(project: Project, server: ModelServer, gate: list[str]) -> None:
    """An endpoint that takes the first request and does not answer holds up no cancelled job: exit 7, soon."""
    slow(server, 60)
    process = project.start(*gate)
    deadline = time.monotonic() + 60
    while not server.served["target"] and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 7, output
    assert "SIGTERM" in output
