"""The comparison of two models once more, from its published formulas alone; nothing of clustergate is imported here.

Per round one reply of each model to each prompt, d = candidate - baseline in {-1, 0, 1}. The e-value against `mean d at
most delta` is the mean over five bets of the products of 1 + bet (d - delta) / (1 + delta), that against `mean d at
least delta` the mean of the products of 1 - bet (d - delta) / (1 - delta). Either decides when it reaches 1 / alpha at
the end of a whole round.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.signal import convolve2d

from tests.quality.exact import Outcome

BETS = tuple(Fraction(x, 100) for x in (5, 15, 40, 70, 95))


def e_regression(plus: int, zero: int, minus: int, delta: Fraction) -> Fraction:
    """The formula as it is published, in exact fractions."""
    total = Fraction(0)
    for bet in BETS:
        up, same, down = (1 + bet * (d - delta) / (1 + delta) for d in (1, 0, -1))
        total += up**plus * same**zero * down**minus
    return total / len(BETS)


def e_non_inferiority(plus: int, zero: int, minus: int, delta: Fraction) -> Fraction:
    """The same for the other side."""
    total = Fraction(0)
    for bet in BETS:
        up, same, down = (1 - bet * (d - delta) / (1 - delta) for d in (1, 0, -1))
        total += up**plus * same**zero * down**minus
    return total / len(BETS)


def _log_e(
    plus: NDArray[np.int64], zero: NDArray[np.int64], minus: NDArray[np.int64], delta: float, sign: int
) -> NDArray[np.float64]:
    terms = []
    for bet in map(float, BETS):
        factors = [np.log(1 + sign * bet * (d - delta) / (1 + sign * delta)) for d in (1, 0, -1)]
        terms.append(plus * factors[0] + zero * factors[1] + minus * factors[2])
    return np.asarray(np.logaddexp.reduce(terms, axis=0) - np.log(len(BETS)))


def _worth_keeping(alive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the last rows and columns in which next to nothing (1e-14 in all) is alive."""
    rows, columns = (np.flatnonzero(np.cumsum(alive.sum(axis=axis)[::-1])[::-1] > 1e-14) for axis in (1, 0))
    return alive[: rows[-1] + 1, : columns[-1] + 1] if rows.size else alive[:1, :1]


def pairs(
    candidate: Sequence[float], baseline: Sequence[float], delta: float, ceiling: int, alpha: float = 0.05
) -> Outcome:
    """Chances of the verdicts and mean replies an arm, by recursion over whole rounds to the first crossing.

    One rate a prompt and model. The state is how many pairs were a plus and how many a minus.
    """
    prompts = len(candidate)
    step = np.array([[1.0]])
    for new, old in zip(candidate, baseline, strict=True):
        up, down = new * (1 - old), old * (1 - new)
        step = convolve2d(step, np.array([[1 - up - down, down], [up, 0.0]]))
    alive, passes, fails, replies = np.array([[1.0]]), 0.0, 0.0, 0.0
    rounds = ceiling // prompts
    for number in range(1, rounds + 1):
        alive = convolve2d(_worth_keeping(alive), step)
        plus, minus = np.indices(alive.shape)
        zero = np.maximum(number * prompts - plus - minus, 0)  # where it would be negative nothing is alive
        failed = _log_e(plus, zero, minus, delta, 1) >= -np.log(alpha)
        passed = (_log_e(plus, zero, minus, delta, -1) >= -np.log(alpha)) & ~failed
        fails, passes = fails + alive[failed].sum(), passes + alive[passed].sum()
        replies += number * prompts * alive[failed | passed].sum()
        alive[failed | passed] = 0.0
    undecided = float(alive.sum())
    return Outcome(float(passes), float(fails), undecided, float(replies + rounds * prompts * undecided))
