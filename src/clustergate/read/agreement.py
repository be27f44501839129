"""How far annotators agree: kappas, the correlation of two properties, and whether two counts are of one rate. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import gammaln


def cohen_kappa(both: int, first_only: int, second_only: int, neither: int) -> float | None:
    """Agreement of two annotators on yes or no beyond chance (Cohen 1960). None where chance alone explains all."""
    n = both + first_only + second_only + neither
    if n == 0:
        return None
    observed = (both + neither) / n
    yes = (both + first_only) * (both + second_only) / n**2
    expected = yes + (neither + second_only) * (neither + first_only) / n**2
    return None if expected >= 1 else (observed - expected) / (1 - expected)


def phi(both: int, first_only: int, second_only: int, neither: int) -> float | None:
    """Correlation of two yes-or-no properties (Yule 1912); None where either is always or never there."""
    first, second, n = both + first_only, both + second_only, both + first_only + second_only + neither
    spread = first * (n - first) * second * (n - second)
    return (both * neither - first_only * second_only) / math.sqrt(spread) if spread else None


def fleiss_kappa(replies: int, judges: int, agreeing_pairs: int, votes: Mapping[str, int]) -> float | None:
    """Agreement of several judges beyond chance (Fleiss 1971), from sums over replies that all of them read.

    `agreeing_pairs` counts ordered pairs of judges that said the same of a reply, `votes` the verdicts by name.
    None where there are no replies, or chance alone explains all.
    """
    total = replies * judges
    if total == 0 or judges < 2:
        return None
    observed = agreeing_pairs / (total * (judges - 1))
    expected = math.fsum((count / total) ** 2 for count in votes.values())
    return None if expected >= 1 else (observed - expected) / (1 - expected)


def more_often(hits: int, n: int, other_hits: int, other_n: int) -> float:
    """One-sided p-value of Fisher's exact test that the first rate is no higher than the second."""
    successes, total = hits + other_hits, n + other_n
    if n == 0 or other_n == 0:
        return 1.0
    at_least = np.arange(hits, min(n, successes) + 1, dtype=np.float64)
    log = _log_choose(successes, at_least) + _log_choose(total - successes, n - at_least) - _log_choose(total, n)
    return float(min(1.0, np.exp(log).sum()))


def _log_choose(n: float, k: np.typing.NDArray[np.float64] | float) -> np.typing.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        found = gammaln(n + 1.0) - gammaln(np.asarray(k) + 1.0) - gammaln(n - np.asarray(k) + 1.0)
    return np.where((np.asarray(k) < 0) | (np.asarray(k) > n), -np.inf, found)
