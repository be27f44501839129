"""Comparing with a baseline: replies it takes and false verdicts, by exact sums over all that can happen."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clustergate.read import increase
from tests.quality import exact, exact_pairs

ALPHA = 0.05
PROMPTS = 10  # a round


@given(
    st.integers(0, 80),
    st.integers(0, 80),
    st.integers(0, 80),
    st.fractions(Fraction(-9, 10), Fraction(9, 10), max_denominator=100),
)
def test_e_values_are_the_published_ones(plus: int, zero: int, minus: int, delta: Fraction) -> None:
    """Both agree with the formulas in exact fractions, for any counts and margin."""
    fail = increase.log_e_fail(plus, zero, minus, float(delta))
    assert float(fail) == pytest.approx(_log(exact_pairs.e_regression(plus, zero, minus, delta)), abs=1e-9)
    found = increase.log_e_pass(plus, zero, minus, float(delta))
    assert float(found) == pytest.approx(_log(exact_pairs.e_non_inferiority(plus, zero, minus, delta)), abs=1e-9)


def _log(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)


@pytest.mark.parametrize(
    ("delta", "replies", "found"), [(0.0, 69, 1.0), (0.02, 86, 1.0), (0.05, 159, 0.98), (0.10, 387, 0.05)]
)
def test_replies_needed_for_an_increase(delta: float, replies: int, found: float) -> None:
    """A model at 11 % against one at 0, 10 prompts a round, ceiling 400: mean replies an arm, within 2 %.

    A margin of 10 % is so near to the true increase that most runs end at the ceiling.
    """
    outcome = exact_pairs.pairs([0.11] * PROMPTS, [0.0] * PROMPTS, delta, 400)
    assert outcome.replies == pytest.approx(replies, rel=0.02)
    assert outcome.fails == pytest.approx(found, abs=0.01)
    assert outcome.passes < 0.01


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 0.5])
@pytest.mark.parametrize("prompts", [1, 10])
def test_a_model_against_itself(rate: float, prompts: int) -> None:
    """Looked at after every round, in rounds of one prompt and of ten, it fails at most alpha of the time at delta = 0.

    Nor does it pass more often: with no margin there is nothing to show.
    """
    outcome = exact_pairs.pairs([rate] * prompts, [rate] * prompts, 0.0, 300)
    assert outcome.fails <= ALPHA
    assert outcome.passes <= ALPHA


def test_a_model_against_itself_in_longer_runs() -> None:
    """The same to a ceiling of 1,000 replies: the chance creeps up to alpha and stays under it."""
    outcome = exact_pairs.pairs([0.05] * PROMPTS, [0.05] * PROMPTS, 0.0, 1000)
    assert 0.02 < outcome.fails <= ALPHA


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3])
def test_a_model_against_itself_passes_within_a_margin(rate: float) -> None:
    """With a margin of 20 % a model against itself is found to be no worse, and hardly ever to be worse."""
    outcome = exact_pairs.pairs([rate] * PROMPTS, [rate] * PROMPTS, 0.2, 400)
    assert outcome.passes > 0.99
    assert outcome.fails < 0.01


MIXES = {
    "all of it in one prompt": ([0.5] + [0.0] * 9, [0.0] * 10),
    "up here, down there": ([0.9] * 5 + [0.0] * 5, [0.0] * 5 + [0.8] * 5),
    "one prompt always": ([1.0] + [0.3] * 9, [0.5] + [0.3] * 9),
}


@pytest.mark.parametrize("mix", MIXES)
def test_false_verdicts_with_unequal_prompts(mix: str) -> None:
    """An increase of 5 % on average against a margin of 5 %, however it is spread: neither verdict beyond alpha."""
    candidate, baseline = MIXES[mix]
    assert np.mean(candidate) - np.mean(baseline) == pytest.approx(0.05)
    outcome = exact_pairs.pairs(candidate, baseline, 0.05, 300)
    assert outcome.fails <= ALPHA
    assert outcome.passes <= ALPHA


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=8))
def test_false_verdicts_with_any_mix(rates: list[tuple[float, float]]) -> None:
    """Drawn rates of two models, with the margin at their true difference, stay under alpha on either side."""
    candidate, baseline = zip(*rates, strict=True)
    delta = float(np.mean(candidate) - np.mean(baseline))
    if abs(delta) < 0.99:
        outcome = exact_pairs.pairs(candidate, baseline, delta, 100)
        assert outcome.fails <= ALPHA + 1e-9
        assert outcome.passes <= ALPHA + 1e-9


def test_the_recursion_counts_everything() -> None:
    """The verdicts' chances add up to 1, and at rate 0 it is plain arithmetic when a margin of 10 % is shown.

    Every pair is alike and multiplies by 1 + bet / 9: 42 pairs are enough in sum, and so 50 in rounds of ten.
    """
    outcome = exact_pairs.pairs([0.0] * PROMPTS, [0.0] * PROMPTS, 0.1, 400)
    assert outcome.passes + outcome.fails + outcome.undecided == pytest.approx(1)
    least = next(n for n in range(400) if sum((1 + bet / 9) ** n for bet in exact_pairs.BETS) / 5 >= 20)
    assert outcome.replies == pytest.approx(math.ceil(least / PROMPTS) * PROMPTS)


def stored_runs(rate: float, t: Fraction, ceiling: int) -> dict[tuple[int, int], float]:
    """Chance of each (hits, replies) at which a gated run of one model ends: it stops as soon as it is decided."""
    step, alive, ended = exact.hits_of_a_round([rate] * PROMPTS), np.array([1.0]), {}
    bounds = exact.boundaries(t, exact.ALPHA, PROMPTS, ceiling // PROMPTS)
    for number, (most, least) in enumerate(bounds, start=1):
        alive = np.convolve(alive, step)
        for hits in np.flatnonzero(alive > 1e-7):
            if hits <= most or hits >= least or number == len(bounds):
                ended[int(hits), number * PROMPTS] = float(alive[hits])
                alive[hits] = 0.0
    return ended


def chances(rate: float, against: increase.Against, ceiling: int) -> tuple[float, float]:
    """Chances of PASS and FAIL of a model at a rate, by the e-values of an absolute limit, in floating point."""
    step, alive, passes, fails = exact.hits_of_a_round([rate] * PROMPTS), np.array([1.0]), 0.0, 0.0
    for number in range(1, ceiling // PROMPTS + 1):
        alive = np.convolve(alive, step)
        hits, n = np.arange(len(alive)), number * PROMPTS
        passed = _log_e(hits, n, against.pass_at, exact.PASS) >= -math.log(against.alpha)
        failed = _log_e(hits, n, against.fail_at, exact.FAIL) >= -math.log(against.alpha)
        passes, fails = passes + alive[passed].sum(), fails + alive[failed].sum()
        alive[passed | failed] = 0.0
    return float(passes), float(fails)


def _log_e(hits: NDArray[np.int64], n: int, t: float, grid: exact.Grid) -> NDArray[np.float64]:
    # r = 0 is the bet that there is no hit at all: e^-700 is as good as 0.
    terms = [
        math.log(weight) + hits * (math.log(r) if r else -700.0) - n * math.log1p((float(r) - 1) * t)
        for r, weight in grid
    ]
    return np.asarray(np.logaddexp.reduce(terms, axis=0))


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.11, 0.3])
@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_false_verdicts_against_stored_counts(rate: float, delta: float) -> None:
    """A stored run that stopped when it was decided, and a candidate exactly delta above it: both errors within alpha.

    Sums over all ends of both runs, 200 replies each at the most; the stored one had a limit of 5 %.
    """
    passes = fails = 0.0
    for (hits, n), chance in stored_runs(rate, Fraction(1, 20), 200).items():
        passed, failed = chances(rate + delta, increase.against_counts(hits, n, 0, delta, ALPHA), 200)
        passes, fails = passes + chance * passed, fails + chance * failed
    assert passes <= ALPHA
    assert fails <= ALPHA


def test_power_against_stored_counts() -> None:
    """A stored model at 0 that passed after 70 replies: one at 30 % is found worse, one at 0 never is."""
    against = increase.against_counts(0, 70, 0, 0.02, ALPHA)
    assert chances(0.3, against, 400)[1] > 0.999
    assert chances(0.0, against, 400)[1] == 0
