"""Garbage collection while a lab is open."""

import gc
from collections.abc import Iterator

import pytest

from clustergate.run.seldom import SeldomCollected


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """What a test freezes is not frozen for those after it."""
    yield
    gc.unfreeze()


def test_garbage_is_collected_seldom_until_the_end_and_then_as_before() -> None:
    """The threshold alone is another, and only meanwhile; what was there is not gone through any more."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    seldom = SeldomCollected()
    assert gc.get_threshold()[0] > 10 * before[0]
    assert gc.get_threshold()[1:] == before[1:]
    assert gc.get_freeze_count() > frozen
    seldom.end()
    assert gc.get_threshold() == before


def test_garbage_made_meanwhile_is_collected_all_the_same() -> None:
    """Seldom is not never."""
    seldom = SeldomCollected()
    collections = gc.get_stats()[0]["collections"]
    try:
        for _ in range(200_000):
            circle: list[object] = []
            circle.append(circle)
        assert gc.get_stats()[0]["collections"] > collections
    finally:
        seldom.end()
