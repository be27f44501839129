"""What all workers send together: eight of them, one server that counts, target and judge on one key."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from clustergate.adapters.store import SqlStore
from tests.integration.conftest import Project
from tests.integration.model_server import AtRate, ModelServer, honest_judge
from tests.integration.test_fault_matrix import STORE

WORKERS = 8
AT_ONCE = 16
RATE = 20
"""Requests a second; so many may also be sent at once after a rest. Few, so that a busy machine gets there too."""

GRANTS = """
CREATE TABLE grants (tat REAL NOT NULL, at REAL NOT NULL);
CREATE TRIGGER granted AFTER UPDATE ON pace WHEN new.tat <> old.tat
BEGIN INSERT INTO grants VALUES (new.tat, new.seen); END;
"""
"""Keeps when each request asked for its place in the schedule, and where the schedule ended from then on."""


class FullHouse:
    """Has `server` answer nobody before as many are there as may be, and one more had the time to come.

    So it does with the first requests of the tests; those of the preflight come one by one, and the last fill no house.
    """

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._full = asyncio.Event()
        self._at = AtRate(0, seed=8)
        server.target, server.judge = self.target, self.judge

    async def target(self, body: dict[str, Any]) -> str:
        await self._stay()
        return self._at(body)

    async def judge(self, body: dict[str, Any]) -> str:
        await self._stay()
        return honest_judge(body)

    async def _stay(self) -> None:
        if not 2 < self._server.served.total() <= 2 + 4 * AT_ONCE:
            return
        full = self._full
        if self._server.in_flight >= AT_ONCE:
            self._full = asyncio.Event()
            full.set()
        await asyncio.wait_for(full.wait(), 30)
        await asyncio.sleep(0.3)  # two reports of each worker


def granted(store: Path) -> tuple[list[float], int]:
    """The moments from which one more request might be sent, in order; and how many of them were still to come.

    GCRA: a place stands one burst before the new end of the schedule, but not before it was asked for.
    """
    with closing(sqlite3.connect(store)) as raw:
        rows = raw.execute("SELECT tat - 1.0, at FROM grants").fetchall()  # a burst is a second's worth
    return sorted(max(row) for row in rows), sum(slot > at for slot, at in rows)


def most_in_a_second(moments: Sequence[float]) -> int:
    return max(sum(start <= at < start + 1 for at in moments) for start in moments)


def test_eight_workers_are_one_client(project: Project, server: ModelServer, gate: list[str]) -> None:
    """In no second more is let through than the rate and its burst, nothing arrives before it was let through, and
    never are more in flight than --concurrency; the run is at both limits."""
    names = ["shows_it", *"bcdefgh"]
    for name in names[1:]:
        project.add_behavior(name)
    project.thresholds(f"behaviors: {{{', '.join(f'{name}: {{max_rate: 0.5}}' for name in names)}}}")
    store = project.folder / STORE
    SqlStore(str(store)).close()
    with closing(sqlite3.connect(store)) as raw:
        raw.executescript(GRANTS)
    FullHouse(server)
    run = project.run(*gate, "-n", str(WORKERS), f"--concurrency={AT_ONCE}", f"--rpm={60 * RATE}")
    assert f"{WORKERS} workers [{WORKERS} items]" in run.output
    assert run.code == 0, run.output

    assert server.most_in_flight == AT_ONCE

    slots, waited = granted(store)
    arrived = sorted(server.arrived)
    assert len(arrived) == len(slots)
    # The pace is of what is let through: that is exact. What the server sees may come late, as much as the machine is
    # busy, and so a little closer together; never early. A second of arrivals is of a second and the greatest delay.
    assert most_in_a_second(slots) <= RATE + RATE
    late = [at - slot for at, slot in zip(arrived, slots, strict=True)]
    assert min(late) >= 0
    assert most_in_a_second(arrived) <= RATE + RATE * (1 + max(late))
    assert waited > 2 * RATE  # two seconds of the run were as fast as they might be
