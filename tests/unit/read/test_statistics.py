"""Counts to e-values, bounds and intervals, by hand. Exact arithmetic and error rates are in tests/quality."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clustergate.read import statistics


def test_no_reply_is_no_evidence() -> None:
    """Both e-values start at 1."""
    assert float(statistics.log_e_pass(0, 0, 0.05)) == pytest.approx(0, abs=1e-12)
    assert float(statistics.log_e_fail(0, 0, 0.05)) == pytest.approx(0, abs=1e-12)


def test_one_hit_by_hand() -> None:
    """One hit of one at t = 1/2: q = 0, 1/6, 1/3 for PASS, so e = 7/30; q = 11/16, 5/6, 20/21 for FAIL."""
    assert math.exp(float(statistics.log_e_pass(1, 1, 0.5))) == pytest.approx(0.3 * 2 / 6 + 0.2 * 2 / 3)
    e_fail = 0.5 * 22 / 16 + 0.25 * 10 / 6 + 0.25 * 40 / 21
    assert math.exp(float(statistics.log_e_fail(1, 1, 0.5))) == pytest.approx(e_fail)


def test_one_miss_by_hand() -> None:
    """One miss of one at t = 1/2."""
    assert math.exp(float(statistics.log_e_pass(0, 1, 0.5))) == pytest.approx(0.5 * 2 + 0.3 * 10 / 6 + 0.2 * 4 / 3)
    e_fail = 0.5 * 10 / 16 + 0.25 * 2 / 6 + 0.25 * 2 / 21
    assert math.exp(float(statistics.log_e_fail(0, 1, 0.5))) == pytest.approx(e_fail)


@pytest.mark.parametrize("log_e", [statistics.log_e_pass, statistics.log_e_fail])
def test_arguments_broadcast(log_e) -> None:  # type: ignore[no-untyped-def]
    """Hits, sizes and limits may be arrays of any shapes that fit together, empty ones too."""
    hits, n, t = np.arange(3.0), np.array([[10.0], [20.0]]), 0.05
    found = log_e(hits, n, t)
    assert found.shape == (2, 3)
    assert found[1, 2] == pytest.approx(float(log_e(2, 20, t)))
    assert log_e(np.array([]), np.array([]), t).shape == (0,)


@pytest.mark.parametrize("t", [1e-9, 1e-4, 0.5, 0.9999])
@pytest.mark.parametrize("log_e", [statistics.log_e_pass, statistics.log_e_fail])
def test_extreme_limits_give_finite_numbers(log_e, t: float) -> None:  # type: ignore[no-untyped-def]
    """No overflow, no NaN: from no hits to nothing but hits, at any limit and 100,000 replies."""
    assert np.isfinite(log_e(np.array([0.0, 1.0, 99_999.0, 100_000.0]), 100_000, t)).all()


def test_evidence_moves_with_hits() -> None:
    """One more hit at the same size is less evidence for PASS and more for FAIL."""
    hits = np.arange(101.0)
    assert (np.diff(statistics.log_e_pass(hits, 100, 0.05)) < 0).all()
    assert (np.diff(statistics.log_e_fail(hits, 100, 0.05)) > 0).all()


def test_misses_move_it_the_other_way() -> None:
    """One more miss is more evidence for PASS and less for FAIL, whatever the hits: the least n is one crossing."""
    sizes = np.arange(5.0, 400.0)
    assert (np.diff(statistics.log_e_pass(5, sizes, 0.05)) > 0).all()
    assert (np.diff(statistics.log_e_fail(5, sizes, 0.05)) < 0).all()


def test_least_n_out_of_reach_is_none() -> None:
    """66 replies pass 5 % without a hit, and within 65 nothing does."""
    assert statistics.least_n_to_pass(0, 0.05, 0.05, 66) == 66
    assert statistics.least_n_to_pass(0, 0.05, 0.05, 65) is None
    assert statistics.least_n_to_pass(500, 0.05, 0.05, 400) is None


def test_gaps_widen_the_upper_bound_alone() -> None:
    """The lower bound takes the hits, the upper hits and gaps."""
    assert statistics.bounds(3, 5, 100, 0.05) == (
        statistics.bounds(3, 3, 100, 0.05)[0],
        statistics.bounds(5, 5, 100, 0.05)[1],
    )


def test_bounds_at_the_ends() -> None:
    """No hits: lower 0. Nothing but hits: upper 1. The other end is found for few and for many replies."""
    for n in (1, 2, 10, 400, 100_000):
        lower, upper = statistics.bounds(0, 0, n, 0.05)
        assert lower == 0
        assert 0 < upper <= 1
        lower, upper = statistics.bounds(n, n, n, 0.05)
        assert 0 <= lower < 1
        assert upper == 1


def test_a_smaller_alpha_widens_the_bounds() -> None:
    """Attempt 2, at half the alpha, says less of the same counts."""
    first, second = statistics.bounds(6, 6, 40, 0.05), statistics.bounds(6, 6, 40, 0.025)
    assert second[0] < first[0] < 6 / 40 < first[1] < second[1]


def test_clopper_pearson_at_the_ends() -> None:
    """No hits: 0 and 1 - alpha^(1/n). Nothing but hits: alpha^(1/n) and 1."""
    assert statistics.clopper_pearson(0, 50, 0.05) == pytest.approx((0, 1 - 0.05 ** (1 / 50)))
    assert statistics.clopper_pearson(50, 50, 0.05) == pytest.approx((0.05 ** (1 / 50), 1))


@pytest.mark.parametrize(
    ("hits", "draws"), [([0], [1]), ([1], [1]), ([0, 1], [1, 1]), ([400], [400]), ([0] * 60, [2] * 60)]
)
def test_generalize_of_little(hits: list[int], draws: list[int]) -> None:
    """One prompt or one draw is answered too: 0 is an end without hits, 1 without misses."""
    low, high = statistics.generalize(hits, draws)
    assert 0 <= low < high <= 1
    assert (low == 0) == (sum(hits) == 0)
    assert (high == 1) == (sum(hits) == sum(draws))


def test_generalize_narrows_with_a_lower_level() -> None:
    """An 80 % interval lies inside the 95 % one."""
    hits, draws = [3, 0, 1, 0, 2], [20] * 5
    wide, narrow = statistics.generalize(hits, draws), statistics.generalize(hits, draws, level=0.8)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
