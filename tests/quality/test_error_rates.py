"""False verdicts stay under alpha: exact sums over all that can happen, of the whole procedure at its threshold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustergate.decide.rule import rule_for
from clustergate.nouns.settings import Gate, Limit
from tests.quality import exact

ALPHA = 0.05
T = Fraction(1, 20)
LIMITS = [Fraction(1, 20), Fraction(1, 10), Fraction(3, 10)]


@pytest.mark.parametrize("prompts", [10, 12])
@pytest.mark.parametrize(
    ("ceiling", "false_pass", "false_fail"),
    [(400, (0.034, 0.037), (0.018, 0.020)), (2000, (0.039, 0.042), (0.019, 0.021))],
)
def test_false_verdicts_at_the_threshold(
    prompts: int, ceiling: int, false_pass: tuple[float, float], false_fail: tuple[float, float]
) -> None:
    """At a true rate at the limit under 5 % of runs pass and under 5 % fail, whichever the ceiling."""
    found = exact.gate(T, [0.05] * prompts, ceiling)
    assert false_pass[0] < found.passes < false_pass[1] < ALPHA
    assert false_fail[0] < found.fails < false_fail[1] < ALPHA


@pytest.mark.parametrize("t", [Fraction(x) for x in ["1/100", "1/50", "3/100", "1/10", "1/2"]], ids=str)
@pytest.mark.parametrize("prompts", [1, 3, 10])
def test_false_verdicts_at_other_limits(t: Fraction, prompts: int) -> None:
    """The same at limits from 1 to 50 % and rounds of 1 to 10 prompts."""
    found = exact.gate(t, [float(t)] * prompts, 400)
    assert found.passes <= ALPHA
    assert found.fails <= ALPHA


MIXES = {
    "all hits in one prompt": [0.5] + [0.0] * 9,
    "half of the prompts": [0.1] * 5 + [0.0] * 5,
    "one frequent, the rest rare": [0.32] + [0.02] * 9,
    "one prompt always": [1.0] + [0.0] * 19,
    "one prompt nearly always": [0.9] + [0.1 / 19] * 19,
}


@pytest.mark.parametrize("mix", MIXES)
def test_false_verdicts_with_unequal_prompts(mix: str) -> None:
    """The mean over prompts at the limit: no mix of prompts gives more false verdicts than equal prompts do."""
    rates = MIXES[mix]
    assert np.mean(rates) == pytest.approx(0.05)
    found, equal = exact.gate(T, rates, 400), exact.gate(T, [0.05] * len(rates), 400)
    assert found.passes <= equal.passes
    assert found.fails <= equal.fails <= ALPHA


@settings(max_examples=40)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=12), st.sampled_from(LIMITS))
def test_false_verdicts_with_any_mix(shares: list[int], t: Fraction) -> None:
    """Drawn mixes, brought to a mean at the limit, stay under alpha on either side."""
    scale = float(t) * len(shares) / max(sum(shares), 1)
    rates = [share * scale for share in shares]
    if sum(shares) and max(rates) <= 1:
        found = exact.gate(t, rates, 400)
        assert found.passes <= ALPHA
        assert found.fails <= ALPHA


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.03, 0.049])
def test_false_fails_below_the_limit(rate: float) -> None:
    """Under the limit a FAIL is rarer still."""
    assert exact.gate(T, [rate] * 10, 400).fails <= exact.gate(T, [0.05] * 10, 400).fails


@pytest.mark.parametrize("rate", [0.051, 0.07, 0.11, 0.3])
def test_false_passes_above_the_limit(rate: float) -> None:
    """Over the limit a PASS is rarer still."""
    assert exact.gate(T, [rate] * 10, 400).passes <= exact.gate(T, [0.05] * 10, 400).passes


def test_attempts_stay_under_twice_alpha_together() -> None:
    """Attempt j decides at alpha / 2^(j-1): starting afresh until it suits gives at most 2 alpha, however often."""
    limit, gate = Limit(max_rate=0.05), Gate()
    alphas = [rule_for(limit, gate, 10, family=1, attempt=j).alpha for j in range(1, 31)]
    assert alphas[:4] == [0.05, 0.025, 0.0125, 0.00625]
    assert sum(alphas) < 0.1
    tried = [exact.gate(T, [0.05] * 10, 400, Fraction(1, 20 * 2 ** (j - 1))) for j in range(1, 6)]
    for outcome, alpha in zip(tried, alphas, strict=False):
        assert outcome.passes <= alpha
        assert outcome.fails <= alpha
    assert 1 - np.prod([1 - outcome.passes for outcome in tried]) < 0.1
    assert 1 - np.prod([1 - outcome.fails for outcome in tried]) < 0.1


@pytest.mark.parametrize(
    ("hits_lost", "misses_lost"),
    [(0.02, 0.02), (0.3, 0.0), (1.0, 0.0), (0.0, 0.05), (0.0, 0.5)],
    ids=["at random", "hits hide", "all hits hide", "misses are lost", "half of the misses are lost"],
)
def test_false_verdicts_with_replies_lost(hits_lost: float, misses_lost: float) -> None:
    """Lost replies, at random or by what they were, leave either error under alpha.

    A verdict put off by gaps leaves a little room to the other one: under one run in ten thousand here.
    """
    found = exact.gate_with_gaps(T, 0.05, 10, 400, hits_lost=hits_lost, misses_lost=misses_lost)
    full = exact.gate(T, [0.05] * 10, 400)
    assert found.passes <= full.passes + 1e-4 < ALPHA
    assert found.fails <= full.fails + 1e-4 < ALPHA


def test_the_sum_with_gaps_is_the_sum_without_where_none_is_lost() -> None:
    """The two recursions of these tests agree where they should."""
    found = exact.gate_with_gaps(T, 0.05, 10, 400, hits_lost=0.0, misses_lost=0.0)
    full = exact.gate(T, [0.05] * 10, 400)
    assert (found.passes, found.fails, found.replies) == pytest.approx((full.passes, full.fails, full.replies))


def test_judged_parts_counted_apart_would_break_it() -> None:
    """Five answers of one conversation counted as five replies: a third of runs fail. Hence one cell a conversation."""
    alive, fails = np.array([1.0]), 0.0
    for most, least in exact.boundaries(T, exact.ALPHA, 5, 80):
        alive = np.convolve(alive, [0.95, 0, 0, 0, 0, 0.05])
        fails += alive[least:].sum()
        alive[: most + 1] = 0.0
        alive = alive[:least]
    assert fails == pytest.approx(0.327, abs=0.001)
