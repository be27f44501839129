"""Figures say what they say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.nouns.finding import BaselineNote, ControlNote, Finding, Reason, Requests, WordingCount
from clustergate.nouns.model import State
from clustergate.report import wording

Sample = Callable[..., Finding]


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(0.0, "0.0"), (0.15, "15.0"), (1.0, "100.0"), (1 / 3000, "0.03"), (1 - 1e-5, "99.999"), (0.0999, "10.0")],
)
def test_a_rate_has_one_decimal_unless_that_would_lie(rate: float, shown: str) -> None:
    """A rate above 0 never reads 0, and one below 100 % never reads 100."""
    assert wording.number(rate) == shown


def test_printed_bounds_agree_with_the_verdict(sample: Sample) -> None:
    """A PASS never shows an upper bound above its limit, a FAIL never a lower one below, and nothing else seems to."""

    @given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.02, 0.05, 0.0025, 0.35, 0.9, 0.001]))
    def agree(one: float, other: float, limit: float) -> None:
        lower, upper = min(one, other), max(one, other)
        base = sample("fail", limit={"max_rate": limit})
        found = replace(base, estimate=replace(base.estimate, interval=(lower, upper)))
        low, high = map(float, wording.bounds(found))
        if not math.isclose(upper, limit, abs_tol=1e-6):
            assert (high <= round(100 * limit, 6)) == (upper <= limit)
        if not math.isclose(lower, limit, abs_tol=1e-6):
            assert (low >= round(100 * limit, 6)) == (lower >= limit)

    agree()


@pytest.mark.parametrize(
    ("difference", "shown"),
    [
        (0.11, "+11.0"),
        (-0.003, "-0.3"),
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (0.0004, "0.0"),
        (-0.0004, "0.0"),
        (-1.0, "-100.0"),
    ],
)
def test_a_difference_has_its_sign(difference: float, shown: str) -> None:
    """In percentage points; what rounds to zero is neither a rise nor a fall."""
    assert wording.points(difference) == shown


def test_signed_bounds_are_rounded_outward() -> None:
    """No coarser than the margin, with the sign of the difference, and zero as the difference has it."""
    assert wording.rounded_outward((-0.0121, 0.0499), [0.05], signed=True) == ("-1.3", "+5.0")
    assert wording.rounded_outward((0.0, 0.0024), [0.0025], signed=True) == ("0.00", "+0.24")
    assert wording.rounded_outward((-0.0201, -0.0004), [0.02], signed=True) == ("-2.1", "0.0")


@pytest.mark.parametrize(
    ("log_e", "shown"),
    [
        (0.0, "1"),
        (math.log(242.4), "242"),
        (math.log(19.97), "19.9"),
        (math.log(20.001), "20"),
        (math.log(12345), "12,300"),
        (1e5, "2.8e+43429"),
        (-1e5, "3.56e-43430"),
        (-math.inf, "0"),
    ],
)
def test_an_e_value_is_cut_to_three_figures(log_e: float, shown: str) -> None:
    """What has not reached 20 does not read 20; numbers beyond a float's range are still written."""
    assert wording.e_value(log_e) == shown


@pytest.mark.parametrize(("alpha", "shown"), [(0.05, "95 %"), (0.025, "97.5 %"), (0.0125, "98.75 %")])
def test_confidence_follows_the_alpha_of_the_attempt(alpha: float, shown: str) -> None:
    """Attempt 2 of a store decides at half the alpha, and its bounds are said to."""
    assert wording.confidence(alpha) == shown


def test_missing_replies_are_told_by_kind(sample: Sample) -> None:
    """States that the policy counts are named with what they count as; all others are missing."""
    counts = {State.EXHIBITS: 1, State.ABSENT: 2, State.REFUSED: 3, State.TRUNCATED: 4, State.TARGET_ERROR: 5}
    found = sample("fail", counts=counts, counted_as={State.REFUSED: "exhibits", State.TRUNCATED: "judge"})
    assert wording.counts(found) == (
        "1 exhibits · 2 absent · 3 refused (counted exhibits) · 9 missing (4 truncated, 5 unanswered)"
        " · of these 15, the 40 in whole rounds count"
    )


def test_a_control_that_does_not_read_as_it_must(sample: Sample) -> None:
    """Under a control the reason says which way the rate must read; a control that broke off says what broke."""
    low = ControlNote(control="firmware", reads="low", written=6, read_right=6)
    assert wording.why(sample("misread", control=low)) == (
        "under this control the rate must read low, and it does not (judge)"
    )
    broken = sample("misread", reason=Reason.ENDPOINT)
    assert wording.why(broken) == wording.why(sample("endpoint"))
    assert wording.why(sample("control")) == ""


def test_wordings(sample: Sample) -> None:
    """Hits of replies that count, in either wording; nothing where there is only one."""
    assert wording.wordings(sample("fail")) == ""
    both = sample("fail", wordings=WordingCount(declared=(42, 0), reworded=(41, 11)))
    assert wording.wordings(both) == "0 of 42 in the declared wording, 11 of 41 reworded"


def test_a_rerun_from_the_store_is_not_held_against_the_study(sample: Callable[..., Finding]) -> None:
    """Two requests for what the store holds are no saving of the design's."""
    stored = sample("pass", requests=Requests(target=1, judge=1, from_store=70))
    assert wording.against_the_study([stored], 4) == ""


def test_an_increase_is_a_limit_where_it_was_compared(sample: Sample) -> None:
    """Without a baseline it decided nothing, and does not stand beside the rate as if it had."""
    alone = sample("pass", limit={"max_rate": 0.35, "max_increase": 0.1})
    assert wording.limit(alone) == "<= 35 %"
    compared = replace(alone, baseline=BaselineNote(name="before", paired=True, max_increase=0.1))
    assert wording.limit(compared) == "<= 35 %, increase <= 10 %"
