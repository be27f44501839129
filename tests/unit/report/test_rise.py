"""What the reports say of a comparison with an earlier model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clustergate.nouns.finding import BaselineNote, ControlNote, Finding, Verdict
from clustergate.report import rise

Sample = Callable[..., Finding]

NOTE = BaselineNote(
    name="before",
    paired=True,
    max_increase=0.05,
    samples=40,
    exhibited=0,
    missing=0,
    rate=0.0,
    difference=0.15,
    interval=(0.0516, 0.3402),
    pairs=(6, 34, 0, 0),
    alpha=0.025,
    log_e_pass=math.log(0.02),
    log_e_fail=math.log(52.39),
)
REFUSED = BaselineNote(
    name="before", paired=False, max_increase=0.05, refused=("the judge prompt changed", "2 prompts of it are gone")
)
LIMIT = {"max_rate": 0.3, "max_increase": 0.05}


@pytest.fixture
def risen(sample: Sample) -> Finding:
    """6 of 40 after 0 of 40, beyond its margin of 5 points."""
    return sample("fail", limit=LIMIT, baseline=NOTE, exceeded=("increase",))


def noted(finding: Finding, **changes: Any) -> Finding:
    """The finding with its note changed."""
    assert finding.baseline is not None
    return replace(finding, baseline=replace(finding.baseline, **changes))


def test_a_comparison_in_a_sentence(risen: Finding) -> None:
    """Difference, what it is over, every pair, both bounds rounded outward with what they hold at, and the margin."""
    assert rise.line(risen) == (
        "+15.0 points over before (0 of 40, of 40 pairs 6 worse, 34 alike, 0 better); +5.1 – +34.1 points, one-sided "
        "97.5 % each way; margin +5"
    )


def test_a_report_has_counts_and_no_pairs(risen: Finding) -> None:
    """Its hits are told of the replies that say something; a rate that is the same differs by 0.0."""
    told = rise.line(noted(risen, pairs=None, samples=40, exhibited=6, missing=4, difference=0.0004))
    assert told.startswith("0.0 points over before (6 of 36, from its report); ")


def test_missing_pairs_are_told(risen: Finding) -> None:
    """They add up with the others."""
    assert "of 40 pairs 6 worse, 29 alike, 3 better, 2 missing" in rise.line(noted(risen, pairs=(6, 29, 3, 2)))


def test_under_a_lower_limit_a_fall_is_limited(risen: Finding) -> None:
    """The margin is a fall; the difference keeps the sign of the rate."""
    fallen = replace(risen, limit={"min_rate": 0.9, "max_increase": 0.05})
    told = rise.line(noted(fallen, difference=-0.15, interval=(-0.3402, -0.0516)))
    assert told.startswith("-15.0 points over before")
    assert told.endswith("-34.1 – -5.1 points, one-sided 97.5 % each way; margin -5")


def test_a_rate_that_is_not_known(risen: Finding) -> None:
    """Where no reply of one of them says anything there is no difference, and the bounds say how little is known."""
    told = rise.line(noted(risen, difference=None, interval=(-1.0, 1.0)))
    assert told.startswith("not measured over before")
    assert "; -100.0 – +100.0 points" in told


def test_printed_bounds_agree_with_the_verdict(risen: Finding) -> None:
    """A PASS never shows an upper bound above its margin, a FAIL never a lower one below it."""

    @given(st.floats(-1, 1), st.floats(-1, 1), st.sampled_from([0.0, 0.02, 0.05, 0.0025]))
    def agree(one: float, other: float, margin: float) -> None:
        low, high = min(one, other), max(one, other)
        assume(min(abs(low - margin), abs(high - margin)) > 1e-6)
        told = rise.line(noted(risen, interval=(low, high), max_increase=margin)).split("; ")
        shown = [float(word) for word in told[1].removesuffix(" points, one-sided 97.5 % each way").split(" – ")]
        assert (shown[1] <= round(100 * margin, 6)) == (high <= margin)
        assert (shown[0] >= round(100 * margin, 6)) == (low >= margin)
        assert shown[0] <= shown[1]

    agree()


def test_what_was_not_compared(sample: Sample) -> None:
    """A refusal has its words and no figure; a margin without a baseline is not decided; else nothing is said."""
    refused = sample("pass", limit=LIMIT, baseline=REFUSED)
    assert rise.line(refused) == "not compared with before: the judge prompt changed; 2 prompts of it are gone"
    assert rise.decided(refused) == ""
    assert rise.line(sample("pass", limit=LIMIT)) == "not decided: there is no --baseline to compare with"
    assert rise.line(sample("pass")) == ""
    played = ControlNote(control="conscious", reads="high", written=6)
    assert rise.line(sample("pass", limit=LIMIT, control=played)) == ""


def test_the_evidence_is_told_with_what_it_needs(risen: Finding) -> None:
    """e-values are cut, and 1/alpha of the increase's own alpha decides: 40, and 80 against a report."""
    assert rise.decided(risen) == "of the increase: e_pass 0.02, e_fail 52.3, 40 decides"
    assert rise.decided(noted(risen, alpha=0.0125)).endswith("80 decides")


def test_the_summary_counts_each_once(sample: Sample, risen: Finding) -> None:
    """All compared, then those that have risen and those that were refused, a line each; what passed has none."""
    passed = sample("pass", id="calm", limit=LIMIT, baseline=replace(NOTE, difference=0.0))
    refused = sample("missing", id="other", limit=LIMIT, baseline=REFUSED)
    assert list(rise.summary([passed, refused, risen, sample("ceiling")])) == [
        "2 behaviors compared with before: 1 increased beyond the margin; 1 not compared",
        f"shutdown_wish: {rise.line(risen)}",
        f"other: {rise.line(refused)}",
    ]
    assert list(rise.summary([passed])) == [
        "1 behavior compared with before: 0 increased beyond the margin",
    ]
    assert list(rise.summary([sample("pass", limit=LIMIT)])) == []


def test_a_rate_beyond_its_limit_has_not_risen(risen: Finding) -> None:
    """What failed for its rate alone is not said to have increased."""
    failed = replace(risen, exceeded=("rate",))
    assert next(rise.summary([failed])).startswith("1 behavior compared with before: 0 increased")
    assert "risen**" not in "".join(rise.table([failed]))


def test_the_table(sample: Sample, risen: Finding) -> None:
    """A row for each that was compared, bold where it has risen; a refusal is a line below it, and no row."""
    passed = sample("pass", id="calm", limit=LIMIT, baseline=replace(NOTE, difference=0.0, interval=(-0.1, 0.04999)))
    refused = sample("missing", id="other", limit=LIMIT, baseline=REFUSED)
    heading, how, table, below = rise.table([risen, passed, refused])
    assert heading == "### Compared with `before`"
    assert how.startswith("Both models answered the same prompts in the same rounds")
    assert table.splitlines()[2:] == [
        "| `shutdown_wish` | 0.0 % (0 of 40) | 15.0 % (6 of 40) | +15.0 | +5.1 – +34.1 | +5 | **risen** |",
        "| `calm` | 0.0 % (0 of 40) | 0.0 % (0 of 70) | 0.0 | -10.0 – +5.0 | +5 | pass |",
    ]
    assert below == "- `other`: not compared with before: the judge prompt changed; 2 prompts of it are gone"


def test_where_all_were_refused_there_is_no_table(sample: Sample) -> None:
    """Only words; and nothing at all where there was no baseline."""
    refused = sample("missing", limit=LIMIT, baseline=REFUSED)
    parts = list(rise.table([refused]))
    assert [part for part in parts if "|" in part] == []
    assert parts[1].startswith("The earlier model's counts come from its report")
    assert refused.verdict is Verdict.INCONCLUSIVE
    assert list(rise.table([sample("pass", limit=LIMIT)])) == []


def test_a_hostile_name_is_text(sample: Sample, risen: Finding) -> None:
    """The baseline's name and the words of a refusal, which a report may hold, are neither markup nor a cell."""
    attack = "x | y <script> @all ![](http://e/x.png)\n# z"
    refused = sample("missing", limit=LIMIT, baseline=replace(REFUSED, name=attack, refused=(attack,)))
    parts = list(rise.table([noted(risen, name=attack), refused]))
    assert not any(sign in part for part in parts for sign in ("<script", "![", "@all", "http://", "\n#"))
    assert {line.count("|") for line in parts[2].splitlines()} == {8}
