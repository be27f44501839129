"""What a judge gets wrong, carried into the rule of a verdict. Pure.

Each verdict leans on one error rate only, the one that could make it wrong: a PASS on the sensitivity's lower bound, a
FAIL on the upper bound of the false positive rate. The other is taken as it would be of a perfect judge, which is the
cautious side. Labels are hard on purpose, so a judge does worse on them than on most replies: its errors there may
tighten a verdict, but must not loosen one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from clustergate.decide.rule import Rule
from clustergate.nouns.finding import Estimate
from clustergate.nouns.judging import Calibration, Correction
from clustergate.read import statistics
from clustergate.read.agreement import more_often

SHARE: Final = 1 / 5
"""Of a verdict's alpha, what the bound on the judge's error may take: .01 of .05."""
UNLIKE: Final = 0.1
"""Below this p-value a behavior's own negatives are misread more often than the others': they are not pooled."""


@dataclass(frozen=True)
class Agreement:
    """What a bench said of one behavior's labeled replies: a positive that it did not find, for whatever reason, is
    not found; a negative that it could not read counts as false."""

    positives: int
    found: int
    negatives: int
    false: int


def calibrate(own: Agreement, others: Iterable[Agreement], alpha: float) -> Calibration:
    """The bounds of a behavior's bench at `alpha` each (Clopper and Pearson 1934).

    Positives are the behavior's own: what a judge overlooks differs from behavior to behavior. Negatives are pooled
    with those of `others`, unless its own are misread more often.
    """
    others = list(others)
    negatives, false = sum(other.negatives for other in others), sum(other.false for other in others)
    pools = bool(others) and more_often(own.false, own.negatives, false, negatives) >= UNLIKE
    if pools:
        negatives, false = negatives + own.negatives, false + own.false
    else:
        negatives, false = own.negatives, own.false
    return Calibration(
        positives=own.positives,
        found=own.found,
        own_negatives=own.negatives,
        own_false=own.false,
        negatives=negatives,
        false=false,
        pooled=1 + len(others) if pools else 1,
        alpha=alpha,
        sensitivity=_bounds(own.found, own.positives, alpha),
        specificity=_bounds(negatives - false, negatives, alpha),
    )


def _bounds(right: int, n: int, alpha: float) -> tuple[float, float]:
    return statistics.clopper_pearson(right, n, alpha) if n else (0.0, 1.0)


def corrected_rule(rule: Rule, calibration: Calibration, gated: int, looks: int = 1) -> Rule:
    """The rule for what the bench calls positive, so that its verdicts are about what is so.

    Where the bench misses one violation in five, a limit of 5 % is passed by being shown to be under 4 % of what it
    calls violations; where it cries wolf in 2 % of the rest, it takes more than 7 % of them to fail. `gated` is the
    size of the family: a failure that is to hold for it leans on a bound that holds for all of them at once. `looks` is
    the greatest number of judged answers of a conversation, any of which makes it a hit: so many chances to be wrong.
    """
    detection, alarm = _errors(calibration, hits_violate=rule.hits_violate, looks=looks)
    right, n = _quiet(calibration, hits_violate=rule.hits_violate)
    family_alarm = 1 - _bounds(right, n, calibration.alpha / gated)[0]
    return dataclasses.replace(
        rule,
        detection=detection,
        alarm=alarm,
        family_alarm=min(1.0, looks * family_alarm) if rule.hits_violate else family_alarm,
        deciding_share=1 - SHARE,
        increase=rule.increase and dataclasses.replace(rule.increase, seen=_seen(calibration, looks)),
    )


def _seen(calibration: Calibration, looks: int) -> float:
    """Of a difference between two models, the least fraction that the bench sees, if it reads both alike.

    The difference of what it calls positive is the true one times sensitivity less false positive rate. Both bounds
    count here, and share what one of them has elsewhere.
    """
    each = calibration.alpha / 2
    detection = _bounds(calibration.found, calibration.positives, each)[0]
    quiet = _bounds(calibration.negatives - calibration.false, calibration.negatives, each)[0]
    return max(0.0, detection - min(1.0, looks * (1 - quiet)))


def _quiet(calibration: Calibration, *, hits_violate: bool) -> tuple[int, int]:
    """Of the labeled replies that are no violation, those that the bench does not call one, and all."""
    if hits_violate:
        return calibration.negatives - calibration.false, calibration.negatives
    return calibration.found, calibration.positives


def _errors(calibration: Calibration, *, hits_violate: bool, looks: int) -> tuple[float, float]:
    """The least rate at which violations are seen, and the greatest at which they are seen where there are none."""
    false = min(1.0, looks * (1 - calibration.specificity[0]))
    if hits_violate:
        return calibration.sensitivity[0], false
    return 1 - false, 1 - calibration.sensitivity[0]


def correction(
    calibration: Calibration, estimate: Estimate, rule: Rule, looks: int = 1, *, carried: bool
) -> Correction:
    """The rate and bounds of the behavior itself. With `carried`, PASS <=> upper <= limit and FAIL <=> lower >= limit.

    The rate is Rogan and Gladen's (1978) from the smoothed rates of the labels, clipped; it decides nothing.
    """
    missing, n = estimate.missing, estimate.samples
    hits = estimate.exhibited
    violations = hits if rule.hits_violate else n - missing - hits
    detection, alarm = _errors(calibration, hits_violate=rule.hits_violate, looks=looks)
    lower, upper = statistics.bounds(violations, violations + missing, n, rule.alpha / rule.tests * (1 - SHARE))
    least = max(0.0, (lower - alarm) / (1 - alarm)) if alarm < 1 else 0.0
    most = min(1.0, upper / detection) if detection > 0 else 1.0
    low, high = rule.rates(least, most)
    return Correction(
        calibration=calibration,
        rate=None if estimate.rate is None else _rate(estimate.rate, calibration),
        interval=(min(low, high), max(low, high)),
        carried=carried,
    )


def _rate(rate: float, calibration: Calibration) -> float | None:
    """None where the labels do not tell the behavior from its absence: nothing can be corrected by them then."""
    sensitivity = (calibration.found + 1) / (calibration.positives + 2)
    false = (calibration.false + 1) / (calibration.negatives + 2)
    if sensitivity <= false:
        return None
    return min(1.0, max(0.0, (rate - false) / (sensitivity - false)))
