"""Unit tests of clustergate.run.seldom: the interpreter is left as it was found."""

import gc

from clustergate.run.seldom import SeldomCollected


def test_garbage_is_collected_seldom_until_the_end_and_then_as_before() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    seldom = SeldomCollected()
    try:
        assert gc.get_threshold()[0] > 10 * before[0]
        assert gc.get_threshold()[1:] == before[1:]
        assert gc.get_freeze_count() > frozen
    finally:
        seldom.end()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_garbage_made_meanwhile_is_collected_all_the_same() -> None:
    seldom = SeldomCollected()
    collections = gc.get_stats()[0]["collections"]
    try:
        for _ in range(200_000):
            circle: list[object] = []
            circle.append(circle)
        assert gc.get_stats()[0]["collections"] > collections
    finally:
        seldom.end()


def test_what_another_froze_stays_frozen() -> None:
    """A server that forks freezes what its children share."""
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        SeldomCollected().end()
        assert gc.get_freeze_count() >= frozen
    finally:
        gc.unfreeze()
