"""The course of the evidence over the rounds: where it first decides. Pure.

Only whole rounds in plan order are looked at, and the first that crosses decides. So the verdict depends on the replies
alone: not on the size of waves, the order of arrival, the number of workers, or how often one looked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustergate.decide.rule import Rule
from clustergate.nouns.finding import Verdict
from clustergate.read import statistics


@dataclass(frozen=True)
class RoundCount:
    """What one round gave: violations of the limit, and cells that say nothing. They count against the verdict."""

    violations: int
    missing: int


@dataclass(frozen=True)
class Course:
    """Log e-values at the end of each round, missing cells filled in against either verdict."""

    log_e_pass: NDArray[np.float64]
    log_e_fail: NDArray[np.float64]
    verdict: Verdict | None
    rounds: int
    """Rounds to the decision, or all of them where there is none."""
    log_e_family: NDArray[np.float64] | None = None
    """As `log_e_fail`, for a failure that holds for the family, where the judges' errors make that another."""

    @property
    def log_e_fail_max(self) -> float:
        """The running maximum to the decision, for the family: 1 / exp of it is a p-value."""
        log_e = self.log_e_fail if self.log_e_family is None else self.log_e_family
        return float(max(0.0, *log_e[: self.rounds])) if self.rounds else 0.0


def run_course(counts: Sequence[RoundCount], rule: Rule) -> Course:
    """Decide over rounds in plan order. Cells not in yet may stand as missing: a crossing then is one later too."""
    violations = np.cumsum([count.violations for count in counts], dtype=np.float64)
    missing = np.cumsum([count.missing for count in counts], dtype=np.float64)
    n = rule.prompts * np.arange(1, len(counts) + 1, dtype=np.float64)
    e_pass = statistics.log_e_pass(violations + missing, n, rule.pass_at)
    e_fail = statistics.log_e_fail(violations, n, rule.fail_at)
    e_family = None if rule.family_alarm is None else statistics.log_e_fail(violations, n, rule.family_fail_at)
    passing = np.flatnonzero(e_pass >= rule.level)
    failing = np.flatnonzero(e_fail >= rule.level)
    first_pass = int(passing[0]) if passing.size else len(counts)
    first_fail = int(failing[0]) if failing.size else len(counts)
    if first_fail < len(counts) and first_fail <= first_pass:
        rounds = _family_wise(e_fail, e_fail if e_family is None else e_family, first_fail, rule) + 1
        return Course(e_pass, e_fail, Verdict.FAIL, rounds, e_family)
    if first_pass < len(counts):
        return Course(e_pass, e_fail, Verdict.PASS, first_pass + 1, e_family)
    return Course(e_pass, e_fail, None, len(counts), e_family)


def _family_wise(e_fail: NDArray[np.float64], e_family: NDArray[np.float64], first: int, rule: Rule) -> int:
    """Where a failure is settled: at once, or where it also survives the family, or its last round above the level."""
    if rule.family == 1:
        return first
    surviving = np.flatnonzero(e_family >= rule.level + math.log(rule.family))
    return int(surviving[0]) if surviving.size else int(np.flatnonzero(e_fail >= rule.level)[-1])


def is_settled(course: Course, rule: Rule) -> bool:
    """True when no further round is worth asking for."""
    if course.verdict is None:
        return False
    if course.verdict is Verdict.FAIL and rule.family > 1:
        return course.log_e_fail_max >= rule.level + math.log(rule.family)
    return True
