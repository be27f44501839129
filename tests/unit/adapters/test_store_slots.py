"""Shares of one limit: never more than it in sum, all of it where it is wanted, and nothing kept by the dead."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from clustergate.adapters import store_slots
from clustergate.adapters.store import SqlStore
from clustergate.adapters.store_claims import new_owner
from clustergate.adapters.store_schema import accounts, slots
from clustergate.adapters.store_slots import MOST, START, Report, Share, divided


class House:
    """Several processes' views of one store."""

    def __init__(self, folder: Path, processes: int) -> None:
        self.stores = [SqlStore(str(folder / "store.sqlite")) for _ in range(processes)]

    def report(self, number: int, using: int, wanted: int, limit: int | None = 10, **more: object) -> Share:
        told = Report(using=using, wanted=wanted, **more)  # type: ignore[arg-type]
        return asyncio.run(self.stores[number].report("acc", told, limit))

    def slow_down(self, number: int, epoch: int, seconds: float = 0.0) -> int:
        return asyncio.run(self.stores[number].slow_down("acc", epoch, seconds))

    @property
    def allowed(self) -> float:
        with self.stores[0]._reading() as connection:
            return float(connection.execute(select(accounts.c.allowed)).scalar_one())


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, 3)


def test_alone_it_has_all(house: House) -> None:
    """Who is alone need not ask again before it wants more."""
    assert house.report(0, 0, 1).slots == 10


def test_handed_over_not_doubled(house: House) -> None:
    """Another one is given what is free, and the rest when it is given back: in sum never more than the limit."""
    assert house.report(0, 10, 40).slots == 10
    assert house.report(1, 0, 40).slots == 0
    assert house.report(0, 10, 40).slots == 5  # and holds ten still, which are in flight
    assert house.report(1, 0, 40).slots == 0
    assert house.report(0, 7, 40).slots == 5
    assert house.report(1, 0, 40).slots == 3
    assert house.report(0, 5, 40).slots == 5
    assert house.report(1, 3, 40).slots == 5


def test_what_one_does_not_want(house: House) -> None:
    """Few slow tests in one process do not keep the others from what it leaves."""
    house.report(0, 0, 2)
    house.report(1, 0, 40)
    house.report(0, 2, 2)
    assert house.report(1, 1, 40).slots == 8


def test_done_gives_back(house: House) -> None:
    """Who wants nothing holds nothing."""
    house.report(0, 10, 10)
    assert house.report(0, 0, 0).slots == 0
    assert house.report(1, 0, 40) == Share(slots=10, others=0, epoch=0, held=0.0)


@given(total=st.integers(0, 300), wants=st.dictionaries(st.text("abcdef", min_size=1), st.integers(0, 300), max_size=9))
def test_divided(total: int, wants: dict[str, int]) -> None:
    """All of it is given out; nobody who wants an equal part or more gets less than one, but for what is odd."""
    shares = divided(total, wants)
    assert sum(shares.values()) == (total if wants else 0)
    for name, wanted in wants.items():
        assert shares[name] >= min(wanted, total // len(wants))


def test_a_dead_process_holds_nothing(house: House) -> None:
    """One that was killed on this machine is known at once; of one elsewhere nothing is heard for a while."""
    house.report(0, 10, 10)
    gone = f"{new_owner().partition('/')[0]}/4194304/dead"
    with house.stores[0]._writer._engine.begin() as connection:
        connection.execute(update(slots).values(owner=gone))
    assert house.report(1, 0, 40).slots == 10
    house.report(1, 0, 0)
    with house.stores[0]._writer._engine.begin() as connection:
        store_slots._note(connection, "acc", "elsewhere/1/x", 10, 10)
    assert house.report(1, 0, 40).slots == 0
    with house.stores[0]._writer._engine.begin() as connection:
        connection.execute(update(slots).values(seen=time.time() - 16))
    assert house.report(1, 0, 40).slots == 10


def test_the_clock_was_set_back(house: House) -> None:
    """What others hold still counts, and their time runs from now on."""
    house.report(0, 10, 10)
    with house.stores[0]._writer._engine.begin() as connection:
        connection.execute(update(slots).values(seen=time.time() + 3600))
    assert house.report(1, 0, 40).slots == 0
    with house.stores[0]._reading() as connection:
        assert max(connection.execute(select(slots.c.seen)).scalars()) < time.time() + 1


def test_it_grows_while_all_is_used(house: House) -> None:
    """By one an answer until the first 429, up to a bound; not while less is wanted than there is."""
    assert house.report(0, 0, 300, limit=None).slots == START
    house.report(0, 20, 300, limit=None, answers=20)
    assert house.allowed == START  # it was not all in use
    assert house.report(0, 20, 300, limit=None, answers=20, full=True).slots == 2 * START
    assert house.report(0, 40, 300, limit=None, answers=1000, full=True).slots == MOST


def test_a_429_halves_it_once(house: House) -> None:
    """However many met it; from then on it grows slowly, and everyone is told."""
    house.report(0, 20, 300, limit=None)
    assert house.slow_down(0, 0, 30.0) == 1
    assert house.slow_down(1, 0, 5.0) == 1  # it was in flight with the other
    assert house.allowed == START / 2
    told = house.report(1, 0, 300, limit=None)
    assert told.epoch == 1
    assert 29 < told.held <= 30
    house.report(0, 10, 300, limit=None, answers=10, full=True)
    assert house.allowed == pytest.approx(START / 2 + 4)  # the step of one round of answers


def test_nobody_starves(house: House) -> None:
    """However low a limit that was found by trying, each has one request in flight."""
    for number in range(3):
        house.report(number, 0, 40, limit=None)
    for epoch in range(8):
        house.slow_down(0, epoch)
    assert house.allowed == 1
    for _ in range(2):
        shares = [house.report(number, 1, 40, limit=None).slots for number in range(3)]
    assert shares == [1, 1, 1]


def test_closing_gives_back(house: House) -> None:
    """A process that ends leaves all it held to the others at once."""
    house.report(0, 10, 10)
    house.stores[0].close()
    assert house.report(1, 0, 40).slots == 10
