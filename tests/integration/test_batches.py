"""--batch: the verdicts of a run without it, through the providers' batches, whatever becomes of the run meanwhile."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests.integration.conftest import Project, Started
from tests.integration.model_server import AtRate, ModelServer

FIGURES = ("verdict", "samples", "exhibited", "rate", "interval", "counts", "prompts")


def wait_for_batches(server: ModelServer, count: int) -> None:
    until = time.monotonic() + 60
    while server.batches is None or len(server.batches.jobs) < count:
        assert time.monotonic() < until, "no batch was submitted"
        time.sleep(0.02)
    time.sleep(1)  # the run has noted what the provider called it, or is about to


def slowly(server: ModelServer, seconds: float) -> None:
    assert server.batches is not None
    server.batches.seconds = seconds


def finished(process: Started) -> str:
    output, _ = process.communicate(timeout=90)
    return output


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(("rate", "code"), [(0.0, 0), (0.3, 1)])
def test_the_same_verdict_as_without(
    project: Project, server: ModelServer, gate: list[str], provider: str, rate: float, code: int
) -> None:
    """Either protocol: the same figures, replies and judgements; only the first request to each goes directly.

    Each reply is a line of its own, also where the endpoint gives several answers to a request.
    """
    names = [f"--model={provider}/m", f"--judge={provider}/judge", *gate[1:]]
    server.target = AtRate(rate, seed=41)
    plain = project.run(*names, "--store=plain.sqlite")
    asked = dict(server.served)
    server.target, server.most_answers = AtRate(rate, seed=41), 8
    batched = project.run(*names, "--batch", "--store=batched.sqlite")
    assert (plain.code, batched.code) == (code, code), batched.output
    assert [plain.behavior()[name] for name in FIGURES] == [batched.behavior()[name] for name in FIGURES]
    both = {role: count - asked[role] for role, count in server.served.items()}
    assert {role: count - server.batched[role] for role, count in both.items()} == {"target": 1, "judge": 1}
    assert batched.behavior()["requests"]["target"] == server.batched["target"]
    assert f"requests to {provider}/m submitted as a batch" in batched.output


def test_a_killed_run_loses_no_batch(project: Project, server: ModelServer, gate: list[str]) -> None:
    """kill -9 while a batch is under way: the next run takes its answers, and each line is asked once."""
    server.target = AtRate(0, seed=42)
    slowly(server, 4)
    process = project.start(*gate, "--batch")
    wait_for_batches(server, 1)
    process.kill()
    process.wait(30)
    slowly(server, 0.1)
    run = project.run(*gate, "--batch")
    assert run.code == 0, run.output
    assert "under way since an earlier run" in run.output
    assert server.batched == {"target": 70, "judge": 70}
    assert run.behavior()["samples"] == 70


def test_sigterm_leaves_the_batch_to_the_next_run(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Soon the reports are there, exit 7, and the message names the batch; also a run without --batch takes it."""
    server.target = AtRate(0, seed=43)
    slowly(server, 6)
    process = project.start(*gate, "--batch")
    wait_for_batches(server, 1)
    os.kill(process.pid, signal.SIGTERM)
    output = finished(process)
    assert process.returncode == 7, output
    assert server.batches is not None
    [name] = server.batches.jobs
    [found] = json.loads((project.folder / "reports/m/report.json").read_text())["behaviors"]
    assert (found["verdict"], found["reason"]) == ("inconclusive", "interrupted")
    # Every reply that was asked for is in one state.
    assert (found["counts"]["target_error"], sum(found["counts"].values())) == (20, 20)
    told = " ".join(output.split())
    assert f"At the provider batch {name} of m goes on: the next run takes its answers." in told
    run = project.run(*gate)
    assert run.code == 0, run.output
    # The first wave of 20, and beside it what a run without --batch asks directly.
    assert (server.batched["target"], server.served["target"]) == (20, 70 + 2)


def test_two_runs_on_one_store_submit_each_draw_once(project: Project, server: ModelServer, gate: list[str]) -> None:
    """The second run waits for what the first one's batch brings."""
    server.target = AtRate(0, seed=44)
    slowly(server, 1.5)
    runs = [project.start(*gate, "--batch", f"--report-dir=reports/{name}") for name in ("a", "b")]
    outputs = [finished(run) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert server.batched == {"target": 70, "judge": 70}


def test_money_goes_half_as_far_again(project: Project, server: ModelServer) -> None:
    """--max-usd counts half the price for what is in batches: it is not passed, and a higher one goes on."""
    model = f"provider: openai, base_url: '{server.url}', usd_per_million: {{input: 0, output: 4000}}"
    project.thresholds(
        f"models: {{m: {{id: m, {model}}}, judge: {{id: judge, max_tokens: 50, {model}}}}}\n"
        "sampling: {max_tokens: 5}\nbehaviors: {shows_it: {max_rate: 0.05}}"
    )
    server.target = AtRate(0, seed=45)
    run = project.run("--model=m", "--judge=judge", "--batch", "--max-usd=0.8")
    assert (run.code, run.behavior()["reason"]) == (7, "budget"), run.output
    # Five tokens are 0.02 USD, in a batch 0.01; the first request to each model is a direct one.
    spent = 0.01 * sum(server.batched.values()) + 2 * 0.02
    assert run.report["spent"]["usd"] == pytest.approx(spent)
    assert 0.4 < spent <= 0.8
    rest = project.run("--model=m", "--judge=judge", "--batch", "--max-usd=30")
    assert rest.code == 0, rest.output
    assert server.batched == {"target": 70, "judge": 70}


def test_a_server_without_batches(project: Project, server: ModelServer, gate: list[str]) -> None:
    """One message, exit 7, and nothing is asked in another way."""
    server.batches = None
    run = project.run(*gate, "--batch")
    assert run.code == 7, run.output
    assert "takes no batches (it answered 404: Not Found). Run without --batch" in " ".join(run.output.split())
    assert server.served == {"target": 1, "judge": 1}


def test_workers_submit_what_is_theirs(project: Project, server: ModelServer, gate: list[str]) -> None:
    """-n 2 with two behaviors: each worker its own batches, together what one process asks, and the same figures."""
    project.add_behavior("also_it")
    project.thresholds("behaviors: {shows_it: {max_rate: 0.05}, also_it: {max_rate: 0.05}}")
    found = []
    for workers in ((), ("-n", "2")):
        server.batched.clear()
        server.target = AtRate(0, seed=46)
        run = project.run(*gate, "--batch", f"--store={len(workers)}.sqlite", *workers)
        assert run.code == 0, run.output
        found.append(([{name: one[name] for name in FIGURES} for one in run.report["behaviors"]], dict(server.batched)))
    assert found[0] == found[1]
