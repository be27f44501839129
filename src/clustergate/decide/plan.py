"""How many rounds to ask for next, and what a run will need. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustergate.decide.course import Course, is_settled
from clustergate.decide.rule import Rule
from clustergate.read import statistics

FIRST_WAVE = 20
"""Replies that catch a gross failure: at a true rate of .6 and t = .05 ten are enough 19 times in 20."""


def next_wave(course: Course, violations: int, missing: int, rule: Rule) -> int:
    """Rounds to have in all when the next wave is in; no more than done where there is nothing left to ask for.

    A wave goes to the least n at which a PASS is possible with no further violation, or, where the rate so far is above
    the limit, to the n at which a FAIL is due at that rate, whichever is nearer.
    """
    done = len(course.log_e_pass)
    if is_settled(course, rule) or done >= rule.rounds:
        return done
    if done == 0:
        # A wide limit may be passed by less than a first wave: then no more than that is asked for.
        enough = (can_pass(rule) or FIRST_WAVE) // rule.prompts
        return min(max(1, round(FIRST_WAVE / rule.prompts)), max(1, enough), rule.rounds)
    n, most = done * rule.prompts, rule.rounds * rule.prompts
    targets = []
    least = statistics.least_n_to_pass(violations + missing, rule.pass_at, rule.deciding_alpha, most)
    if least is not None and course.verdict is None:
        targets.append(-(-least // rule.prompts))
    rate = (violations + 0.5) / (n + 1)
    if rate > rule.fail_at:
        sizes = np.arange(done + 1, rule.rounds + 1, dtype=np.float64)
        expected = violations + rate * (sizes - done) * rule.prompts
        level = rule.level + (np.log(rule.family) if rule.family > 1 else 0.0)
        at = rule.family_fail_at if rule.family > 1 else rule.fail_at
        due = np.flatnonzero(statistics.log_e_fail(expected, sizes * rule.prompts, at) >= level)
        if due.size:
            targets.append(int(sizes[due[0]]))
    if not targets and not _can_fail(course, violations, n, most, rule):
        return done
    return min(max(min(targets, default=rule.rounds), done + 1), rule.rounds)


def _can_fail(course: Course, violations: int, n: int, most: int, rule: Rule) -> bool:
    """True while a FAIL, or one that survives the family, is possible at the ceiling if all further replies violate."""
    settling = course.verdict is not None
    level, at = (rule.level + np.log(rule.family), rule.family_fail_at) if settling else (rule.level, rule.fail_at)
    return bool(statistics.log_e_fail(violations + most - n, most, at) >= level)


@dataclass(frozen=True)
class Outlook:
    """What to expect of a behavior at a given true rate: chances of the verdicts, and replies on average."""

    passes: float
    fails: float
    mean_samples: float


def outlook(rate: float, rule: Rule) -> Outlook:
    """Exact, by recursion over rounds, for a rate of what the judges call violations, the same on every prompt."""
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
    least = statistics.least_n_to_pass(0, rule.pass_at, rule.deciding_alpha, rule.rounds * rule.prompts)
    return None if least is None else -(-least // rule.prompts) * rule.prompts
