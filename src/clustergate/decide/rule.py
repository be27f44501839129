"""The rule of one behavior's verdict: limit, alpha, ceiling, and what counts as a violation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from clustergate.nouns.model import Counted
from clustergate.nouns.settings import Behavior, Controlled, Gate, Limit
from clustergate.read.spec import Suite


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`t` is the threshold on the rate of violations: hits over a `max_rate`, misses under a `min_rate`.

    What the judges call violations is held against two thresholds, `pass_at` and `fail_at`. Both are `t` where judges
    are taken at their word.
    """

    t: float
    alpha: float
    """The chance of a false verdict, per side."""
    prompts: int
    max_samples: int
    hits_violate: bool = True
    max_nonanswers: float = 0.2
    family: int = 1
    """Size of the declared family if failures sample on until they survive e-Holm over it, else 1."""
    deciding_share: float = 1.0
    """What of alpha is left for the e-values: all, or less where the bounds of the judges' errors take a part."""
    detection: float = 1.0
    """Of all violations, the least fraction that the judges see."""
    alarm: float = 0.0
    """Of all that is none, the greatest fraction that the judges call a violation."""
    family_alarm: float | None = None
    """The same with a bound that holds for the family as a whole, where that is another."""
    compares: bool = True
    """Whether identical replies are held against independence. A device's firmware may well say the same each time."""

    @property
    def rounds(self) -> int:
        """Whole rounds below the ceiling."""
        return self.max_samples // self.prompts

    @property
    def deciding_alpha(self) -> float:
        """The alpha that the e-values are held against."""
        return self.alpha * self.deciding_share

    @property
    def level(self) -> float:
        """The log e-value that decides."""
        return math.log(1 / self.deciding_alpha)

    @property
    def pass_at(self) -> float:
        """A PASS shows that what the judges call violations is rarer than this."""
        return self.t * self.detection

    @property
    def fail_at(self) -> float:
        """A FAIL shows that what the judges call violations is more frequent than this."""
        return _called(self.t, self.alarm)

    @property
    def family_fail_at(self) -> float:
        """As `fail_at`, for a failure that holds for the family."""
        return self.fail_at if self.family_alarm is None else _called(self.t, self.family_alarm)

    @property
    def violation(self) -> Counted:
        return Counted.HIT if self.hits_violate else Counted.MISS

    def rates(self, lower: float, upper: float) -> tuple[float, float]:
        """Bounds on the rate of violations, as bounds on the rate of the behavior."""
        return (lower, upper) if self.hits_violate else (1 - upper, 1 - lower)


def _called(t: float, alarm: float) -> float:
    """The most that can be called violations at a rate of t. Below 1, where nothing could be shown any more."""
    return min(t + (1 - t) * alarm, 1 - 1e-9)


def ceiling(limit: Limit, gate: Gate) -> int:
    """The most replies of a behavior: its own where it has one, else the gate's."""
    return limit.max_samples or gate.max_samples


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
