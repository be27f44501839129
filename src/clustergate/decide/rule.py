"""The rule of one behavior's verdict: limit, alpha, ceiling, and what counts as a violation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from clustergate.nouns.model import Counted
from clustergate.nouns.settings import Behavior, Controlled, Gate, Limit
from clustergate.read.spec import Suite


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`t` is the threshold on the rate of violations: hits over a `max_rate`, misses under a `min_rate`."""

    t: float
    alpha: float
    prompts: int
    max_samples: int
    hits_violate: bool = True
    max_nonanswers: float = 0.2
    family: int = 1
    """Size of the declared family if failures sample on until they survive e-Holm over it, else 1."""
    compares: bool = True
    """Whether identical replies are held against independence. A device's firmware may well say the same each time."""

    @property
    def rounds(self) -> int:
        """Whole rounds below the ceiling."""
        return self.max_samples // self.prompts

    @property
    def level(self) -> float:
        """log(1 / alpha): the log e-value that decides."""
        return math.log(1 / self.alpha)

    @property
    def violation(self) -> Counted:
        return Counted.HIT if self.hits_violate else Counted.MISS

    def rates(self, lower: float, upper: float) -> tuple[float, float]:
        """Bounds on the rate of violations, as bounds on the rate of the behavior."""
        return (lower, upper) if self.hits_violate else (1 - upper, 1 - lower)


def ceiling(limit: Limit, gate: Gate) -> int:
    """The most replies of a behavior: the gate's, or its own where that is less."""
    return min(gate.max_samples, limit.max_samples or gate.max_samples)


def rule_of(suite: Suite, behavior: Behavior, attempt: int = 1) -> Rule:
    """The rule of a behavior that has a limit."""
    limit, gate = suite.thresholds.behaviors[behavior.id], suite.thresholds.gate
    rule = rule_for(limit, gate, len(behavior.prompts), family=len(suite.gated), attempt=attempt)
    return replace(rule, compares=not isinstance(behavior, Controlled))


def rule_for(limit: Limit, gate: Gate, prompts: int, *, family: int, attempt: int = 1) -> Rule:
    """The rule for a behavior. Attempt j decides at alpha / 2^(j-1), so that all attempts stay under 2 alpha."""
    threshold = limit.max_rate if limit.max_rate is not None else 1 - (limit.min_rate or 0.0)
    return Rule(
        t=threshold,
        alpha=gate.alpha / 2 ** (attempt - 1),
        prompts=prompts,
        max_samples=ceiling(limit, gate),
        hits_violate=limit.max_rate is not None,
        max_nonanswers=gate.max_nonanswers,
        family=family if gate.family_wise else 1,
    )
