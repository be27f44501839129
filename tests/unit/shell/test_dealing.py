"""Tests are dealt out: each to exactly one worker, neighbors to different ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.shell.dealing import DEALT, dealt, is_wanted, place


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


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"model": "m", "dist": "load"}, True),
        ({"model": None, "dist": "load"}, False),
        ({"model": "m", "dist": "loadfile"}, False),
        ({"model": "m", "dist": "load", "maxschedchunk": 1}, False),
    ],
)
def test_only_where_nothing_else_is_asked(asked: dict[str, Any], wanted: bool) -> None:
    """A run without a model is none of ours, and another way to distribute is the user's choice."""
    config: Any = SimpleNamespace(getoption=lambda name, default=None: asked.get(name, default))
    assert is_wanted(config) is wanted


def test_place() -> None:
    """A worker knows its place; one that came for another, or is not dealt to, has none."""
    assert place({"workerid": "gw3", "workercount": 4, DEALT: True}) == (3, 4)
    assert place({"workerid": "gw4", "workercount": 4, DEALT: True}) is None
    assert place({"workerid": "gw0", "workercount": 4, DEALT: False}) is None
    assert place({}) is None
