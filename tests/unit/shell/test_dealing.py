"""Tests are dealt out: each to exactly one worker, neighbors to different ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clustergate.shell.dealing import DEALT, dealt, place


@given(things=st.integers(0, 100), players=st.integers(1, 12))
def test_each_once(things: int, players: int) -> None:
    """All are dealt, none twice, and nobody gets two more than another."""
    hands = [dealt(range(things), number, players) for number in range(players)]
    assert sorted(thing for hand in hands for thing in hand) == list(range(things))
    assert max(map(len, hands)) - min(map(len, hands)) <= 1


@given(players=st.integers(2, 12), start=st.integers(0, 50))
def test_neighbors_part(players: int, start: int) -> None:
    """Tests that stand side by side, as slow ones do, come to different workers."""
    holders = {
        number for number in range(players) for t in dealt(range(100), number, players) if start <= t < start + 2
    }
    assert len(holders) == 2


def test_place() -> None:
    """A worker knows its place; one that came for another, or is not dealt to, has none."""
    assert place({"workerid": "gw3", "workercount": 4, DEALT: True}) == (3, 4)
    assert place({"workerid": "gw4", "workercount": 4, DEALT: True}) is None
    assert place({"workerid": "gw0", "workercount": 4, DEALT: False}) is None
    assert place({}) is None
