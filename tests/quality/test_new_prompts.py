"""How far a rate carries to prompts nobody wrote: the profile likelihood again, on a dense grid of its own."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from scipy.special import gammaln, xlog1py, xlogy
from scipy.stats import chi2

from clustergate.read import statistics

MEANS = 1 / (1 + np.exp(-np.linspace(-13, 13, 3001)))


@cache
def on_a_grid(hits: tuple[int, ...], draws: tuple[int, ...]) -> tuple[float, float]:
    """Least and greatest mean whose profile is within chi2/2 of the best, over 350 spreads and the binomial limit.

    Written in gamma functions and the precision of the beta distribution, not in beta functions and the correlation.
    """
    k, n = np.array(hits, float), np.array(draws, float)
    best = xlogy(k.sum(), MEANS) + xlog1py((n - k).sum(), -MEANS)
    groups, times = np.unique(np.stack([k, n]), axis=1, return_counts=True)
    for precision in np.exp(np.linspace(-9, 9, 350)):
        a, b = MEANS * precision, (1 - MEANS) * precision
        total = np.zeros_like(MEANS)
        for (hit, draw), count in zip(groups.T, times, strict=True):
            term = gammaln(hit + a) - gammaln(a) + gammaln(draw - hit + b) - gammaln(b)
            total += count * (term - gammaln(draw + precision) + gammaln(precision))
        best = np.maximum(best, total)
    inside = MEANS[best >= best.max() - chi2.ppf(0.95, 1) / 2]
    return float(inside[0]), float(inside[-1])


CASES = {
    "none": ((0,) * 10, (7,) * 10),
    "one hit": ((1,) + (0,) * 9, (7,) * 10),
    "two prompts": ((5, 6) + (0,) * 8, (14,) * 10),
    "spread evenly": ((2, 1, 1, 2, 1, 1, 1, 1, 0, 1), (14,) * 10),
    "one draw each": ((0, 1, 0, 1, 1, 0, 0, 0, 1, 1), (1,) * 10),
    "all or nothing": ((7,) * 5 + (0,) * 5, (7,) * 10),
    "a single prompt": ((3,), (20,)),
    "nearly all": ((40,) * 9 + (0,), (40,) * 10),
    "unequal draws": ((3, 0, 1, 9), (10, 20, 5, 40)),
    "long": ((1, 2, 2, 0, 0, 0, 8, 0, 3), (38,) * 9),
}


@pytest.mark.parametrize("case", CASES)
def test_interval_is_that_of_a_dense_grid(case: str) -> None:
    """Both ends within 2 % of the end on the log-odds grid, or within .0005."""
    assert statistics.generalize(*CASES[case]) == pytest.approx(on_a_grid(*CASES[case]), rel=0.02, abs=5e-4)


def test_interval_without_hits_in_closed_form() -> None:
    """No hit at K prompts: at most (1 - m)^K likely, so the upper end is 1 - exp(-chi2/(2K)): 17.5 % for 10."""
    for prompts in (5, 10, 20):
        expected = 1 - math.exp(-float(chi2.ppf(0.95, 1)) / 2 / prompts)
        assert statistics.generalize([0] * prompts, [7] * prompts) == pytest.approx((0, expected), abs=2e-4)
        assert statistics.generalize([0] * prompts, [400] * prompts) == pytest.approx((0, expected), abs=2e-4)


def test_interval_turns_round_with_hits_and_misses() -> None:
    """Counting misses for hits mirrors the interval."""
    for hits, draws in CASES.values():
        low, high = statistics.generalize(hits, draws)
        misses = [n - k for k, n in zip(hits, draws, strict=True)]
        assert statistics.generalize(misses, draws) == pytest.approx((1 - high, 1 - low), abs=2e-4)


def test_interval_holds_the_pooled_rate_where_prompts_were_asked_alike() -> None:
    """With equal draws the pooled rate lies inside, for 60 seeded mixes of prompts."""
    rng = np.random.default_rng(7)
    for _ in range(60):
        prompts, draws = int(rng.integers(2, 15)), int(rng.integers(1, 41))
        hits = rng.binomial(draws, rng.beta(0.3, 3, prompts))
        low, high = statistics.generalize(hits.tolist(), [draws] * prompts)
        assert low <= hits.sum() / (draws * prompts) <= high


def test_clustered_hits_carry_less_far() -> None:
    """Eleven hits in 2 of 10 prompts leave a wider interval than eleven spread over nine."""
    clustered, spread = statistics.generalize(*CASES["two prompts"]), statistics.generalize(*CASES["spread evenly"])
    assert clustered[1] - clustered[0] > 2 * (spread[1] - spread[0])


def test_floor_for_new_prompts() -> None:
    """Twenty prompts without a hit leave 13.9 % of new prompts open at 95 %, ten leave 25.9 %: 1 - .05^(1/K)."""
    assert statistics.floor_for_new_prompts(20, 0.05) == pytest.approx(0.139, abs=5e-4)
    assert statistics.floor_for_new_prompts(10, 0.05) == pytest.approx(0.2589, abs=5e-5)
    assert (1 - statistics.floor_for_new_prompts(20, 0.05)) ** 20 == pytest.approx(0.05)
