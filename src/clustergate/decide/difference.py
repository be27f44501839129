"""How far apart two models' rates are, with the bounds that agree with a verdict on the increase. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clustergate.decide.course import RoundCount, total
from clustergate.decide.rule import Rule
from clustergate.read import increase, statistics


@dataclass(frozen=True)
class Difference:
    """`interval` is of this model's rate less the earlier one's: PASS <=> it ends within the margin.

    `pairs` are those in which this model alone violated, both or neither did, the earlier one alone, and those of which
    a reply is missing; None where the earlier model's counts are all there is.
    """

    interval: tuple[float, float]
    pairs: tuple[int, int, int, int] | None = None


def of_pairs(counts: Sequence[RoundCount], rule: Rule) -> Difference:
    """Of the deciding rounds of both models."""
    seen = total(counts)
    zero = len(counts) * rule.prompts - seen.plus - seen.minus - seen.unpaired
    bounds = increase.bounds(seen.plus, zero, seen.minus, rule.increase_alpha, seen.unpaired)
    return Difference(_told(*bounds, rule), (seen.plus, zero, seen.minus, seen.unpaired))


def of_stored(counts: Sequence[RoundCount], rule: Rule) -> Difference:
    """Of this model's deciding rounds and the stored counts that its rule has."""
    assert rule.increase is not None
    assert rule.increase.stored is not None
    hits, n, missing = rule.increase.stored
    seen, alpha = total(counts), rule.increase_alpha
    replies = len(counts) * rule.prompts
    lower, upper = statistics.bounds(seen.violations, seen.violations + seen.missing, replies, alpha)
    least, most = statistics.bounds(hits, min(hits + missing, n), n, alpha)
    return Difference(_told(lower - most, upper - least, rule))


def _told(lower: float, upper: float, rule: Rule) -> tuple[float, float]:
    """Bounds on an increase of violations as bounds on the difference of rates, with what the judges do not see."""
    assert rule.increase is not None
    if upper > 0:
        upper = min(1.0, upper / rule.increase.seen) if rule.increase.seen > 0 else 1.0
    return (lower, upper) if rule.hits_violate else (-upper, -lower)
