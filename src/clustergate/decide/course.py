"""The course of the evidence over the rounds: where it first decides. Pure.

Only whole rounds in plan order are looked at, and the first that crosses decides. So the verdict depends on the replies
alone: not on the size of waves, the order of arrival, the number of workers, or how often one looked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clustergate.decide.rule import Rule
from clustergate.nouns.finding import Verdict
from clustergate.read import increase, statistics

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RoundCount:
    """What one round gave: violations of the limit, and cells that say nothing. They count against the verdict.

    Where an earlier model answers beside this one: in how many pairs this one alone violated (`plus`), the earlier one
    alone (`minus`), and of how many a cell says nothing (`unpaired`).
    """

    violations: int
    missing: int
    plus: int = 0
    minus: int = 0
    unpaired: int = 0


_KINDS: Final = tuple(field.name for field in fields(RoundCount))


def total(counts: Sequence[RoundCount]) -> RoundCount:
    """All rounds as one."""
    return RoundCount(*(sum(getattr(count, kind) for count in counts) for kind in _KINDS))


@dataclass(frozen=True)
class Strand:
    """Log e-values of one test at the end of each round, missing cells filled in against either verdict."""

    log_e_pass: Floats
    log_e_fail: Floats
    level: float
    """The log e-value that decides."""

    @property
    def passing(self) -> NDArray[np.bool_]:
        """At which rounds a PASS has been shown: once is for good."""
        return np.maximum.accumulate(self.log_e_pass >= self.level)

    @property
    def failing(self) -> NDArray[np.bool_]:
        return self.log_e_fail >= self.level

    @property
    def decided(self) -> NDArray[np.bool_]:
        """At which rounds a PASS or a FAIL has been shown."""
        return self.passing | np.maximum.accumulate(self.failing)


@dataclass(frozen=True)
class Course:
    """The evidence of each test that a rule has, and what came of it."""

    of_rate: Strand | None
    of_increase: Strand | None
    verdict: Verdict | None
    rounds: int
    """Rounds to the decision, or all of them where there is none."""
    family: Floats
    """As `log_e_fail`, for a failure that holds for the family: over all tests, and with the judges' errors bounded for
    the whole family."""
    settled: bool = False
    """Whether no further round is worth asking for. A failure may look on: for the family, or for the other test."""
    most: int | None = None
    """Rounds after which a failure looks no further for the other test's decision."""

    @property
    def log_e_fail_max(self) -> float:
        """The running maximum to the decision, for the family: 1 / exp of it is a p-value."""
        return float(max(0.0, *self.family[: self.rounds])) if self.rounds else 0.0

    def failed(self) -> tuple[str, ...]:
        """Of a FAIL, what was found exceeded by the deciding round: `rate`, `increase`."""
        named = {"rate": self.of_rate, "increase": self.of_increase}
        return tuple(name for name, one in named.items() if one is not None and one.failing[: self.rounds].any())


def run_course(counts: Sequence[RoundCount], rule: Rule) -> Course:
    """Decide over rounds in plan order. Cells not in yet may stand as missing: a crossing then is one later too."""
    columns = [(c.violations, c.missing, c.plus, c.minus, c.unpaired) for c in counts]
    sums = np.cumsum(np.array(columns, dtype=np.float64).reshape(len(counts), 5), axis=0).T
    n = rule.prompts * np.arange(1, len(counts) + 1, dtype=np.float64)
    of_rate = None if rule.t is None else _of_rate(sums, n, rule.pass_at, rule.fail_at, rule.level)
    of_increase = None if rule.increase is None else _of_increase(sums, n, rule)
    tests = [one for one in (of_rate, of_increase) if one is not None]
    if not tests:
        return Course(None, None, None, len(counts), np.zeros(len(counts)))
    family = _family(sums, n, of_rate, of_increase, rule)
    # Any failure fails; a PASS needs all.
    failing = np.any([one.failing for one in tests], axis=0)
    passing = np.all([one.passing for one in tests], axis=0)
    first_fail, first_pass = (int(np.argmax(at)) if at.any() else len(counts) for at in (failing, passing))
    if first_fail < len(counts) and first_fail <= first_pass:
        if rule.family > 1:
            at, settled = _family_wise(failing, family, first_fail, rule)
            return Course(of_rate, of_increase, Verdict.FAIL, at + 1, family, settled)
        at, settled, most = _looking_on(failing, tests, first_fail)
        return Course(of_rate, of_increase, Verdict.FAIL, at + 1, family, settled, most)
    if first_pass < len(counts):
        return Course(of_rate, of_increase, Verdict.PASS, first_pass + 1, family, settled=True)
    return Course(of_rate, of_increase, None, len(counts), family)


def _of_rate(sums: Floats, n: Floats, pass_at: float, fail_at: float, level: float) -> Strand:
    violations, missing = sums[0], sums[1]
    return Strand(
        statistics.log_e_pass(violations + missing, n, pass_at), statistics.log_e_fail(violations, n, fail_at), level
    )


def _of_increase(sums: Floats, n: Floats, rule: Rule) -> Strand:
    """Of pairs, or where the earlier model's counts are all there is, of the rate against what they allow."""
    assert rule.increase is not None
    if rule.against is not None:
        return _of_rate(sums, n, rule.against.pass_at, rule.against.fail_at, rule.increase_level)
    plus, minus, unpaired = sums[2], sums[3], sums[4]
    pairs = (plus, n - plus - minus - unpaired, minus)
    return Strand(
        increase.log_e_pass(*pairs, rule.increase.seen * rule.increase.delta, unpaired),
        increase.log_e_fail(*pairs, rule.increase.delta, unpaired),
        rule.increase_level,
    )


def _family(sums: Floats, n: Floats, of_rate: Strand | None, of_increase: Strand | None, rule: Rule) -> Floats:
    """The mean of the tests' e-values is one against the null that no limit is exceeded, as a log."""
    parts = []
    if of_rate is not None:
        wider = rule.family_alarm is not None
        parts.append(statistics.log_e_fail(sums[0], n, rule.family_fail_at) if wider else of_rate.log_e_fail)
    if of_increase is not None:
        stored = rule.family_against
        e_fail = of_increase.log_e_fail if stored is None else statistics.log_e_fail(sums[0], n, stored.fail_at)
        # With what the test of the increase alone must have beyond the level: both count alike here.
        parts.append(e_fail - (of_increase.level - rule.level))
    return np.asarray(np.logaddexp.reduce(parts, axis=0) - math.log(len(parts)), dtype=np.float64)


def _family_wise(failing: NDArray[np.bool_], family: Floats, first: int, rule: Rule) -> tuple[int, bool]:
    """Where a failure also survives the family, or else its last round above the level; and whether it does."""
    surviving = np.flatnonzero(family >= rule.family_level)
    if surviving.size:
        return max(int(surviving[0]), first), True
    return int(np.flatnonzero(failing)[-1]), False


def _looking_on(failing: NDArray[np.bool_], tests: Sequence[Strand], first: int) -> tuple[int, bool, int]:
    """Where a failure is settled: at once where there is one test. Of two the other one is looked at for as long again,
    so that a rate beyond its limit is also known to have risen, or not. It stays a failure either way.

    The deciding round (from 0), whether it is settled there, and how many rounds are looked at.
    """
    most = first + 1 if len(tests) == 1 else 2 * first + 3
    known = np.all([one.decided for one in tests], axis=0)
    looked = range(first, min(most, len(failing)))
    settled = [at for at in looked if failing[at] and known[at]]
    at = settled[0] if settled else max(at for at in looked if failing[at])
    return at, bool(settled) or len(failing) >= most, most
