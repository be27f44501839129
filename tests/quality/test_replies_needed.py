"""How many replies it takes: exact, at a limit of 5 %, alpha 5 % and a ceiling of 400, unless said otherwise."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binom

from clustergate.decide.course import Course, RoundCount, Strand
from clustergate.decide.plan import Outlook, can_pass, next_wave, outlook
from clustergate.decide.rule import Rule
from clustergate.read import statistics
from tests.quality import exact

T = Fraction(1, 20)


def rule(t: float = 0.05, prompts: int = 10, ceiling: int = 400, alpha: float = 0.05) -> Rule:
    return Rule(t=t, alpha=alpha, prompts=prompts, max_samples=ceiling)


def test_a_clean_model_passes_after_70_replies() -> None:
    """At a rate of 0 with 10 prompts every run passes after exactly 70 replies."""
    found = exact.gate(T, [0.0] * 10, 400)
    assert (found.passes, found.fails, found.undecided, found.replies) == (1, 0, 0, 70)
    assert can_pass(rule()) == 70


@pytest.mark.parametrize(("rate", "replies"), [(0.01, 138.5), (0.11, 138.6), (0.3, 19.8), (0.6, 10.6)])
def test_mean_replies_to_a_decision(rate: float, replies: float) -> None:
    """Mean replies with 10 prompts: 139 at 1 %, 139 at 11 %, 20 at 30 %, 10.6 at 60 %."""
    assert exact.gate(T, [rate] * 10, 400).replies == pytest.approx(replies, abs=0.05)


@pytest.mark.parametrize(("prompts", "undecided"), [(10, 0.944), (12, 0.948)])
def test_at_the_threshold_nearly_all_runs_end_undecided(prompts: int, undecided: float) -> None:
    """At a rate equal to the limit 94 to 95 runs in 100 are inconclusive at the ceiling."""
    assert exact.gate(T, [0.05] * prompts, 400).undecided == pytest.approx(undecided, abs=0.0005)


@pytest.mark.parametrize(
    ("t", "least"),
    [("1/100", (336, 701, 893)), ("1/50", (167, 349, 445)), ("1/20", (66, 138, 176)), ("1/10", (33, 68, 87))],
)
def test_least_replies_that_can_pass(t: str, least: tuple[int, int, int]) -> None:
    """The least N that passes with 0, 1 and 2 hits, and that one reply fewer does not."""
    for hits, n in enumerate(least):
        passing, short = (exact.e_value(hits, size, Fraction(t), exact.PASS) for size in (n, n - 1))
        assert passing >= 20 > short
        assert statistics.least_n_to_pass(hits, float(Fraction(t)), 0.05, 2000) == n
        assert statistics.least_n_to_pass(hits, float(Fraction(t)), 0.05, n - 1) is None


@pytest.mark.parametrize(("rate", "most"), [(0.0, 70), (0.01, 139), (0.11, 189), (0.3, 28), (0.6, 21)])
def test_mean_replies_asked_for_in_waves(rate: float, most: float) -> None:
    """With all of a wave asked for: 70 at 0, 139 at 1 %, 189 at 11 %, 28 at 30 % (under 40), 20 at 60 %."""
    assert most - 1 <= asked_for(rate, rule()) <= most


@pytest.mark.parametrize("prompts", [3, 12, 17])
def test_mean_replies_asked_for_at_30_percent(prompts: int) -> None:
    """Under 40 with other numbers of prompts too."""
    assert asked_for(0.3, rule(prompts=prompts)) < 40


def asked_for(rate: float, given: Rule) -> float:
    """Mean replies asked for: exact, with the waves of plan.next_wave and the boundaries of exact fractions."""
    k, step = given.prompts, exact.hits_of_a_round([rate] * given.prompts)

    def wave(done: int, hits: int) -> int:
        counts = [RoundCount(hits, 0), *[RoundCount(0, 0)] * done][:done]
        strand = Strand(np.zeros(done), np.zeros(done), given.level)
        return next_wave(Course(strand, None, None, done, np.zeros(done)), counts, given)

    alive, asked = {wave(0, 0): np.eye(1, given.max_samples + k + 1)[0]}, 0.0
    limits = exact.boundaries(Fraction(given.t).limit_denominator(1000), exact.ALPHA, k, given.rounds)
    for done, (most, least) in enumerate(limits, start=1):
        after: dict[int, np.ndarray] = {}
        for target, chances in alive.items():
            now = np.convolve(chances, step)[: len(chances)]
            asked += target * k * (now[: most + 1].sum() + now[least:].sum())
            now[: most + 1] = now[least:] = 0.0
            for hits in np.flatnonzero(now):
                new = wave(done, int(hits)) if done == target else target
                if new == done:
                    asked += done * k * now[hits]
                else:
                    after.setdefault(new, np.zeros(len(chances)))[hits] += now[hits]
        alive = after
    return float(asked)


@pytest.mark.parametrize("t", ["1/50", "3/100", "1/20", "1/10", "3/10"])
@pytest.mark.parametrize("prompts", [3, 10, 12])
def test_outlook_is_the_exact_sum(t: str, prompts: int) -> None:
    """What --plan prints, chances and mean replies, is what the recursion over exact boundaries gives."""
    for share in (0.0, 0.2, 0.5, 1.0, 2.2, 3.0):
        rate = float(Fraction(t)) * share
        found = outlook(rate, rule(float(Fraction(t)), prompts))
        expected = exact.gate(Fraction(t), [rate] * prompts, 400)
        assert (found.passes, found.fails) == pytest.approx((expected.passes, expected.fails), abs=1e-10)
        assert found.mean_samples == pytest.approx(expected.replies)


def test_outlook_at_a_smaller_alpha_and_another_ceiling() -> None:
    """The level and the ceiling of the rule are those used."""
    found = outlook(0.01, rule(ceiling=85, alpha=0.025))
    expected = exact.gate(T, [0.01] * 10, 85, Fraction(1, 40))
    assert found.passes == pytest.approx(expected.passes)
    assert found.mean_samples == pytest.approx(expected.replies)
    assert outlook(0.01, rule(ceiling=9)) == Outlook(0.0, 0.0, 0.0)


@pytest.mark.parametrize(("rate", "all_pass"), [(0.0, 1.0), (0.01, 0.892), (0.02, 0.040)])
def test_chance_that_ten_behaviors_pass(rate: float, all_pass: float) -> None:
    """Ten behaviors of 10 prompts at a limit of 5 %: all pass with chance 1, .89 and .04 at rates of 0, 1 and 2 %."""
    assert outlook(rate, rule()).passes ** 10 == pytest.approx(all_pass, abs=0.0005)


@pytest.mark.parametrize(("t", "passes"), [(0.03, 0.868), (0.05, 0.989), (0.1, 1.0)])
def test_chance_to_pass_at_a_fifth_of_the_limit(t: float, passes: float) -> None:
    """With a ceiling of 400 it is 99 in 100 at a limit of 5 % and more above, but 87 in 100 at 3 %."""
    assert outlook(t / 5, rule(t)).passes == pytest.approx(passes, abs=0.0005)


@pytest.mark.parametrize(("rate", "floor"), [(0.0, 51.7), (0.01, 107), (0.11, 92), (0.3, 8.2), (0.6, 2.3)])
def test_no_test_could_do_with_far_fewer(rate: float, floor: float) -> None:
    """Wald's bound on the mean replies of any test with both errors at 5 %, and that the gate stays above it."""
    divergence = rate * math.log(rate / 0.05) if rate else 0.0
    divergence += (1 - rate) * math.log((1 - rate) / 0.95)
    bound = (0.95 * math.log(19) - 0.05 * math.log(19)) / divergence
    assert bound == pytest.approx(floor, rel=0.02)
    assert bound < exact.gate(T, [rate] * 10, 400).replies


def test_the_best_fixed_design_takes_217_replies() -> None:
    """The least fixed size that passes 1 % and fails 11 %, each 95 times in 100, at alpha; from 239 on all sizes do."""

    def does_both(n: int) -> bool:
        hits = np.arange(n + 1)
        passing, failing = binom.cdf(hits, n, 0.05) <= 0.05, binom.sf(hits - 1, n, 0.05) <= 0.05
        return bool(binom.pmf(hits, n, 0.01)[passing].sum() >= 0.95 and binom.pmf(hits, n, 0.11)[failing].sum() >= 0.95)

    sizes = [n for n in range(20, 400) if does_both(n)]
    assert sizes[0] == 217
    assert set(range(239, 400)) <= set(sizes)
    assert 238 not in sizes


@pytest.mark.parametrize(("rate", "replies"), [(0.11, 240), (0.3, 31)])
def test_a_failure_that_survives_a_family_of_24(rate: float, replies: int) -> None:
    """Sampling on until e reaches 24 / alpha, or the ceiling: 240 replies for 139 at 11 %, 31 for 20 at 30 %."""
    step = exact.hits_of_a_round([rate] * 10)
    at_alpha, at_family = (exact.boundaries(T, alpha, 10, 40) for alpha in (exact.ALPHA, exact.ALPHA / 24))
    alive, failed, total = np.array([1.0]), np.array([0.0]), 0.0
    for number in range(1, 41):
        (most, least), (_, settled) = at_alpha[number - 1], at_family[number - 1]
        alive, failed = np.convolve(alive, step), np.convolve(failed, step)
        failed[least:] += alive[least:]
        total += number * 10 * (alive[: most + 1].sum() + failed[settled:].sum())
        alive[: most + 1] = alive[least:] = failed[settled:] = 0.0
    assert total + 400 * (alive.sum() + failed.sum()) == pytest.approx(replies, abs=0.5)


def test_first_wave_catches_gross_failures() -> None:
    """At a rate of 60 % ten replies fail 19 times in 20."""
    assert exact.boundaries(T, exact.ALPHA, 10, 1)[0][1] == 4
    assert float(binom.sf(3, 10, 0.6)) == pytest.approx(0.95, abs=0.006)
