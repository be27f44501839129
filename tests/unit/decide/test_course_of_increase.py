"""A rate beside an earlier model's: both tests decide together, at half the alpha each."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.decide.course import RoundCount, run_course
from clustergate.decide.plan import can_pass, next_wave
from clustergate.decide.rule import Increase, Rule
from clustergate.nouns.finding import Verdict
from clustergate.read.increase import BETS
from tests.unit.decide.decide_house import rule

ALIKE = RoundCount(0, 0)
DELTA = 0.05


def increase(delta: float = DELTA, **settings: float) -> Rule:
    """An increase alone, of pairs, ten prompts a round."""
    return replace(rule(), t=None, increase=Increase(delta=delta, **settings))


def both(delta: float = DELTA, t: float = 0.05) -> Rule:
    return replace(rule(t=t), increase=Increase(delta=delta))


def least_pairs(delta: float, alpha: float) -> int:
    """Pairs without a difference that pass: the mean over the bets of (1 + bet delta / (1 - delta))^n >= 1 / alpha."""
    n = 1
    while sum((1 + bet * delta / (1 - delta)) ** n for bet in BETS) / len(BETS) < 1 / alpha:
        n += 1
    return n


def test_pairs_that_are_alike_pass() -> None:
    """In whole rounds, at the least number that the formula gives, and `can_pass` says so."""
    needed = least_pairs(DELTA, 0.05)
    rounds = math.ceil(needed / 10)
    course = run_course([ALIKE] * 40, increase())
    assert (course.verdict, course.rounds) == (Verdict.PASS, rounds)
    assert can_pass(increase()) == 10 * rounds


def test_a_rise_fails() -> None:
    """Where this model alone violates in 3 pairs of 10; not where both do, nor where the earlier one alone does."""
    assert run_course([RoundCount(3, 0, plus=3)] * 10, increase()).verdict is Verdict.FAIL
    assert run_course([RoundCount(3, 0)] * 40, increase()).verdict is Verdict.PASS
    assert run_course([RoundCount(0, 0, minus=3)] * 40, increase()).verdict is Verdict.PASS


def test_a_missing_pair_counts_for_neither() -> None:
    """As a rise to a PASS, and as a fall to a FAIL."""
    gap = run_course([RoundCount(0, 1, unpaired=1)] * 4, increase()).of_increase
    risen = run_course([RoundCount(1, 0, plus=1)] * 4, increase()).of_increase
    fallen = run_course([RoundCount(0, 0, minus=1)] * 4, increase()).of_increase
    assert gap
    assert risen
    assert fallen
    assert gap.log_e_pass == pytest.approx(risen.log_e_pass)
    assert gap.log_e_fail == pytest.approx(fallen.log_e_fail)


def test_a_pass_needs_both_and_a_failure_one() -> None:
    """Each at half the alpha; what has passed once stays passed while the other goes on."""
    course = run_course([ALIKE] * 40, both())
    rate, rise = course.of_rate, course.of_increase
    assert rate
    assert rise
    assert rate.level == rise.level == pytest.approx(math.log(40))
    assert course.rounds == max(1 + rate.passing.argmax(), 1 + rise.passing.argmax())
    assert course.rounds * 10 == can_pass(both())
    # No rise above an earlier model that does it as often, and a rate far beyond its limit.
    found = run_course([RoundCount(6, 0)] * 10, both())
    assert (found.verdict, found.failed()) == (Verdict.FAIL, ("rate",))
    # A rate beyond its limit looks on for as long again, and has risen too.
    found = run_course([RoundCount(4, 0, plus=4)] * 10, both())
    assert (found.verdict, found.failed()) == (Verdict.FAIL, ("rate", "increase"))
    assert run_course([RoundCount(4, 0, plus=4)] * found.rounds, both()).settled
    assert not run_course([RoundCount(4, 0, plus=4)] * (found.rounds - 1), both()).settled
    # A rate well within its limit, and none in the earlier model.
    found = run_course([RoundCount(3, 0, plus=3)] * 30, both(t=0.6))
    assert (found.verdict, found.failed()) == (Verdict.FAIL, ("increase",))


def test_stored_counts_set_two_limits() -> None:
    """0 of 100 before: at most the margin to pass, and beyond what 100 replies leave open to fail; either at a half."""
    stored = increase(stored=(0, 100, 0))
    assert stored.against is not None
    assert stored.against.pass_at == pytest.approx(DELTA)
    assert stored.increase_level == pytest.approx(math.log(2 / 0.05))
    assert run_course([ALIKE] * 40, stored).verdict is Verdict.PASS
    assert run_course([RoundCount(4, 0)] * 10, stored).verdict is Verdict.FAIL
    assert can_pass(stored) == 10 * run_course([ALIKE] * 40, stored).rounds


def test_drawing_the_earlier_model_anew_costs_half() -> None:
    """What is left of alpha is what it takes to cross."""
    assert increase(share=0.5).increase_level == pytest.approx(math.log(2 / 0.05))


def test_what_judges_do_not_see_tightens_a_pass_alone() -> None:
    """Judges that see 80 % of a difference: a PASS must show less than 80 % of the margin."""
    seen, blurred = increase(), increase(seen=0.8)
    assert (can_pass(blurred) or 0) >= least_pairs(0.8 * DELTA, 0.05) > least_pairs(DELTA, 0.05)
    rising = [RoundCount(3, 0, plus=3)] * 10
    assert run_course(rising, seen).rounds == run_course(rising, blurred).rounds


def test_the_family_leans_on_the_mean() -> None:
    """The mean of two e-values is one: what they have together over the number of tests."""
    course = run_course([RoundCount(4, 0, plus=4)], both())
    rate, rise = course.of_rate, course.of_increase
    assert rate
    assert rise
    mean = (math.exp(rate.log_e_fail[0]) + math.exp(rise.log_e_fail[0])) / 2
    assert course.log_e_fail_max == pytest.approx(math.log(mean))


ROUND = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)).map(
    lambda kinds: RoundCount(kinds[0], kinds[2], plus=kinds[0], minus=kinds[1], unpaired=kinds[2])
)


@given(
    st.lists(ROUND, max_size=12),
    st.sampled_from([increase(), increase(0.3), both(), both(0.2, 0.3), increase(stored=(3, 40, 1))]),
)
def test_waves_stop_short_only_where_nothing_can_decide(counts: list[RoundCount], wide: Rule) -> None:
    """Never beyond the ceiling, never back; where nothing more is asked, nothing that could come would have decided."""
    limit = replace(wide, max_samples=120)
    target = next_wave(run_course(counts, limit), counts, limit)
    assert len(counts) <= target <= 12
    if target == len(counts) and run_course(counts, limit).verdict is None:
        rest = 12 - len(counts)
        for further in (RoundCount(0, 0), RoundCount(0, 0, minus=10), RoundCount(10, 0, plus=10)):
            found = run_course([*counts, *[further] * rest], limit).verdict
            assert found is None or further.minus


@given(st.lists(ROUND, min_size=1, max_size=12))
def test_filling_a_gap_hurts_no_verdict(counts: list[RoundCount]) -> None:
    """What crosses with gaps crosses whatever fills them, no later: so one may look before all are in."""
    gaps = [replace(c, missing=10 - c.violations, unpaired=10 - c.plus - c.minus) for c in counts]
    looked = run_course(gaps, both(0.2, 0.3))
    if looked.verdict is not None:
        filled = run_course([replace(c, unpaired=0, missing=0) for c in counts], both(0.2, 0.3))
        assert filled.rounds <= looked.rounds
