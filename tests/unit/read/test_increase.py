"""Counts of two models to e-values, bounds and intervals. Exact error rates are in tests/quality/test_increase.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from clustergate.read import increase, statistics

COUNTS = st.integers(0, 60)
DELTAS = st.floats(-0.95, 0.95)


def test_no_pair_is_no_evidence() -> None:
    """Both e-values start at 1."""
    assert float(increase.log_e_fail(0, 0, 0, 0.05)) == pytest.approx(0, abs=1e-12)
    assert float(increase.log_e_pass(0, 0, 0, 0.05)) == pytest.approx(0, abs=1e-12)


def test_one_pair_by_hand() -> None:
    """At delta = 0 one pair with d multiplies by 1 + bet d, and the bets have a mean of .45."""
    assert math.exp(float(increase.log_e_fail(1, 0, 0, 0.0))) == pytest.approx(1.45)
    assert math.exp(float(increase.log_e_fail(0, 0, 1, 0.0))) == pytest.approx(0.55)
    assert math.exp(float(increase.log_e_pass(1, 0, 0, 0.0))) == pytest.approx(0.55)
    assert math.exp(float(increase.log_e_pass(0, 0, 1, 0.0))) == pytest.approx(1.45)


def test_one_pair_alike_by_hand() -> None:
    """At delta = 1/4 two replies alike multiply by 1 - bet / 5 against a regression and by 1 + bet / 3 for a PASS."""
    assert math.exp(float(increase.log_e_fail(0, 1, 0, 0.25))) == pytest.approx(1 - 0.45 / 5)
    assert math.exp(float(increase.log_e_pass(0, 1, 0, 0.25))) == pytest.approx(1 + 0.45 / 3)


def test_two_pairs_by_hand() -> None:
    """The mixture is of products, not a product of mixtures: two pairs of d = 1 give the mean of (1 + bet)^2."""
    squares = [(1 + bet) ** 2 for bet in (0.05, 0.15, 0.4, 0.7, 0.95)]
    assert math.exp(float(increase.log_e_fail(2, 0, 0, 0.0))) == pytest.approx(sum(squares) / 5)


@given(COUNTS, COUNTS, COUNTS, DELTAS, st.integers(0, 9))
def test_a_missing_pair_counts_against_either_side(
    plus: int, zero: int, minus: int, delta: float, missing: int
) -> None:
    """For FAIL it is one in which the baseline alone hit, for PASS one in which the candidate alone did."""
    fail = increase.log_e_fail(plus, zero, minus, delta, missing)
    assert fail == pytest.approx(increase.log_e_fail(plus, zero, minus + missing, delta))
    found = increase.log_e_pass(plus, zero, minus, delta, missing)
    assert found == pytest.approx(increase.log_e_pass(plus + missing, zero, minus, delta))
    for known in ((missing, 0, 0), (0, missing, 0), (0, 0, missing)):
        whole = [count + more for count, more in zip((plus, zero, minus), known, strict=True)]
        assert fail <= increase.log_e_fail(*whole, delta) + 1e-9
        assert found <= increase.log_e_pass(*whole, delta) + 1e-9


@given(COUNTS, COUNTS, COUNTS, DELTAS, DELTAS)
def test_evidence_moves_with_the_margin(plus: int, zero: int, minus: int, one: float, other: float) -> None:
    """A wider margin is less evidence for FAIL and more for PASS, so that each bound is one crossing."""
    low, high = sorted((one, other))
    assert increase.log_e_fail(plus, zero, minus, low) >= increase.log_e_fail(plus, zero, minus, high) - 1e-9
    assert increase.log_e_pass(plus, zero, minus, low) <= increase.log_e_pass(plus, zero, minus, high) + 1e-9


def test_arguments_broadcast() -> None:
    """Counts and margins may be arrays of any shapes that fit together, empty ones too."""
    found = increase.log_e_fail(np.arange(3.0), np.array([[10.0], [20.0]]), 1, 0.05, np.array([0, 1, 2]))
    assert found.shape == (2, 3)
    assert found[1, 2] == pytest.approx(float(increase.log_e_fail(2, 20, 1, 0.05, 2)))
    assert increase.log_e_pass(np.array([]), np.array([]), np.array([]), 0.05).shape == (0,)


@pytest.mark.parametrize("delta", [-1 + 1e-9, -0.5, 0.0, 0.5, 1 - 1e-9])
def test_extreme_counts_give_finite_numbers(delta: float) -> None:
    """No overflow, no NaN at any margin and 100,000 pairs of one kind."""
    for counts in ((100_000, 0, 0), (0, 100_000, 0), (0, 0, 100_000)):
        assert np.isfinite(increase.log_e_fail(*counts, delta))
        assert np.isfinite(increase.log_e_pass(*counts, delta))


@given(COUNTS, COUNTS, COUNTS, st.integers(0, 5), st.sampled_from([0.05, 0.025, 0.2]), DELTAS)
def test_bounds_are_dual_to_the_gate(
    plus: int, zero: int, minus: int, missing: int, alpha: float, delta: float
) -> None:
    """PASS at delta exactly where the upper bound is at most delta, FAIL exactly where the lower is at least that."""
    lower, upper = increase.bounds(plus, zero, minus, alpha, missing)
    level = math.log(1 / alpha)
    if abs(lower - delta) > 1e-6:
        assert (lower >= delta) == (increase.log_e_fail(plus, zero, minus, delta, missing) >= level)
    if abs(upper - delta) > 1e-6:
        assert (upper <= delta) == (increase.log_e_pass(plus, zero, minus, delta, missing) >= level)


@given(COUNTS, COUNTS, COUNTS)
def test_bounds_hold_the_difference(plus: int, zero: int, minus: int) -> None:
    """The observed mean of d is between them, and turning the models round turns them round."""
    lower, upper = increase.bounds(plus, zero, minus, 0.05)
    mean = (plus - minus) / max(plus + zero + minus, 1)
    assert -1 <= lower <= mean <= upper <= 1
    assert increase.bounds(minus, zero, plus, 0.05) == pytest.approx((-upper, -lower))


def test_bounds_of_no_pair() -> None:
    """Nothing is excluded."""
    assert increase.bounds(0, 0, 0, 0.05) == (-1, 1)


@pytest.mark.parametrize(("hits", "missing", "n"), [(0, 0, 70), (3, 2, 100), (40, 0, 140), (140, 0, 140)])
def test_limits_against_stored_counts(hits: int, missing: int, n: int) -> None:
    """The baseline's anytime-valid bounds at alpha / 2, each moved by delta, and alpha / 2 for the test."""
    found = increase.against_counts(hits, n, missing, 0.02, 0.05)
    lower, upper = statistics.bounds(hits, hits + missing, n, 0.025)
    assert found.alpha == 0.025
    assert found.pass_at == pytest.approx(min(lower + 0.02, 1), abs=1e-8)
    assert found.fail_at == pytest.approx(min(upper + 0.02, 1), abs=1e-8)
    assert 0 < found.pass_at <= found.fail_at < 1


def test_limits_at_the_ends_decide_nothing() -> None:
    """Against a baseline without a hit and no margin nothing passes; against one of hits alone nothing fails."""
    zero, one = increase.against_counts(0, 70, 0, 0.0, 0.05), increase.against_counts(70, 70, 0, 0.0, 0.05)
    assert statistics.log_e_pass(0, 1_000_000, zero.pass_at) < math.log(2)
    assert statistics.log_e_fail(1_000_000, 1_000_000, one.fail_at) < math.log(2)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_no_stored_reply_leaves_all_open(alpha: float) -> None:
    """Without a stored reply the limits are the margin and 1: the baseline's rate might be anything."""
    found = increase.against_counts(0, 0, 0, 0.05, alpha)
    assert (found.pass_at, found.fail_at) == pytest.approx((0.05, 1))


WILSON = [
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
    pytest.param(81, 263, (0.2553, 0.3662), id="81/263"),
    pytest.param(15, 148, (0.0624, 0.1605), id="15/148"),
    pytest.param(0, 20, (0.0, 0.1611), id="0/20"),
    pytest.param(1, 29, (0.0061, 0.1718), id="1/29"),
]


@pytest.mark.parametrize(("hits", "n", "expected"), WILSON)
def test_wilson_against_published_values(hits: int, n: int, expected: tuple[float, float]) -> None:
    """Wilson's score intervals as printed."""
    assert increase.wilson(hits, n) == pytest.approx(expected, abs=5e-5)


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_against_scipy(n: int, share: float, level: float) -> None:
    """scipy.stats.binomtest's Wilson interval, for any counts."""
    hits = round(share * n)
    found = binomtest(hits, n).proportion_ci(confidence_level=level, method="wilson")
    assert increase.wilson(hits, n, level) == pytest.approx((found.low, found.high), abs=1e-9)


NEWCOMBE = [
    # Newcombe 1998, Statistics in Medicine 17:873-890, table II, examples (a) to (h), method 10: two-sided 95 %.
    # statsmodels 0.15 has the same: confint_proportions_2indep(..., compare="diff", method="newcomb").
    pytest.param((56, 70), (48, 80), (0.0524, 0.3339), id="56/70 - 48/80"),
    pytest.param((9, 10), (3, 10), (0.1705, 0.8090), id="9/10 - 3/10"),
    pytest.param((6, 7), (2, 7), (0.0582, 0.8062), id="6/7 - 2/7"),
    pytest.param((5, 56), (0, 29), (-0.0381, 0.1926), id="5/56 - 0/29"),
    pytest.param((0, 10), (0, 20), (-0.1611, 0.2775), id="0/10 - 0/20"),
    pytest.param((0, 10), (0, 10), (-0.2775, 0.2775), id="0/10 - 0/10"),
    pytest.param((10, 10), (0, 20), (0.6791, 1.0), id="10/10 - 0/20"),
    pytest.param((10, 10), (0, 10), (0.6075, 1.0), id="10/10 - 0/10"),
]


@pytest.mark.parametrize(("one", "other", "expected"), NEWCOMBE)
def test_newcombe_against_published_values(
    one: tuple[int, int], other: tuple[int, int], expected: tuple[float, float]
) -> None:
    """The hybrid score intervals as printed in his table of eight examples."""
    assert increase.newcombe(*one, *other) == pytest.approx(expected, abs=5e-5)


@given(st.integers(1, 80), st.integers(1, 80), st.floats(0, 1), st.floats(0, 1))
def test_newcombe_is_antisymmetric(n: int, other_n: int, share: float, other_share: float) -> None:
    """Turning the samples round turns the interval round; it holds the difference and stays within -1 and 1."""
    hits, other = round(share * n), round(other_share * other_n)
    lower, upper = increase.newcombe(hits, n, other, other_n)
    assert -1 <= lower <= hits / n - other / other_n <= upper <= 1
    assert increase.newcombe(other, other_n, hits, n) == pytest.approx((-upper, -lower))


def test_newcombe_of_nothing() -> None:
    """An empty sample says nothing."""
    assert increase.newcombe(0, 0, 5, 10) == (-1, 1)
    assert increase.newcombe(5, 10, 0, 0) == (-1, 1)
