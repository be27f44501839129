"""The bounds of a difference agree with the verdict on the increase."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clustergate.decide import difference
from clustergate.decide.course import RoundCount, run_course
from clustergate.decide.rule import Increase, Rule
from tests.unit.decide.decide_house import rule

ROUNDS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)).map(
        lambda kinds: RoundCount(kinds[0], kinds[2], plus=kinds[0], minus=kinds[1], unpaired=kinds[2])
    ),
    min_size=1,
    max_size=20,
)
NEAR = 1e-6
"""Nearer than this to its margin a bound, which is a root, may fall on either side."""


def of(**settings: float | tuple[int, int, int]) -> Rule:
    return replace(rule(), t=None, increase=Increase(**{"delta": 0.1, **settings}))  # type: ignore[arg-type]


def agrees(counts: list[RoundCount], by: Rule, interval: tuple[float, float]) -> None:
    """Whether the last look shows a PASS or a FAIL is what the bounds say of the margin."""
    strand = run_course(counts, by).of_increase
    assert strand is not None
    lower, upper = interval
    assume(abs(lower - 0.1) > NEAR)
    assume(abs(upper - 0.1) > NEAR)
    assert bool(strand.log_e_pass[-1] >= strand.level) == (upper <= 0.1)
    assert bool(strand.log_e_fail[-1] >= strand.level) == (lower >= 0.1)


@given(ROUNDS, st.sampled_from([1.0, 0.7]))
def test_of_pairs(counts: list[RoundCount], seen: float) -> None:
    """PASS <=> the upper bound is within the margin, FAIL <=> the lower is at or beyond it; all pairs are told."""
    found = difference.of_pairs(counts, of(seen=seen))
    assert found.pairs is not None
    assert sum(found.pairs) == 10 * len(counts)
    agrees(counts, of(seen=seen), found.interval)


@given(ROUNDS, st.tuples(st.integers(0, 10), st.integers(20, 120), st.integers(0, 5)), st.sampled_from([1.0, 0.7]))
def test_of_stored_counts(counts: list[RoundCount], stored: tuple[int, int, int], seen: float) -> None:
    """The same against the counts of a report."""
    by = of(stored=stored, seen=seen)
    found = difference.of_stored(counts, by)
    assert found.pairs is None
    agrees(counts, by, found.interval)


def test_under_a_lower_limit_a_fall_is_limited() -> None:
    """An increase of misses is a decrease of the rate: the bounds change places and signs."""
    counts = [RoundCount(2, 0, plus=2)] * 5
    up = difference.of_pairs(counts, of()).interval
    down = difference.of_pairs(counts, replace(of(), hits_violate=False)).interval
    assert down == pytest.approx((-up[1], -up[0]))
