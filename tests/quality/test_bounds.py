"""The bounds printed beside a verdict: dual to the gate, and right at least 95 times in 100 each way at any time."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from clustergate.read import statistics
from tests.quality import exact


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int, int]:
    """(hits, missing, n)."""
    n = draw(st.integers(1, 400))
    hits = draw(st.integers(0, n) | st.integers(0, min(n, 12)))
    return hits, draw(st.integers(0, min(n - hits, 5))), n


@given(counts(), st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000), st.integers(1, 4))
def test_bounds_are_dual_to_the_gate(given_counts: tuple[int, int, int], t: Fraction, attempt: int) -> None:
    """PASS at t exactly where the upper bound is at most t, FAIL at t exactly where the lower is at least t."""
    hits, missing, n = given_counts
    alpha = exact.ALPHA / 2 ** (attempt - 1)
    lower, upper = statistics.bounds(hits, hits + missing, n, float(alpha))
    assume(min(abs(lower - t), abs(upper - t)) > 1e-9)
    assert (upper <= t) == (exact.e_short(hits + missing, n, t, exact.PASS) >= 1 / alpha)
    assert (lower >= t) == (exact.e_short(hits, n, t, exact.FAIL) >= 1 / alpha)


@given(counts())
def test_bounds_solve_the_exact_equation(given_counts: tuple[int, int, int]) -> None:
    """A hair inside a bound nothing is excluded, a hair outside it is: in exact fractions."""
    hits, missing, n = given_counts
    lower, upper = statistics.bounds(hits, hits + missing, n, 0.05)
    hair = Fraction(1, 10**9)
    if upper < 1 - 1e-8:
        assert exact.e_short(hits + missing, n, Fraction(upper) + hair, exact.PASS) >= 20
        assert exact.e_short(hits + missing, n, Fraction(upper) - hair, exact.PASS) < 20
    elif upper == 1:
        assert exact.e_short(hits + missing, n, 1 - hair, exact.PASS) < 21
    if lower > 1e-8:
        assert exact.e_short(hits, n, Fraction(lower) - hair, exact.FAIL) >= 20
        assert exact.e_short(hits, n, Fraction(lower) + hair, exact.FAIL) < 20
    elif lower == 0:
        assert exact.e_short(hits, n, hair, exact.FAIL) < 21


@given(counts())
def test_bounds_hold_the_rate_and_rise_with_hits(given_counts: tuple[int, int, int]) -> None:
    """0 <= lower <= rate <= upper <= 1; one more hit lowers neither bound; gaps only widen."""
    hits, missing, n = given_counts
    lower, upper = statistics.bounds(hits, hits + missing, n, 0.05)
    assert 0 <= lower <= hits / n <= (hits + missing) / n <= upper <= 1
    narrow = statistics.bounds(hits, hits, n, 0.05)
    assert lower == narrow[0]
    assert upper >= narrow[1]
    if hits < n:
        more = statistics.bounds(hits + 1, hits + 1, n, 0.05)
        assert more[0] >= narrow[0]
        assert more[1] >= narrow[1]


def test_no_reply_says_nothing() -> None:
    """Bounds are 0 and 1 before the first reply, and 0 for a single hit of one."""
    assert statistics.bounds(0, 0, 0, 0.05) == (0, 1)
    assert statistics.bounds(1, 1, 1, 0.05) == (0, 1)


def test_bounds_of_a_clean_run() -> None:
    """0 of 70: e_pass = .5/(1-m)^70 + .3/(1-.8m)^70 + .2/(1-.5m)^70 reaches 20 at 4.70 %."""
    lower, upper = statistics.bounds(0, 0, 70, 0.05)
    assert lower == 0
    e_pass = 0.5 * (1 - upper) ** -70 + 0.3 * (1 - 0.8 * upper) ** -70 + 0.2 * (1 - 0.5 * upper) ** -70
    assert e_pass == pytest.approx(20)
    assert upper == pytest.approx(0.0470, abs=5e-5)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2, 0.5, 0.9])
def test_bounds_are_right_at_every_time_together(rate: float) -> None:
    """The chance that a bound is wrong at the end of any of 20 rounds of 10 is under 5 % each way: an exact sum."""
    step = exact.hits_of_a_round([rate] * 10)
    for side in ("lower", "upper"):
        alive, wrong = np.array([1.0]), 0.0
        for number in range(1, 21):
            alive = np.convolve(alive, step)
            for hits in np.flatnonzero(alive > 1e-9):
                if missed(int(hits), number * 10, rate, side):
                    wrong += alive[hits]
                    alive[hits] = 0.0
        assert wrong <= 0.05, side


def missed(hits: int, n: int, rate: float, side: str) -> bool:
    """True where the bound excludes the rate. Bounds are asked only for counts on the side where they might."""
    if (hits / n > rate) != (side == "lower"):
        return False
    lower, upper = statistics.bounds(hits, hits, n, 0.05)
    return lower > rate if side == "lower" else upper < rate


def test_bounds_are_right_with_unequal_prompts() -> None:
    """Two prompts in ten always, one half the time: 4,000 seeded runs of 25 rounds, wrong in under 5 % each way."""
    rng = np.random.default_rng(20260)
    rates = np.array([1.0, 1.0, 0.5] + [0.0] * 7)
    hits = rng.binomial(1, rates, size=(4000, 25, 10)).sum(axis=2).cumsum(axis=1)
    known = {
        (int(s), n): statistics.bounds(int(s), int(s), n, 0.05)
        for column, n in zip(hits.T, range(10, 260, 10), strict=True)
        for s in np.unique(column)
    }
    runs = [[known[int(s), 10 * number] for number, s in enumerate(run, start=1)] for run in hits]
    assert sum(any(lower > 0.25 for lower, _ in run) for run in runs) / len(runs) <= 0.05
    assert sum(any(upper < 0.25 for _, upper in run) for run in runs) / len(runs) <= 0.05


PUBLISHED = [
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 5: two-sided 95 %.
    pytest.param(81, 263, 0.025, (0.2527, 0.3676), 5e-5, id="Newcombe 81/263"),
    pytest.param(15, 148, 0.025, (0.0578, 0.1617), 5e-5, id="Newcombe 15/148"),
    pytest.param(0, 20, 0.025, (0.0, 0.1684), 5e-5, id="Newcombe 0/20"),
    pytest.param(1, 29, 0.025, (0.0009, 0.1776), 5e-5, id="Newcombe 1/29"),
    # Conover 1999, Practical Nonparametric Statistics, table of exact 95 % limits.
    pytest.param(5, 25, 0.025, (0.068, 0.407), 5e-4, id="Conover 5/25"),
    # The worked examples of the R packages PropCIs (exactci) and GenBinomApps (clopper.pearson.ci).
    pytest.param(4, 20, 0.025, (0.057334, 0.436614), 5e-7, id="PropCIs 4/20"),
    pytest.param(5, 100_000, 0.05, (1.97017e-05, 0.0001051275), 5e-10, id="GenBinomApps 5/100000"),
    # No hit in 10: 1 - .05^(1/10).
    pytest.param(0, 10, 0.05, (0.0, 0.2589), 5e-5, id="0/10"),
]


@pytest.mark.parametrize(("hits", "n", "alpha", "expected", "within"), PUBLISHED)
def test_clopper_pearson_against_published_values(
    hits: int, n: int, alpha: float, expected: tuple[float, float], within: float
) -> None:
    """The exact limits as printed in tables and worked examples."""
    assert statistics.clopper_pearson(hits, n, alpha) == pytest.approx(expected, abs=within)


@given(counts(), st.sampled_from([0.05, 0.025, 0.005]))
def test_clopper_pearson_against_scipy(given_counts: tuple[int, int, int], alpha: float) -> None:
    """scipy.stats.binomtest's exact interval, for any counts."""
    hits, _, n = given_counts
    found = binomtest(hits, n).proportion_ci(confidence_level=1 - 2 * alpha, method="exact")
    assert statistics.clopper_pearson(hits, n, alpha) == pytest.approx((found.low, found.high), abs=1e-9)


@pytest.mark.parametrize("n", [31, 100, 400, 2000])
def test_rule_of_three(n: int) -> None:
    """No hit in n: the one-sided 95 % limit is just under 3/n (Hanley and Lippman-Hand 1983), ours a little over it."""
    fixed = statistics.clopper_pearson(0, n, 0.05)[1]
    assert 0.95 * 3 / n < fixed < 3 / n
    anytime = statistics.bounds(0, 0, n, 0.05)[1]
    assert fixed < anytime < 1.3 * fixed


def test_a_bound_for_any_time_is_wider_than_for_a_fixed_size() -> None:
    """What looking at every round costs: never narrower than Clopper-Pearson at the same counts."""
    for n in (10, 70, 200):
        for hits in range(0, n + 1, max(n // 10, 1)):
            anytime, fixed = statistics.bounds(hits, hits, n, 0.05), statistics.clopper_pearson(hits, n, 0.05)
            assert anytime[0] <= fixed[0] + 1e-12
            assert anytime[1] >= fixed[1] - 1e-12
            assert not math.isnan(sum(anytime))
