"""Counts to e-values, bounds and intervals. Pure. The formulas and their sources are told in docs/statistics.md.

Throughout: `hits` of `n` replies count against the limit `t` (a fraction in (0, 1)); n is whole rounds; alpha is the
chance of a false verdict, per side. A `min_rate` is the same on misses, with 1 - t.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

# scipy.special alone: scipy.stats would double the start-up of every worker, and scipy.optimize adds a fifth.
from scipy.special import betaincinv, betaln, gammaincinv, gammaln, xlog1py, xlogy

# Alternatives as multiples r of the odds of t, with their weights. Constants of the design, hashed into every report.
# Chosen by simulation: within 3-6 % of a numerically Bayes-optimal test at .01, .02 and .11 for t = .05.
PASS_GRID: Final = ((0.0, 0.5), (1 / 5, 0.3), (1 / 2, 0.2))
FAIL_GRID: Final = ((2.2, 0.5), (5.0, 0.25), (20.0, 0.25))

Grid = Sequence[tuple[float, float]]
Floats = NDArray[np.float64]


def _log_e(hits: float | Floats, n: float | Floats, t: float | Floats, grid: Grid) -> Floats:
    """log of the mixture over the grid of (q/t)^hits ((1-q)/(1-t))^(n-hits), q = r o / (1 + r o), o = t / (1-t)."""
    hits, n, t = np.asarray(hits, float), np.asarray(n, float), np.asarray(t, float)
    axes = max(hits.ndim, n.ndim, t.ndim)
    ratio, weight = np.array(grid).T.reshape(2, len(grid), *[1] * axes)
    odds = t / (1 - t)
    q = ratio * odds / (1 + ratio * odds)
    log_ratio = xlogy(hits, q) - xlogy(hits, t) + xlog1py(n - hits, -q) - xlog1py(n - hits, -t)
    # Not scipy's logsumexp: for three terms its checks take ten times as long as the sum.
    return np.asarray(np.logaddexp.reduce(np.log(weight) + log_ratio, axis=0), dtype=np.float64)


def log_e_pass(hits: float | Floats, n: float | Floats, t: float | Floats) -> Floats:
    """Log evidence against `theta >= t`. Arguments broadcast."""
    return _log_e(hits, n, t, PASS_GRID)


def log_e_fail(hits: float | Floats, n: float | Floats, t: float | Floats) -> Floats:
    """Log evidence against `theta <= t`. Arguments broadcast."""
    return _log_e(hits, n, t, FAIL_GRID)


def bounds(least_hits: int, most_hits: int, n: int, alpha: float) -> tuple[float, float]:
    """Anytime-valid one-sided bounds (lower, upper), each at alpha, dual to the gate.

    The lower bound takes `least_hits`, the upper `most_hits`: they differ by the missing replies. Lower is 0 and upper
    is 1 where nothing excludes them. PASS at t <=> upper <= t; FAIL at t <=> lower >= t.
    """
    if n == 0:
        return 0.0, 1.0
    level = math.log(1 / alpha)
    tiny = 1e-12

    def passing(m: float | Floats) -> NDArray[np.bool_]:
        return np.asarray(log_e_pass(most_hits, n, m) >= level)

    def not_failing(m: float | Floats) -> NDArray[np.bool_]:
        return np.asarray(log_e_fail(least_hits, n, m) < level)

    # e_pass rises with m above the observed rate, and e_fail falls with m below it: one crossing on either side.
    upper = 1.0
    start = min(max(most_hits / n, tiny), 1 - tiny)
    if passing(1 - tiny) and not passing(start):
        upper = _turn(passing, start, 1 - tiny, 1e-13)
    lower = 0.0
    start = min(max(least_hits / n, tiny), 1 - tiny)
    if not not_failing(tiny) and not_failing(start):
        lower = _turn(not_failing, tiny, start, 1e-13)
    return lower, upper


def _turn(
    holds: Callable[[Floats], NDArray[np.bool_]], low: float, high: float, width: float, points: int = 33
) -> float:
    """Where something that does not hold at `low` begins to hold, at the latest at `high`: on grids made ever finer."""
    while high - low > width:
        grid = np.linspace(low, high, points)
        first = max(1, int(np.argmax(holds(grid))))
        if not low < grid[first] < high and not low < grid[first - 1] < high:
            break  # as fine as floating point goes
        low, high = float(grid[first - 1]), float(grid[first])
    return (low + high) / 2


def clopper_pearson(hits: int, n: int, alpha: float) -> tuple[float, float]:
    """Exact one-sided bounds (lower, upper), each at alpha, for a sample of fixed size (Clopper and Pearson 1934)."""
    lower = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, alpha))
    upper = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - alpha))
    return lower, upper


def binomial(n: int, rate: float) -> Floats:
    """Chances of 0 … n hits in n replies."""
    hits = np.arange(n + 1, dtype=np.float64)
    log_choose = gammaln(n + 1) - gammaln(hits + 1) - gammaln(n - hits + 1)
    return np.asarray(np.exp(log_choose + xlogy(hits, rate) + xlog1py(n - hits, -rate)), dtype=np.float64)


def least_n_to_pass(hits: int, t: float, alpha: float, most: int) -> int | None:
    """The least n at which `hits` hits pass, or None if that is above `most`."""
    sizes = np.arange(max(hits, 1), most + 1, dtype=np.float64)
    passing = np.flatnonzero(log_e_pass(hits, sizes, t) >= math.log(1 / alpha))
    return int(sizes[passing[0]]) if passing.size else None


def floor_for_new_prompts(prompts: int, alpha: float) -> float:
    """With no hit at all, no number of draws of `prompts` prompts bounds the rate over new prompts below this."""
    return float(1 - alpha ** (1 / prompts))


def generalize(hits: Sequence[int], draws: Sequence[int], level: float = 0.95) -> tuple[float, float]:
    """Two-sided profile-likelihood interval of the mean rate over prompts, in a beta-binomial model.

    `hits[k]` of `draws[k]` replies to prompt k. Model-based: prompts are taken as a sample of those one could write.
    """
    k, n = np.asarray(hits, float), np.asarray(draws, float)

    def log_likelihood(mean: Floats, logit: Floats) -> Floats:
        # The spread is the intra-prompt correlation in (0, 1); a + b = (1 - spread) / spread.
        total = np.exp(-logit)
        a, b = (mean * total)[..., None], ((1 - mean) * total)[..., None]
        return np.asarray(np.sum(betaln(k + a, n - k + b) - betaln(a, b), axis=-1), dtype=np.float64)

    def profile(means: Floats) -> Floats:
        """The greatest likelihood over the spread, for each mean: on a grid of its logits, made finer three times."""
        best, step = np.zeros_like(means), 9.0
        for points in (19, 9, 9, 9):
            logits = np.clip(best[:, None] + step * np.linspace(-1, 1, points), -9, 9)
            found = log_likelihood(np.broadcast_to(means[:, None], logits.shape), logits)
            rows = np.arange(len(means))
            best, value = logits[rows, found.argmax(axis=1)], found.max(axis=1)
            step = 2 * step / (points - 1)
        return np.asarray(value, dtype=np.float64)

    edge = 1e-6
    grid = np.linspace(edge, 1 - edge, 201)
    values = profile(grid)
    top = int(np.argmax(values))
    near = np.linspace(grid[max(top - 1, 0)], grid[min(top + 1, 200)], 41)
    refined = profile(near)
    peak, where = max((float(refined.max()), float(near[refined.argmax()])), (float(values[top]), float(grid[top])))
    # Half the level's quantile of chi-squared with one degree of freedom.
    cut = peak - float(gammaincinv(0.5, level))

    def inside(mean: Floats) -> NDArray[np.bool_]:
        return profile(np.atleast_1d(mean)) >= cut

    lower = 0.0 if k.sum() == 0 or inside(np.array(edge)) else _turn(inside, edge, where, 1e-6, 7)
    beyond = np.array(1 - edge)
    upper = 1.0 if (n - k).sum() == 0 or inside(beyond) else _turn(lambda m: ~inside(m), where, 1 - edge, 1e-6, 7)
    return lower, upper
