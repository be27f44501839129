"""How much a rate has risen: two models on the same prompts, against stored counts, or both of fixed size. Pure.

Throughout: `delta` is a difference of rates, candidate less baseline; hits are violations of the limit, so that under a
`min_rate` they are misses. Of pairs (one reply of each model to one prompt, in one round) `plus` are those in which the
candidate alone hit, `minus` those in which the baseline alone did, `zero` those in which both or neither did, and
`missing` those of which a reply is missing. Pairs come in whole rounds: one of every prompt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

# scipy.special alone: see statistics.py.
from scipy.special import logsumexp, ndtri, xlog1py, xlogy

from clustergate.read import statistics
from clustergate.read.statistics import Floats

BETS: Final = (0.05, 0.15, 0.4, 0.7, 0.95)
"""Fractions of the greatest bet that can be afforded; each has the same weight. Constants of the design."""

_END: Final = 1e-9
"""As near to 0, 1 and -1 as a rate or a difference is held against: nothing can be shown there."""


def log_e_fail(
    plus: float | Floats,
    zero: float | Floats,
    minus: float | Floats,
    delta: float | Floats,
    missing: float | Floats = 0,
) -> Floats:
    """Log evidence against `mean d <= delta`, d in {-1, 0, 1}, delta in (-1, 1). A missing pair is a -1.

    The mean over `BETS` of the products of 1 + bet (d - delta) / (1 + delta): betting e-processes (Waudby-Smith and
    Ramdas 2024, Estimating means of bounded random variables by betting, J. R. Stat. Soc. B 86(1), 1-27). No pair
    leaves less than 1 - bet of the stake, and over a round the expectation is at most
    (1 + bet (mean - delta) / (1 + delta)) to the number of prompts, whatever their mix. Products commute:
    the counts are all that matters. Falls as delta rises. Arguments broadcast.
    """
    plus, zero, minus = np.asarray(plus, float), np.asarray(zero, float), np.asarray(minus, float) + missing
    delta = np.asarray(delta, float)
    terms = []
    for bet in BETS:
        # 1 + bet (d - delta) / (1 + delta) is (1 - bet) + bet (1 + d) / (1 + delta).
        won = xlogy(plus, (1 - bet) + 2 * bet / (1 + delta))
        held = xlogy(zero, (1 - bet) + bet / (1 + delta))
        terms.append(won + held + xlog1py(minus, -bet) - math.log(len(BETS)))
    return np.asarray(logsumexp(np.stack(np.broadcast_arrays(*terms)), axis=0), dtype=np.float64)


def log_e_pass(
    plus: float | Floats,
    zero: float | Floats,
    minus: float | Floats,
    delta: float | Floats,
    missing: float | Floats = 0,
) -> Floats:
    """Log evidence against `mean d >= delta`. A missing pair is a +1. Otherwise as `log_e_fail`; rises with delta.

    The mean over `BETS` of the products of 1 - bet (d - delta) / (1 - delta): the other one with its signs turned.
    """
    return log_e_fail(minus, zero, plus, -np.asarray(delta, float), missing)


def bounds(plus: int, zero: int, minus: int, alpha: float, missing: int = 0) -> tuple[float, float]:
    """Anytime-valid one-sided bounds (lower, upper) of mean d, each at alpha, dual to the two e-values above.

    Lower is -1 and upper is 1 where nothing excludes them. PASS at delta <=> upper <= delta; FAIL <=> lower >= delta.
    """
    # Turning the signs round makes a lower bound of an upper one.
    return _lower(plus, zero, minus + missing, alpha), -_lower(minus, zero, plus + missing, alpha)


def _lower(plus: int, zero: int, minus: int, alpha: float) -> float:
    level = math.log(1 / alpha)

    def excluded(delta: float) -> bool:
        return bool(log_e_fail(plus, zero, minus, delta) >= level)

    low, high = -1 + _END, 1 - _END
    if not excluded(low):
        return -1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if excluded(middle) else (low, middle)
    return low


@dataclass(frozen=True)
class Against:
    """What a candidate's violations are held against, with the e-values of an absolute limit at `alpha`."""

    pass_at: float
    """A PASS shows that the candidate's rate is below this."""
    fail_at: float
    """A FAIL shows that it is above this."""
    alpha: float


def against_counts(hits: int, n: int, missing: int, delta: float, alpha: float) -> Against:
    """The limits for a candidate that may exceed stored counts by `delta`: `hits` and `missing` of `n` replies.

    The stored run stopped when it was decided, so its bounds L and U are the anytime-valid ones. L + delta is what a
    PASS must stay below and U + delta what a FAIL must be above; bounds and test have alpha / 2 each, so that either
    verdict is wrong at most alpha of the time (Bonferroni). Where L + delta is 0 no PASS can be shown, and where
    U + delta is 1 or more no FAIL: the limits then stand at the ends of (0, 1), where no number of replies decides.
    """
    lower, upper = statistics.bounds(hits, min(hits + missing, n), n, alpha / 2)
    return Against(_inside(lower + delta), _inside(upper + delta), alpha / 2)


def _inside(rate: float) -> float:
    return min(max(rate, _END), 1 - _END)


def wilson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's two-sided score interval of a rate, without continuity correction (Wilson 1927); (0, 1) where n is 0."""
    if n == 0:
        return 0.0, 1.0
    z = float(ndtri((1 + level) / 2))
    rate, spread = hits / n, z * z / n
    half = z * math.sqrt(rate * (1 - rate) / n + spread / (4 * n))
    lower = 0.0 if hits == 0 else (rate + spread / 2 - half) / (1 + spread)
    upper = 1.0 if hits == n else (rate + spread / 2 + half) / (1 + spread)
    return lower, upper


def newcombe(hits: int, n: int, earlier_hits: int, earlier_n: int, level: float = 0.95) -> tuple[float, float]:
    """Two-sided hybrid score interval of hits / n - earlier_hits / earlier_n, two independent samples of fixed size.

    Method 10 of Newcombe 1998 (Interval estimation for the difference between independent proportions: comparison of
    eleven methods, Statistics in Medicine 17, 873-890). (-1, 1) where either sample is empty.
    """
    if n == 0 or earlier_n == 0:
        return -1.0, 1.0
    rate, earlier = hits / n, earlier_hits / earlier_n
    low, high = wilson(hits, n, level)
    earlier_low, earlier_high = wilson(earlier_hits, earlier_n, level)
    difference = rate - earlier
    return (
        difference - math.hypot(rate - low, earlier_high - earlier),
        difference + math.hypot(high - rate, earlier - earlier_low),
    )
