"""kill -9 at any moment, of a run or of a worker while it writes: nothing that was stored is paid for again."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.integration.conftest import Project
from tests.integration.ledger import Ledger, claimed, stored, wait_for_the_dead
from tests.integration.model_server import ModelServer
from tests.integration.test_fault_matrix import HASTY, STORE, Plague, amend

MOMENTS = int(os.environ.get("CLUSTERGATE_KILLS", "6"))
"""Kills in all."""
IN_A_ROW = 10
"""Kills of runs that go on from each other's store."""
AT_ONCE = 4
"""Requests in flight: twice as many draws are under way, each with a reply or a judgement outstanding."""


def has_tables(store: Path) -> bool:
    if not store.exists():
        return False
    with closing(sqlite3.connect(store)) as raw:
        return raw.execute("select count(*) from sqlite_master where name = 'slots'").fetchone() == (1,)


def test_a_run_that_is_killed_at_any_moment(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Runs killed at random moments, each going on from the last: in the end each draw is paid for once, but for those
    that were in flight at a kill, and the verdict is the one of a run that lives."""
    chance = random.Random(50)
    done, worst = 0, 0
    while done < MOMENTS:
        store = project.folder / f"{done}.sqlite"
        ledger = Ledger(server, 0, seed=done, seconds=0.02)
        order = [*gate, f"--store={store}", f"--concurrency={AT_ONCE}"]
        kills = min(IN_A_ROW, MOMENTS - done)
        kept: set[str] = set()
        lost, judged_twice = 0, 0
        for _ in range(kills):
            done += 1
            # In a run that has nothing left to ask for it may come at the very end, or after it.
            until_asked = min(139, len(ledger.replies) + len(ledger.judged) + chance.randrange(140 // kills))
            later = chance.uniform(0, 0.02)
            run = project.start(*order, *chance.choice([["-n", "2"], []]))
            until = time.monotonic() + 60
            while len(ledger.replies) + len(ledger.judged) < until_asked:
                assert time.monotonic() < until, "the run never got there"
                time.sleep(0.002)
            time.sleep(later)
            with suppress(ProcessLookupError):
                run.kill()
            run.wait(30)
            if not has_tables(store):
                continue
            wait_for_the_dead(store)
            replies, judged = stored(store)
            assert kept <= set(replies) <= set(ledger.replies)
            kept = set(replies)
            now_lost = len(ledger.replies) - len(replies)
            now_twice = len(ledger.judged) - len(judged)
            fresh = now_lost - lost + now_twice - judged_twice
            # Whatever was paid for and is not there was noted as being asked for.
            assert 0 <= fresh <= min(claimed(store), 2 * AT_ONCE)
            lost, judged_twice, worst = now_lost, now_twice, max(worst, fresh)
        last = project.run(*order, f"--report-dir=reports/{done}")
        assert (last.code, last.behavior()["samples"], last.behavior()["missing"]) == (0, 70, 0), last.output
        assert last.behavior()["requests"]["from_store"] == len(kept)
        assert len(ledger.replies) == 70 + lost
        assert len(ledger.judged) == 70 + judged_twice
    print(f"{done} kills; at most {worst} answers in flight at one of them")


DYING = """
import os, signal
from pathlib import Path

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        return
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    seen = []

    @event.listens_for(Engine, "after_cursor_execute")
    def die(connection, cursor, statement, parameters, context, executemany):
        seen.append(statement.startswith("INSERT INTO {table}"))
        if sum(seen) == {times} and not Path("died").exists():
            Path("died").write_text(config.workerinput["workerid"])
            os.kill(os.getpid(), signal.SIGKILL)
"""
"""For a project's conftest.py: the first worker to come so far is killed in the middle of a transaction."""


@pytest.mark.parametrize(("table", "times"), [("answers", 8), ("attempts", 1)], ids=["reply", "first-request"])
def test_a_worker_that_is_killed_while_it_writes(
    project: Project, server: ModelServer, gate: list[str], table: str, times: int
) -> None:
    """Another one takes its tests over, and its first requests: every behavior is decided, and nothing asked for again
    but what was not stored."""
    names = ["shows_it", "b", "c", "d", "e"]
    for name in names[1:]:
        project.add_behavior(name)
    project.thresholds(f"behaviors: {{{', '.join(f'{name}: {{max_rate: 0.3}}' for name in names)}}}")
    ledger = Ledger(server, 0, seed=46, seconds=0.01)
    amend(project, DYING.format(table=table, times=times))
    run = project.run(*gate, "-n", "2", f"--concurrency={AT_ONCE}")
    assert (project.folder / "died").exists()
    assert run.code == 0, run.output
    assert {found["id"]: found["verdict"] for found in run.report["behaviors"]} == dict.fromkeys(names, "pass")
    assert "1 rerun" in run.output
    replies, judged = stored(project.folder / STORE)
    assert len(replies) == len(judged) == 50
    # Not more than what the dead worker had in flight, and in the transaction that it did not end.
    assert len(ledger.replies) - 50 + len(ledger.judged) - 50 <= 2 * AT_ONCE + times
    first = sum("Question" not in str(body["messages"]) for body in server.bodies if body["model"] == "m")
    assert first == (2 if table == "attempts" else 1)


CRASHING = """
import os, pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if "[b]" in item.name:
        os.kill(os.getpid(), 9)
"""


def test_a_test_that_kills_every_worker_is_not_green(project: Project, gate: list[str]) -> None:
    """It is taken up once more, and then the run goes on without it: exit 7, the release undecided."""
    project.add_behavior("b")
    project.thresholds("behaviors: {shows_it: {max_rate: 0.3}, b: {max_rate: 0.3}}")
    amend(project, CRASHING)
    run = project.run(*gate, "-n", "2")
    assert run.code == 7, run.output
    assert (run.report["release"]["verdict"], run.report["release"]["not_run"]) == ("inconclusive", ["b"])


def test_two_runs_with_workers_and_faults_share_one_store(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """Started together, at two workers each, while endpoints err: both come to the verdict, each draw is paid once."""
    amend(project, HASTY.format(shorter={"backoff_base": 0.02, "backoff_cap": 0.2}))
    ledger = Ledger(server, 0, seed=47, seconds=0.01)
    server.target, server.judge = Plague(ledger.target, 5, hang=False), Plague(ledger.judge, 6, hang=False)
    runs = [project.start(*gate, "-n", "2", f"--report-dir=reports/{name}") for name in ("a", "b")]
    assert [run.wait(90) for run in runs] == [0, 0]
    assert sorted(ledger.replies) == sorted(stored(project.folder / STORE)[0])
    assert len(ledger.replies) == len(ledger.judged) == 70
