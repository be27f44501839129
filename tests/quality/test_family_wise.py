"""e-Holm: the closed test of the Bonferroni kind, and under alpha over the family as a whole."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clustergate.decide.release import e_holm

RUNS, ROUNDS, PROMPTS, T = 3000, 40, 10, 0.05


def closed_test(log_e: list[float], alpha: float) -> set[int]:
    """Reject i where every subset of the family that holds i has an e-value of at least its size / alpha."""
    family = range(len(log_e))
    subsets = [s for size in range(1, len(log_e) + 1) for s in itertools.combinations(family, size)]
    rejected = {s for s in subsets if max(log_e[i] for i in s) >= math.log(len(s) / alpha)}
    return {i for i in family if all(s in rejected for s in subsets if i in s)}


@given(st.lists(st.floats(0, 9), max_size=6), st.sampled_from([0.05, 0.025, 0.2]))
def test_e_holm_is_the_closed_test(log_e: list[float], alpha: float) -> None:
    """The step-down procedure rejects what the closed test over all subsets rejects."""
    assert {int(name) for name in e_holm({str(i): e for i, e in enumerate(log_e)}, alpha)} == closed_test(log_e, alpha)


def test_e_holm_by_hand() -> None:
    """Of e = 100, 45, 30, 19 at alpha .05 with m = 4 the bars are 80, 60, 40, 20: only the first is rejected."""
    log_e = {name: math.log(e) for name, e in {"c": 30, "a": 100, "d": 19, "b": 45}.items()}
    assert e_holm(log_e, 0.05) == {"a"}
    assert e_holm(log_e | {"b": math.log(61)}, 0.05) == {"a", "b"}
    assert e_holm(log_e | {"b": math.log(61), "c": math.log(41)}, 0.05) == {"a", "b", "c"}
    assert e_holm({}, 0.05) == set()


def log_maxima(hits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Running maximum of log e_fail over rounds (last axis): weighted mean of r^S / (1 + (r - 1) t)^N."""
    totals = hits.cumsum(axis=-1)
    n = PROMPTS * np.arange(1, hits.shape[-1] + 1)
    terms = [
        math.log(weight) + totals * math.log(r) - n * math.log1p((r - 1) * T)
        for r, weight in ((2.2, 0.5), (5.0, 0.25), (20.0, 0.25))
    ]
    return np.asarray(np.logaddexp.reduce(np.stack(terms)).max(axis=-1))


def share_wrong(log_e: NDArray[np.float64], nulls: int) -> float:
    """Share of runs in which any of the first `nulls` of the family is rejected."""
    wrong = 0
    for run in log_e:
        rejected = e_holm({str(i): float(e) for i, e in enumerate(run)}, 0.05)
        wrong += any(str(i) in rejected for i in range(nulls))
    return wrong / len(log_e)


MARGIN = 3 * math.sqrt(0.05 * 0.95 / RUNS)


@pytest.mark.parametrize("alike", [False, True], ids=["independent", "identical"])
@pytest.mark.parametrize("effects", [0, 5])
def test_family_wise_error(alike: bool, effects: int) -> None:
    """Six behaviors at their limit, besides none or five far over it: any false failure in under 5 % of runs."""
    rng = np.random.default_rng(606 + effects)
    nulls = rng.binomial(PROMPTS, T, size=(RUNS, 1 if alike else 6, ROUNDS))
    log_e = log_maxima(np.repeat(nulls, 6, axis=1) if alike else nulls)
    over = log_maxima(rng.binomial(PROMPTS, 0.3, size=(RUNS, effects, ROUNDS))) if effects else np.empty((RUNS, 0))
    assert share_wrong(np.concatenate([log_e, over], axis=1), 6) <= 0.05 + MARGIN


def test_without_it_many_behaviors_fail_falsely() -> None:
    """What it is for: at alpha each, one of 24 behaviors at their limits fails in more than a quarter of runs."""
    rng = np.random.default_rng(24)
    log_e = log_maxima(rng.binomial(PROMPTS, T, size=(600, 24, ROUNDS)))
    assert (log_e.max(axis=1) >= math.log(20)).mean() > 0.25
    assert share_wrong(log_e, 24) <= 0.05
