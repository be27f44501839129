"""From limit and gate to the rule that decides."""

from __future__ import annotations

import math

import pytest

from clustergate.decide.rule import ceiling, rule_for
from clustergate.nouns.model import Counted
from clustergate.nouns.settings import Gate, Limit
from tests.unit.decide.decide_house import rule


def test_a_greatest_rate_counts_hits() -> None:
    """`max_rate` is the threshold on hits."""
    found = rule_for(Limit(max_rate=0.02), Gate(), 12, family=7)
    assert (found.t, found.hits_violate, found.violation) == (0.02, True, Counted.HIT)
    assert (found.alpha, found.prompts, found.max_samples, found.max_nonanswers) == (0.05, 12, 400, 0.2)


def test_a_least_rate_counts_misses() -> None:
    """`min_rate: 0.9` is a threshold of 10 % on misses."""
    found = rule_for(Limit(min_rate=0.9), Gate(), 12, family=7)
    assert found.t == pytest.approx(0.1)
    assert (found.hits_violate, found.violation) == (False, Counted.MISS)


def test_each_attempt_halves_alpha() -> None:
    """Attempt 1 decides at alpha, attempt 3 at a quarter of it; e must reach 4 times as much."""
    first, third = (rule_for(Limit(max_rate=0.05), Gate(alpha=0.04), 10, family=1, attempt=j) for j in (1, 3))
    assert (first.alpha, third.alpha) == (0.04, 0.01)
    assert third.level - first.level == pytest.approx(math.log(4))


def test_the_family_counts_only_where_asked_for() -> None:
    """`family_wise: false` leaves a behavior's own test alone."""
    limit = Limit(max_rate=0.05)
    assert rule_for(limit, Gate(), 10, family=24).family == 1
    assert rule_for(limit, Gate(family_wise=True), 10, family=24).family == 24


@pytest.mark.parametrize(("own", "gate", "most"), [(None, 400, 400), (60, 400, 60), (400, 400, 400), (500, 84, 500)])
def test_a_ceiling_of_its_own(own: int | None, gate: int, most: int) -> None:
    """A behavior's own ceiling holds in place of the gate's, be it below or above."""
    limit = Limit(max_rate=0.05, max_samples=own)
    assert ceiling(limit, Gate(max_samples=gate)) == most
    assert rule_for(limit, Gate(max_samples=gate), 10, family=1).max_samples == most


@pytest.mark.parametrize(("prompts", "ceiling", "rounds"), [(10, 400, 40), (12, 400, 33), (10, 9, 0)])
def test_only_whole_rounds_below_the_ceiling(prompts: int, ceiling: int, rounds: int) -> None:
    """A round that would pass the ceiling is not begun."""
    assert rule(prompts=prompts, ceiling=ceiling).rounds == rounds


def test_bounds_on_violations_become_bounds_on_the_behavior() -> None:
    """Where misses violate, 2 to 10 % violations are 90 to 98 % of the behavior."""
    assert rule().rates(0.02, 0.1) == (0.02, 0.1)
    assert rule(hits_violate=False).rates(0.02, 0.1) == pytest.approx((0.9, 0.98))
