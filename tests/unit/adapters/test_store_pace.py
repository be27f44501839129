"""The pace over all processes, and the ceiling of requests."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clustergate.adapters import store_pace
from clustergate.adapters.store import SqlStore


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(store_pace, "time", stopped)
    return stopped


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with closing(SqlStore(str(tmp_path / "store.sqlite"))) as opened:
        yield opened


def reserve(store: SqlStore, times: int, row: str = "e") -> list[float]:
    return [asyncio.run(store.reserve(row, 2.0, 3)) for _ in range(times)]


def test_a_burst_goes_at_once_and_the_rest_at_the_rate(store: SqlStore, clock: Clock) -> None:
    """GCRA by hand: interval 2 s, burst 3, then one slot every 2 s; another row is not touched."""
    assert reserve(store, 6) == [0, 0, 0, 2, 4, 6]
    assert reserve(store, 1, "other") == [0]


def test_the_schedule_recovers_with_time(store: SqlStore, clock: Clock) -> None:
    """After 4 s two slots of 2 s are free again; after a long rest the whole burst and no more."""
    reserve(store, 3)
    clock.now += 4
    assert reserve(store, 3) == [0, 0, 2]
    clock.now += 1000
    assert reserve(store, 4) == [0, 0, 0, 2]


def test_in_any_window_there_are_no_more_slots_than_rate_and_burst(store: SqlStore, clock: Clock) -> None:
    """At most 1 + 10 / 2 + 2 slots start within 10 s, for every window."""
    slots: list[float] = []
    for step in range(60):
        clock.now += (step * 7 % 5) * 0.9
        slots += [clock.now + wait for wait in reserve(store, 1)]
    slots.sort()
    assert all(sum(first <= slot < first + 10 for slot in slots) <= 8 for first in slots)


def test_push_back_holds_everyone_burst_or_not(store: SqlStore, clock: Clock) -> None:
    """No slot before Retry-After is over, then as after a rest; a shorter Retry-After changes nothing."""
    asyncio.run(store.slow_down("e", 0, 30))
    asyncio.run(store.slow_down("e", 0, 5))
    assert reserve(store, 4) == [30, 30, 30, 32]
    clock.now += 1000
    assert reserve(store, 1) == [0]


def test_a_clock_set_back_stalls_no_one(store: SqlStore, clock: Clock) -> None:
    """What is booked stays as far ahead as it was, what was pushed back too; nothing waits for the old time."""
    assert reserve(store, 5) == [0, 0, 0, 2, 4]
    asyncio.run(store.slow_down("e", 0, 7))
    clock.now -= 86_400
    assert reserve(store, 2) == [7, 8]
    asyncio.run(store.slow_down("e", 0, 50))
    clock.now += 1
    assert reserve(store, 1) == [49]


def test_a_small_step_back_books_no_slot_twice(store: SqlStore, clock: Clock) -> None:
    """Clocks of two machines differ by half a second: both see one schedule."""
    reserve(store, 3)
    clock.now -= 0.5
    assert reserve(store, 1) == [2.5]
    clock.now += 0.5
    assert reserve(store, 1) == [4]


def test_two_stores_share_one_schedule(store: SqlStore, clock: Clock, tmp_path: Path) -> None:
    """A second process gets the slots that the first left."""
    with closing(SqlStore(str(tmp_path / "store.sqlite"))) as other:
        assert reserve(store, 2) == [0, 0]
        assert reserve(other, 2) == [0, 2]
        assert reserve(store, 1) == [4]


def test_spending_stops_at_the_ceiling(store: SqlStore, tmp_path: Path) -> None:
    """Of 20 requests at once over two stores, exactly 7 are let through, and only those are counted."""

    async def spend(other: SqlStore) -> list[str | None]:
        return await asyncio.gather(*(each.spend("r", 7) for each in (store, other) for _ in range(10)))

    assert store.spent("r") == 0
    with closing(SqlStore(str(tmp_path / "store.sqlite"))) as other:
        assert Counter(asyncio.run(spend(other))) == {None: 7, "requests": 13}
    assert store.spent("r") == 7
    assert store.spent("another run") == 0
    assert asyncio.run(store.spend("r", 8)) is None
    assert asyncio.run(store.spend("none", 0)) == "requests"


def test_money_stops_at_the_ceiling(store: SqlStore, tmp_path: Path) -> None:
    """Of 20 requests at once that may cost a quarter each, four fit into one dollar; what they did cost makes room."""

    async def spend(*stores: SqlStore) -> list[str | None]:
        return await asyncio.gather(*(each.spend("r", 100, 0.25, 1.0) for each in stores for _ in range(10)))

    with closing(SqlStore(str(tmp_path / "store.sqlite"))) as other:
        assert Counter(asyncio.run(spend(store, other))) == {None: 4, "usd": 16}
    # What is not sent counts nowhere.
    assert (store.spent("r"), store.spent_usd("r")) == (4, 1.0)
    asyncio.run(store.settle("r", -0.5))
    assert Counter(asyncio.run(spend(store))) == {None: 2, "usd": 8}
    assert store.spent_usd("another run") == 0.0


def test_a_run_is_told_to_end(store: SqlStore, tmp_path: Path) -> None:
    """Every process of the run learns it, and no other run; twice is once."""
    with closing(SqlStore(str(tmp_path / "store.sqlite"))) as other:
        other.interrupt("r")
        other.interrupt("r")
    assert store.is_interrupted("r")
    assert not store.is_interrupted("another run")
    assert store.briefings() == []


def test_time_keeps_its_precision_in_the_store(store: SqlStore, clock: Clock, tmp_path: Path) -> None:
    """A Unix time needs double precision: a float of four bytes would round it to minutes."""
    clock.now = 1_790_000_000.125
    reserve(store, 1)
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as raw:
        assert raw.execute("select tat, seen from pace").fetchone() == (1_790_000_002.125, 1_790_000_000.125)
