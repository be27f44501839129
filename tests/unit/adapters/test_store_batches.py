"""Batches in the store: what is under way survives the run that sent it, until its answers are stored."""

from __future__ import annotations

import asyncio
from contextlib import closing

import pytest

from clustergate.adapters import store_batches, store_claims
from clustergate.adapters.store import SqlStore
from clustergate.nouns.model import Answer, Draw, Finish
from tests.unit.adapters.store_house import Place

ABOUT = {"subject": "s", "attempt": 1, "behavior": "b", "draw": Draw(0, "p"), "turn": 1, "user": "?"}
ANSWER = Answer(text="a", finish=Finish.STOP)


def test_what_was_noted_is_found_by_any_of_its_lines(store: SqlStore, place: Place) -> None:
    """Another process finds the batch by a line, with the provider's name once that is known; other accounts do not."""
    asyncio.run(store.batches.note("t1", "acc", {"l1": "k1", "l2": "k2"}))
    asyncio.run(store.batches.note("t2", "acc", {"l3": "k3"}))
    asyncio.run(store.batches.name("t2", "batch_2"))
    with closing(SqlStore(place.location)) as other:
        [found] = other.batches.holding("acc", ["l2", "l9"])
        assert (found.tag, found.id, found.size, found.lines) == ("t1", None, 2, {"l1", "l2"})
        assert {one.id for one in other.batches.holding("acc", ["l1", "l3"])} == {None, "batch_2"}
        assert other.batches.holding("elsewhere", ["l1"]) == []
        assert other.batches.ids("acc") == {"batch_2"}


def test_a_stored_answer_ends_every_line_that_was_asked_for_it(store: SqlStore) -> None:
    """The first try and the second are both done with when the answer is stored; the batch stays for the others."""
    asyncio.run(store.batches.note("t1", "acc", {"l1": "k1", "l1-again": "k1", "l2": "k2"}))
    asyncio.run(store.put_answer("k1", ANSWER, **ABOUT))
    assert store.batches.holding("acc", ["l1", "l1-again"]) == []
    assert store.batches.holding("acc", ["l2"])[0].lines == {"l2"}
    assert store.batches.open_lines("acc") == {"l2"}
    asyncio.run(store.put_answer("k2", ANSWER, **ABOUT))
    assert store.batches.open_lines("acc") == set()


def test_lines_without_an_answer_are_dropped(store: SqlStore) -> None:
    """What brought no answer may be asked again: some lines, or the whole batch."""
    asyncio.run(store.batches.note("t1", "acc", {"l1": "k1", "l2": "k2", "l3": "k3"}))
    asyncio.run(store.batches.drop("t1", ["l1"]))
    assert store.batches.holding("acc", ["l2"])[0].lines == {"l2", "l3"}
    asyncio.run(store.batches.drop("t1"))
    assert store.batches.open_lines("acc") == set()


def test_a_batch_that_no_provider_has_any_more_is_forgotten(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are kept for a month at the most: after that the lines hold up nobody."""
    asyncio.run(store.batches.note("t1", "acc", {"l1": "k1"}))
    monkeypatch.setattr(store_batches, "_KEPT", -1.0)
    assert store.batches.open_lines("acc") == set()
    asyncio.run(store.batches.note("t2", "acc", {"l2": "k2"}))
    assert store.batches.holding("acc", ["l1"]) == []


def test_claims_are_renewed(store: SqlStore, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that would be over in a moment is held on to, and nobody else gets it."""
    monkeypatch.setattr(store_claims, "LEASE", 0.0)
    assert asyncio.run(store.claim("k1")) is True
    monkeypatch.setattr(store_claims, "LEASE", 600.0)
    asyncio.run(store.batches.renew_claims())
    with closing(SqlStore(place.location)) as other:
        assert asyncio.run(other.claim("k1")) is False
