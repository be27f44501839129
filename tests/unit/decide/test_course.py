"""The first whole round that crosses decides."""

from __future__ import annotations

import math

import pytest

from clustergate.decide.course import Course, RoundCount, Strand, run_course
from clustergate.nouns.finding import Verdict
from clustergate.read import statistics
from tests.unit.decide.decide_house import rule

CLEAN = RoundCount(0, 0)


def hits(*violations: int) -> list[RoundCount]:
    return [RoundCount(count, 0) for count in violations]


def strand(course: Course) -> Strand:
    assert course.of_rate is not None
    return course.of_rate


def test_a_clean_course_passes_in_round_7() -> None:
    """0 of 60 do not pass 5 %, 0 of 70 do."""
    assert run_course([CLEAN] * 6, rule()).verdict is None
    found = run_course([CLEAN] * 9, rule())
    assert (found.verdict, found.rounds) == (Verdict.PASS, 7)


def test_four_of_ten_fail_at_once() -> None:
    """4 of 10 fail 5 % (e = 54), 3 of 10 do not (e = 10)."""
    assert math.exp(statistics.log_e_fail(4, 10, 0.05)) > 20 > math.exp(statistics.log_e_fail(3, 10, 0.05))
    assert run_course(hits(3), rule()).verdict is None
    assert (run_course(hits(4), rule()).verdict, run_course(hits(4), rule()).rounds) == (Verdict.FAIL, 1)


def test_the_first_crossing_stands() -> None:
    """A failure in round 1 stays one, though all 40 rounds together would pass; and a pass stays one."""
    assert run_course(hits(4, *[0] * 39), rule()).verdict is Verdict.FAIL
    late = run_course(hits(*[0] * 7, 10, 10, 10), rule())
    assert (late.verdict, late.rounds) == (Verdict.PASS, 7)


def test_gaps_count_for_neither() -> None:
    """A gap is a violation to PASS and none to FAIL."""
    gaps = run_course([RoundCount(0, 1)] + [CLEAN] * 13, rule())
    same = run_course(hits(1, *[0] * 13), rule())
    assert strand(gaps).log_e_pass == pytest.approx(strand(same).log_e_pass)
    assert strand(gaps).log_e_fail == pytest.approx(strand(run_course([CLEAN] * 14, rule())).log_e_fail)
    assert (gaps.verdict, gaps.rounds) == (Verdict.PASS, 14)


def test_nothing_asked_is_nothing_decided() -> None:
    """Without a round there is no verdict and no evidence."""
    found = run_course([], rule())
    assert (found.verdict, found.rounds, found.log_e_fail_max) == (None, 0, 0.0)
    assert not found.settled


def test_the_running_maximum_ends_with_the_decision() -> None:
    """What came after the decision does not enter it, and it never falls under log 1."""
    assert run_course(hits(*[0] * 7, 10, 10), rule()).log_e_fail_max == 0.0
    found = run_course(hits(2, 3, 10), rule())
    assert found.rounds == 2
    assert found.log_e_fail_max == pytest.approx(float(statistics.log_e_fail(5, 20, 0.05)))


def test_the_running_maximum_keeps_what_faded() -> None:
    """3 of 10 and then nothing: the maximum is that of round 1."""
    found = run_course(hits(3, 0, 0), rule())
    assert found.verdict is None
    assert found.log_e_fail_max == pytest.approx(float(statistics.log_e_fail(3, 10, 0.05)))


def test_a_failure_samples_on_for_the_family() -> None:
    """With a family of 24 e must reach 480 before a failure is settled; the verdict is FAIL from the first crossing."""
    family = rule(family=24)
    first = run_course(hits(4), family)
    assert (first.verdict, first.rounds, first.settled) == (Verdict.FAIL, 1, False)
    later = run_course(hits(4, 1, 4, 9), family)
    assert (later.verdict, later.rounds, later.settled) == (Verdict.FAIL, 3, True)
    assert later.log_e_fail_max >= math.log(480)


def test_a_failure_that_fades_stays_a_failure() -> None:
    """Never settled for the family: its figures are those of the last round in which it held by itself."""
    family = rule(family=24)
    found = run_course(hits(4, 1, *[0] * 10), family)
    assert (found.verdict, found.settled) == (Verdict.FAIL, False)
    assert strand(found).log_e_fail[found.rounds - 1] >= family.level
    assert (strand(found).log_e_fail[found.rounds :] < family.level).all()


def test_a_pass_is_settled_at_once() -> None:
    """The family bears on failures alone."""
    assert run_course([CLEAN] * 7, rule(family=24)).settled
