"""Waves no larger than what can still decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.decide.course import RoundCount, run_course
from clustergate.decide.plan import can_pass, next_wave
from clustergate.decide.rule import Rule
from clustergate.nouns.finding import Verdict
from tests.unit.decide.decide_house import rule


def wave(counts: list[RoundCount], given_rule: Rule) -> int:
    return next_wave(run_course(counts, given_rule), counts, given_rule)


def hits(*violations: int) -> list[RoundCount]:
    return [RoundCount(count, 0) for count in violations]


@pytest.mark.parametrize(("prompts", "rounds"), [(1, 20), (10, 2), (12, 2), (20, 1), (50, 1)])
def test_the_first_wave_is_about_20_replies(prompts: int, rounds: int) -> None:
    """Whole rounds, at least one."""
    assert wave([], rule(prompts=prompts)) == rounds


def test_a_ceiling_below_the_first_wave_is_kept() -> None:
    """A ceiling of 10 allows one round of 10, one of 9 none."""
    assert wave([], rule(ceiling=10)) == 1
    assert wave([], rule(ceiling=9)) == 0


def test_clean_rounds_lead_to_the_least_that_can_pass() -> None:
    """Two clean rounds of 10: on to 70 replies in one go. With one hit: on to 140 (138), with two to 180 (176)."""
    assert wave(hits(0, 0), rule()) == 7
    assert wave(hits(1, *[0] * 6), rule()) == 14
    assert wave(hits(1, *[0] * 6, 1, *[0] * 6), rule()) == 18


def test_a_gap_leads_as_far_as_a_hit() -> None:
    """A missing reply puts PASS off as a violation does."""
    assert wave([RoundCount(0, 1), RoundCount(0, 0)], rule()) == 14


def test_a_high_rate_leads_to_the_nearest_fail() -> None:
    """4 of 20 at 5 %: one more round at that rate is due to fail, and no more is asked."""
    assert wave(hits(2, 2), rule()) == 3


def test_nothing_is_asked_once_settled_or_at_the_ceiling() -> None:
    """Decided, or no room for a round."""
    assert wave(hits(*[0] * 7), rule()) == 7
    assert wave(hits(6), rule()) == 1
    assert wave(hits(1, 1), rule(ceiling=29)) == 2


def test_nothing_is_asked_where_nothing_can_decide() -> None:
    """5 of 10 at a limit of 50 % and a ceiling of 20: neither ten hits more nor none would decide."""
    assert wave(hits(5), rule(t=0.5, ceiling=20)) == 1


def test_a_failure_samples_on_for_the_family() -> None:
    """4 of 10 fail by themselves; for a family of 24 another round is asked."""
    assert wave(hits(4), rule()) == 1
    assert wave(hits(4), rule(family=24)) > 1


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=12),
    st.sampled_from([0.02, 0.05, 0.3, 0.5, 0.9]),
    st.integers(4, 15),
)
def test_waves_stop_short_only_where_nothing_can_decide(counts: list[tuple[int, int]], t: float, rounds: int) -> None:
    """Never beyond the ceiling, never back; and where nothing more is asked, no further replies could have decided."""
    limit = rule(t=t, prompts=4, ceiling=4 * rounds)
    done = [RoundCount(*count) for count in counts][:rounds]
    target = wave(done, limit)
    assert len(done) <= target <= rounds
    course = run_course(done, limit)
    if target == len(done) and course.verdict is None:
        rest = rounds - len(done)
        for further in (0, 4):
            assert run_course([*done, *[RoundCount(further, 0)] * rest], limit).verdict is None


def test_can_pass_is_in_whole_rounds() -> None:
    """66 replies at 5 %: 70 in tens, 72 in twelves. 336 at 1 %: beyond a ceiling of 300."""
    assert can_pass(rule()) == 70
    assert can_pass(rule(prompts=12)) == 72
    assert can_pass(rule(t=0.01)) == 340
    assert can_pass(rule(t=0.01, ceiling=300)) is None
    assert can_pass(rule(t=0.01, ceiling=339)) is None


def test_can_pass_agrees_with_the_course() -> None:
    """A clean course passes exactly there."""
    for prompts in (1, 7, 10, 12):
        limit = rule(prompts=prompts)
        found = run_course([RoundCount(0, 0)] * limit.rounds, limit)
        assert (found.verdict, found.rounds * prompts) == (Verdict.PASS, can_pass(limit))


def test_no_round_below_the_ceiling_passes_nothing() -> None:
    """A ceiling below one round leaves nothing that could pass, whatever the limit."""
    assert can_pass(rule(t=0.99, prompts=10, ceiling=5)) is None


def test_a_failure_that_cannot_reach_the_family_is_settled() -> None:
    """40 of 40 at t = .9: log e is at most 4.11 at a ceiling of 50, and a family of 24 wants 6.17."""
    strict = rule(t=0.9, ceiling=50, family=24)
    counts = [RoundCount(10, 0)] * 4
    course = run_course(counts, strict)
    assert course.verdict is Verdict.FAIL
    assert next_wave(course, counts, strict) == 4
