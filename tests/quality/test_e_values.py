"""The e-values are those of the formulas, and fair bets against their null whatever the mix of prompts."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.read import statistics
from tests.quality import exact

SIDES = [
    pytest.param(statistics.log_e_pass, exact.PASS, id="pass"),
    pytest.param(statistics.log_e_fail, exact.FAIL, id="fail"),
]
_ENDS = [Fraction(1, 10**6), Fraction(1, 1000), Fraction(9, 10), Fraction(999, 1000)]
LIMITS = [*_ENDS, *(Fraction(n, 100) for n in (1, 2, 5, 10, 30, 50))]


def log(value: Fraction) -> float:
    """Natural logarithm of a fraction too large for a float."""
    return -math.inf if value == 0 else log_int(value.numerator) - log_int(value.denominator)


def log_int(value: int) -> float:
    shift = max(value.bit_length() - 900, 0)
    return math.log(value >> shift) + shift * math.log(2)


@pytest.mark.parametrize(("log_e", "grid"), SIDES)
@pytest.mark.parametrize("t", LIMITS, ids=str)
def test_log_e_is_the_formula_in_exact_fractions(log_e, grid, t) -> None:  # type: ignore[no-untyped-def]
    """Every log e-value is within 1e-9 of the exact fraction, from no hit to nothing but hits."""
    for n in (0, 1, 2, 7, 10, 66, 138, 400):
        for hits in sorted({h for h in (0, 1, 2, 3, n // 20, n // 10, n // 2, n - 1, n) if 0 <= h <= n}):
            expected = log(exact.e_value(hits, n, t, grid))
            assert float(log_e(hits, n, float(t))) == pytest.approx(expected, rel=1e-9, abs=1e-9), (hits, n)


@pytest.mark.parametrize("grid", [exact.PASS, exact.FAIL], ids=["pass", "fail"])
def test_the_short_form_is_the_published_form(grid: exact.Grid) -> None:
    """r^S / (1 + (r - 1) t)^N, which the other tests use for speed, is the published product, fraction for fraction."""
    for t, n in itertools.product(LIMITS, (0, 1, 3, 20)):
        for hits in range(n + 1):
            assert exact.e_short(hits, n, t, grid) == exact.e_value(hits, n, t, grid)


@pytest.mark.parametrize("grid", [exact.PASS, exact.FAIL], ids=["pass", "fail"])
def test_weights_are_those_of_the_design(grid: exact.Grid) -> None:
    """Alternatives and weights are the published ones, and the weights sum to 1, so that e starts at 1."""
    code = statistics.PASS_GRID if grid is exact.PASS else statistics.FAIL_GRID
    assert [(float(r), float(w)) for r, w in grid] == list(code)
    assert sum(w for _, w in grid) == 1


@pytest.mark.parametrize("prompts", [1, 10, 12])
@pytest.mark.parametrize("t", [Fraction(x) for x in ["1/100", "1/50", "3/100", "1/20", "3/10"]], ids=str)
def test_decisions_are_those_of_exact_arithmetic(t: Fraction, prompts: int) -> None:
    """For every number of hits at the end of every round to 400 replies, floats and fractions decide alike."""
    rounds = 400 // prompts if prompts > 1 else 100
    for number, (most, least) in enumerate(exact.boundaries(t, exact.ALPHA, prompts, rounds), start=1):
        n = number * prompts
        hits = list(range(n + 1))
        passing = statistics.log_e_pass(hits, n, float(t)) >= math.log(20)  # type: ignore[arg-type]
        failing = statistics.log_e_fail(hits, n, float(t)) >= math.log(20)  # type: ignore[arg-type]
        assert passing.tolist() == [h <= most for h in hits]
        assert failing.tolist() == [h >= least for h in hits]


def expectation(rates: list[Fraction], t: Fraction, grid: exact.Grid) -> Fraction:
    """Mean of e after one round, over all outcomes of it."""
    total = Fraction(0)
    for outcome in itertools.product((0, 1), repeat=len(rates)):
        chance = math.prod((p if x else 1 - p for p, x in zip(rates, outcome, strict=True)), start=Fraction(1))
        total += chance * exact.e_value(sum(outcome), len(rates), t, grid)
    return total


RATES = st.lists(st.fractions(0, 1, max_denominator=50), min_size=1, max_size=6)


@given(RATES)
def test_a_round_at_the_null_is_a_fair_bet_for_any_mix_of_prompts(rates: list[Fraction]) -> None:
    """With the prompts' mean rate at the limit, e after a whole round is at most 1 on average, on either side."""
    t = sum(rates, Fraction(0)) / len(rates)
    if 0 < t < 1:
        assert expectation(rates, t, exact.PASS) <= 1
        assert expectation(rates, t, exact.FAIL) <= 1


@given(RATES, st.fractions(0, 1, max_denominator=50))
def test_a_round_within_the_null_is_no_better_than_fair(rates: list[Fraction], t: Fraction) -> None:
    """Beyond the limit the evidence for PASS is at most 1 on average, and below it that for FAIL."""
    theta = sum(rates, Fraction(0)) / len(rates)
    if 0 < t < 1:
        assert expectation(rates, t, exact.PASS if theta >= t else exact.FAIL) <= 1


def test_a_round_cut_in_the_middle_is_no_fair_bet() -> None:
    """Three always-positive prompts of sixty, asked first: their e decides at once, that of the round does not."""
    assert exact.e_value(3, 3, Fraction(1, 20), exact.FAIL) > 20
    whole = math.exp(float(statistics.log_e_fail(3, 60, 0.05)))
    assert whole < 1
