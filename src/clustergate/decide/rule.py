"""The rule of one behavior's verdict: limit, alpha, ceiling, and what counts as a violation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from clustergate.nouns.model import Counted
from clustergate.nouns.settings import Behavior, Controlled, Gate, Limit
from clustergate.read.spec import Suite

if TYPE_CHECKING:
    from clustergate.read.increase import Against


@dataclass(frozen=True, kw_only=True)
class Increase:
    """By how much violations may be more frequent than an earlier model's.

    Without `stored` both models answer the same prompts in the same rounds, and their replies are compared in pairs.
    """

    delta: float
    stored: tuple[int, int, int] | None = None
    """What is known of the earlier model: violations, replies in whole rounds, and how many of those are missing."""
    seen: float = 1.0
    """Of a difference, the least fraction that the judges see."""
    share: float = 1.0
    """What of the alpha is left where the earlier model's replies were drawn anew before: half for each time."""
    gated: int = 1
    """Size of the declared family: a failure that is to hold for it leans on bounds that hold for all of them."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`t` is the threshold on the rate of violations: hits over a `max_rate`, misses under a `min_rate`.

    What the judges call violations is held against two thresholds, `pass_at` and `fail_at`. Both are `t` where judges
    are taken at their word. With an `increase` beside it either is decided at half the alpha: a PASS needs both, a FAIL
    one of them. `t` is None where the increase alone decides.
    """

    t: float | None
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
    increase: Increase | None = None
    compares: bool = True
    """Whether identical replies are held against independence. A device's firmware may well say the same each time."""

    @property
    def rounds(self) -> int:
        """Whole rounds below the ceiling."""
        return self.max_samples // self.prompts

    @property
    def tests(self) -> int:
        """How many share the alpha: of the rate, of its increase. None where what was to be compared does not."""
        return (self.t is not None) + (self.increase is not None)

    @property
    def deciding_alpha(self) -> float:
        """The alpha that all e-values together are held against."""
        return self.alpha * self.deciding_share

    @property
    def test_alpha(self) -> float:
        """The alpha of each test."""
        return self.deciding_alpha / max(self.tests, 1)

    @property
    def level(self) -> float:
        """The log e-value that decides about the rate."""
        return math.log(1 / self.test_alpha)

    @property
    def increase_alpha(self) -> float:
        """What the e-values of the increase are held against."""
        if self.against is not None:
            return self.against.alpha
        return self.test_alpha * (self.increase.share if self.increase else 1.0)

    @property
    def increase_level(self) -> float:
        """The log e-value that decides about the increase."""
        return math.log(1 / self.increase_alpha)

    @property
    def family_level(self) -> float:
        """The mean e-value of all tests, as a log, at which a failure holds for the family."""
        return math.log(self.family / self.deciding_alpha)

    @property
    def pass_at(self) -> float:
        """A PASS shows that what the judges call violations is rarer than this."""
        return self._t * self.detection

    @property
    def fail_at(self) -> float:
        """A FAIL shows that what the judges call violations is more frequent than this."""
        return _called(self._t, self.alarm)

    @property
    def family_fail_at(self) -> float:
        """As `fail_at`, for a failure that holds for the family."""
        return self.fail_at if self.family_alarm is None else _called(self._t, self.family_alarm)

    @property
    def _t(self) -> float:
        if self.t is None:
            raise ValueError("this rule is about an increase alone")
        return self.t

    @property
    def against(self) -> Against | None:
        """What violations are held against where stored counts are compared with; None where replies are paired."""
        if self.increase is None or self.increase.stored is None:
            return None
        return _against(self.increase, self.test_alpha)

    @property
    def family_against(self) -> Against | None:
        """As `against`, for a failure that holds for the family."""
        if self.increase is None or self.increase.stored is None:
            return None
        return _against(self.increase, self.test_alpha / self.increase.gated)

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


@lru_cache(maxsize=256)
def _against(increase: Increase, alpha: float) -> Against:
    """Kept: it is asked for with every look, and its bounds are roots."""
    from clustergate.read.increase import against_counts  # noqa: PLC0415  scipy loads only when a run begins

    assert increase.stored is not None
    hits, n, missing = increase.stored
    return against_counts(hits, n, missing, increase.delta, alpha * increase.share, increase.seen)


def rule_of(suite: Suite, behavior: Behavior, attempt: int = 1, increase: Increase | None = None) -> Rule:
    """The rule of a behavior that has a limit."""
    limit, gate, family = suite.thresholds.behaviors[behavior.id], suite.thresholds.gate, len(suite.gated)
    if increase is not None:
        increase = replace(increase, gated=family)
    rule = rule_for(limit, gate, len(behavior.prompts), family=family, attempt=attempt, increase=increase)
    return replace(rule, compares=not isinstance(behavior, Controlled))


def rule_for(
    limit: Limit, gate: Gate, prompts: int, *, family: int, attempt: int = 1, increase: Increase | None = None
) -> Rule:
    """The rule for a behavior. Attempt j decides at alpha / 2^(j-1), so that all attempts stay under 2 alpha."""
    threshold = limit.max_rate
    if limit.min_rate is not None:
        threshold = 1 - limit.min_rate
    return Rule(
        t=threshold,
        alpha=gate.alpha / 2 ** (attempt - 1),
        prompts=prompts,
        max_samples=ceiling(limit, gate),
        hits_violate=limit.min_rate is None,
        max_nonanswers=gate.max_nonanswers,
        family=family if gate.family_wise else 1,
        increase=increase,
    )
