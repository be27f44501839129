"""The gate once more, from its published formulas alone: exact fractions, and sums over all that can happen.

Nothing of clustergate is imported here, so that what the tests compare with is not what they test. The formulas: with S
hits in N replies, limit t, odds o = t / (1 - t) and q = r o / (1 + r o), an e-value is a weighted mean over r of
(q / t)^S ((1 - q) / (1 - t))^(N - S); it decides when it reaches 1 / alpha at the end of a whole round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

Grid = tuple[tuple[Fraction, Fraction], ...]

PASS: Grid = ((Fraction(0), Fraction(1, 2)), (Fraction(1, 5), Fraction(3, 10)), (Fraction(1, 2), Fraction(1, 5)))
FAIL: Grid = ((Fraction(11, 5), Fraction(1, 2)), (Fraction(5), Fraction(1, 4)), (Fraction(20), Fraction(1, 4)))
ALPHA = Fraction(1, 20)


def e_value(hits: int, n: int, t: Fraction, grid: Grid) -> Fraction:
    """The formula as it is published. 0^0 is 1."""
    total = Fraction(0)
    for r, weight in grid:
        odds = t / (1 - t)
        q = r * odds / (1 + r * odds)
        total += weight * (q / t) ** hits * ((1 - q) / (1 - t)) ** (n - hits)
    return total


def e_short(hits: int, n: int, t: Fraction, grid: Grid) -> Fraction:
    """The same with the odds multiplied out: a weighted mean of r^S / (1 + (r - 1) t)^N. Quicker for large N."""
    return sum((weight * r**hits / (1 + (r - 1) * t) ** n for r, weight in grid), Fraction(0))


def crosses(hits: int, n: int, t: Fraction, grid: Grid, level: Fraction) -> bool:
    """Whether the e-value reaches `level`: in fractions, but where floating point can tell, some 10^6 times its error.

    The logarithms below are right to n times 10^-15.
    """
    terms = [
        math.log(weight) + (hits * math.log(r) if r else 0.0) - n * math.log1p(float((r - 1) * t))
        for r, weight in grid
        if r or not hits
    ]
    greatest = max(terms)
    beyond = greatest + math.log(sum(math.exp(term - greatest) for term in terms)) - math.log(level)
    return beyond > 0 if abs(beyond) > 1e-9 * max(n, 1) else e_short(hits, n, t, grid) >= level


@cache
def boundaries(t: Fraction, alpha: Fraction, prompts: int, rounds: int) -> tuple[tuple[int, int], ...]:
    """For each round the most hits that pass (-1 for none) and the least that fail (above n for none)."""
    found, most, least = [], -1, 0
    for n in range(prompts, prompts * rounds + 1, prompts):
        while most < n and crosses(most + 1, n, t, PASS, 1 / alpha):
            most += 1
        while least <= n and not crosses(least, n, t, FAIL, 1 / alpha):
            least += 1
        found.append((most, least))
    return tuple(found)


def hits_of_a_round(rates: Sequence[float]) -> NDArray[np.float64]:
    """Chances of 0, 1, 2, … hits in one round: Poisson-binomial, one rate a prompt."""
    chances = np.array([1.0])
    for rate in rates:
        chances = np.convolve(chances, [1 - rate, rate])
    return chances


@dataclass(frozen=True)
class Outcome:
    passes: float
    fails: float
    undecided: float
    replies: float


def gate(
    t: Fraction, rates: Sequence[float], ceiling: int, alpha: Fraction = ALPHA, fail_at: Fraction | None = None
) -> Outcome:
    """Chances of the verdicts and mean replies, by recursion over whole rounds to the first crossing.

    `fail_at` is the threshold of a FAIL where it is another than that of a PASS.
    """
    prompts, step = len(rates), hits_of_a_round(rates)
    alive, passes, fails, replies = np.array([1.0]), 0.0, 0.0, 0.0
    passing = boundaries(t, alpha, prompts, ceiling // prompts)
    failing = passing if fail_at is None else boundaries(fail_at, alpha, prompts, ceiling // prompts)
    for number, ((most, _), (_, least)) in enumerate(zip(passing, failing, strict=True), start=1):
        alive = np.convolve(alive, step)
        passed, failed = alive[: most + 1].sum(), alive[least:].sum()
        passes, fails, replies = passes + passed, fails + failed, replies + number * prompts * (passed + failed)
        alive[: most + 1] = 0.0
        alive = alive[:least]
    undecided = float(alive.sum())
    return Outcome(float(passes), float(fails), undecided, float(replies + ceiling // prompts * prompts * undecided))


def gate_with_gaps(
    t: Fraction, rate: float, prompts: int, ceiling: int, *, hits_lost: float, misses_lost: float
) -> Outcome:
    """The same where a reply may get lost, with a chance that depends on what it was; gaps count against the verdict.

    PASS takes hits + gaps, FAIL takes hits. Gaps are counted up to a number at which nothing can pass any more.
    """
    bounds = boundaries(t, ALPHA, prompts, ceiling // prompts)
    width = bounds[-1][0] + 2
    kept = ((1, rate * (1 - hits_lost)), (0, (1 - rate) * (1 - misses_lost)))
    lost = rate * hits_lost + (1 - rate) * misses_lost
    alive = np.zeros((bounds[-1][1] + prompts + 1, width + 1))
    alive[0, 0] = 1.0
    hits, gaps = np.indices(alive.shape)
    passes = fails = replies = 0.0
    for number, (most, least) in enumerate(bounds, start=1):
        for _ in range(prompts):
            after = np.zeros_like(alive)
            for hit, chance in kept:
                after[hit:] += chance * alive[: alive.shape[0] - hit]
            after[:, 1:] += lost * alive[:, :-1]
            after[:, -1] += lost * alive[:, -1]
            alive = after
        failed = hits >= least
        passed = (hits + gaps <= most) & (gaps < width) & ~failed
        fails, passes = fails + alive[failed].sum(), passes + alive[passed].sum()
        replies += number * prompts * alive[failed | passed].sum()
        alive[failed | passed] = 0.0
    undecided = float(alive.sum())
    return Outcome(float(passes), float(fails), undecided, float(replies + ceiling // prompts * prompts * undecided))


def verdict(counts: Sequence[tuple[int, int]], prompts: int, t: Fraction, alpha: Fraction = ALPHA) -> tuple[str, int]:
    """Verdict and rounds for (violations, missing) of each round: the first crossing, gaps filled in against it."""
    hits = missing = 0
    for number, (violations, gaps) in enumerate(counts, start=1):
        hits, missing = hits + violations, missing + gaps
        if crosses(hits, number * prompts, t, FAIL, 1 / alpha):
            return "fail", number
        if crosses(hits + missing, number * prompts, t, PASS, 1 / alpha):
            return "pass", number
    return "inconclusive", len(counts)
