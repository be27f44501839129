"""How many rounds to ask for next, and what a run will need. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustergate.decide.course import Course, RoundCount, total
from clustergate.decide.rule import Rule
from clustergate.read import increase as increased
from clustergate.read import statistics

FIRST_WAVE = 20
"""Replies that catch a gross failure: at a true rate of .6 and t = .05 ten are enough 19 times in 20."""


def next_wave(course: Course, counts: Sequence[RoundCount], rule: Rule) -> int:
    """Rounds to have in all when the next wave is in; no more than done where there is nothing left to ask for.

    A wave goes to the least n at which a PASS is possible with no further violation, or, where what was seen so far is
    above a limit, to the n at which a FAIL is due at that rate, whichever is nearer.
    """
    done = len(counts)
    if course.settled or done >= rule.rounds:
        return done
    if done == 0:
        # A wide limit may be passed by less than a first wave: then no more than that is asked for.
        enough = (can_pass(rule) or FIRST_WAVE) // rule.prompts
        return min(max(1, round(FIRST_WAVE / rule.prompts)), max(1, enough), rule.rounds)
    settling = course.verdict is not None and rule.family > 1
    looking_on = course.verdict is not None and rule.family == 1
    ahead = []
    for strand, look in ((course.of_rate, _rate_ahead), (course.of_increase, _increase_ahead)):
        if strand is not None and not (looking_on and strand.decided[-1]):
            ahead.append(look(counts, rule, settling=settling, passed=bool(strand.passing[-1])))
    targets = [test.fails for test in ahead if test.fails is not None]
    to_pass = [test.passes for test in ahead]
    if not settling and None not in to_pass:
        targets.append(max(one for one in to_pass if one is not None))
    if not targets and not any(test.can_fail for test in ahead):
        return done
    most = min(rule.rounds, course.most or rule.rounds)
    return min(max(min(targets, default=most), done + 1), most)


@dataclass(frozen=True)
class _Ahead:
    """What is ahead of one test, in rounds: where it passes if nothing more is found, where it fails at what was seen
    so far, and whether it fails at the ceiling if all that is to come violates. None where it does not."""

    passes: int | None
    fails: int | None
    can_fail: bool


def _rate_ahead(counts: Sequence[RoundCount], rule: Rule, *, settling: bool, passed: bool) -> _Ahead:
    """Of the rate; `settling`: it has failed, and is to fail for the family."""
    fail_at = rule.family_fail_at if settling else rule.fail_at
    return _against_rates(counts, rule, rule.pass_at, fail_at, rule.test_alpha, settling=settling, passed=passed)


def _increase_ahead(counts: Sequence[RoundCount], rule: Rule, *, settling: bool, passed: bool) -> _Ahead:
    """Of the increase. Pairs that are to come are taken as alike for a PASS, and as those so far for a FAIL."""
    against, increase = rule.family_against if settling else rule.against, rule.increase
    assert increase is not None
    if against is not None:
        limits = (against.pass_at, against.fail_at, rule.increase_alpha)
        return _against_rates(counts, rule, *limits, settling=settling, passed=passed)
    done, pairs, seen = len(counts), len(counts) * rule.prompts, total(counts)
    plus, minus, unpaired = seen.plus, seen.minus, seen.unpaired
    zero = pairs - plus - minus - unpaired
    sizes = np.arange(done + 1, rule.rounds + 1, dtype=np.float64)
    more = (sizes - done) * rule.prompts
    within, level = increase.seen * increase.delta, rule.increase_level
    alike = increased.log_e_pass(plus, zero + more, minus, within, unpaired) >= level
    settled = level + (math.log(rule.family) if settling else 0.0)
    up, down = ((count + 0.5) / (pairs + 1) for count in (plus, minus))
    fails = None
    if up - down > increase.delta:
        rising = (plus + up * more, zero + (1 - up - down) * more, minus + down * more)
        fails = _first(sizes, increased.log_e_fail(*rising, increase.delta, unpaired) >= settled)
    worst = increased.log_e_fail(plus + more[-1], zero, minus, increase.delta, unpaired)
    return _Ahead(done if passed else _first(sizes, alike), fails, bool(worst >= settled))


def _against_rates(
    counts: Sequence[RoundCount], rule: Rule, pass_at: float, fail_at: float, alpha: float, *, settling: bool,
    passed: bool,
) -> _Ahead:  # fmt: skip
    done, n, most = len(counts), len(counts) * rule.prompts, rule.rounds * rule.prompts
    seen = total(counts)
    violations = seen.violations
    passes: int | None = done
    if not passed:
        least = statistics.least_n_to_pass(violations + seen.missing, pass_at, alpha, most)
        passes = None if least is None else -(-least // rule.prompts)
    settled = math.log((rule.family if settling else 1) / alpha)
    rate = (violations + 0.5) / (n + 1)
    fails = None
    if rate > fail_at:
        sizes = np.arange(done + 1, rule.rounds + 1, dtype=np.float64)
        expected = violations + rate * (sizes - done) * rule.prompts
        fails = _first(sizes, statistics.log_e_fail(expected, sizes * rule.prompts, fail_at) >= settled)
    worst = statistics.log_e_fail(violations + most - n, most, fail_at)
    return _Ahead(passes, fails, bool(worst >= settled))


def _first(sizes: NDArray[np.float64], at: NDArray[np.bool_]) -> int | None:
    return int(sizes[np.argmax(at)]) if at.any() else None


@dataclass(frozen=True)
class Outlook:
    """What to expect of a behavior at a given true rate: chances of the verdicts, and replies on average."""

    passes: float
    fails: float
    mean_samples: float


def outlook(rate: float, rule: Rule) -> Outlook:
    """Exact, by recursion over rounds, for a rate of what the judges call violations, the same on every prompt.

    Of the rule's rate alone: what becomes of an increase depends on two models.
    """
    k, rounds = rule.prompts, rule.rounds
    step = statistics.binomial(k, rate)
    alive = np.array([1.0])
    passes = fails = samples = 0.0
    for number in range(1, rounds + 1):
        alive = np.convolve(alive, step)
        hits, n = np.arange(len(alive), dtype=np.float64), float(number * k)
        failing = statistics.log_e_fail(hits, n, rule.fail_at) >= rule.level
        passing = (statistics.log_e_pass(hits, n, rule.pass_at) >= rule.level) & ~failing
        passes += float(alive[passing].sum())
        fails += float(alive[failing].sum())
        samples += n * float(alive[passing | failing].sum())
        alive = np.where(passing | failing, 0.0, alive)
    return Outlook(passes, fails, samples + rounds * k * float(alive.sum()))


def can_pass(rule: Rule) -> int | None:
    """The least whole-round number of replies that can pass, or None if it is above the ceiling."""
    most, found = rule.rounds * rule.prompts, []
    if rule.t is not None:
        found.append(statistics.least_n_to_pass(0, rule.pass_at, rule.test_alpha, most))
    if rule.against is not None:
        found.append(statistics.least_n_to_pass(0, rule.against.pass_at, rule.against.alpha, most))
    elif rule.increase is not None:
        sizes = np.arange(1, rule.rounds + 1, dtype=np.float64)
        alike = increased.log_e_pass(0.0, sizes * rule.prompts, 0.0, rule.increase.seen * rule.increase.delta)
        rounds = _first(sizes, alike >= rule.increase_level)
        found.append(None if rounds is None else rounds * rule.prompts)
    least = [None if one is None else -(-one // rule.prompts) * rule.prompts for one in found]
    return None if None in least else max(one for one in least if one is not None)
