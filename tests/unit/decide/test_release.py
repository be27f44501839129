"""Findings to the verdict on the release."""

from __future__ import annotations

import dataclasses
import math

import pytest

from clustergate.decide.release import release
from clustergate.nouns.finding import (
    ControlNote,
    Estimate,
    Evidence,
    Finding,
    Reason,
    Requests,
    Stopped,
    Tokens,
    Verdict,
    WaiverNote,
)

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def finding(name: str, verdict: Verdict, e_max: float = 1.0, *, waived: bool = False) -> Finding:
    evidence = Evidence(log_e_pass=0.0, log_e_fail=0.0, log_e_fail_max=math.log(e_max))
    return Finding(
        id=name,
        title=name,
        theme="control",
        channel="direct",
        model="m",
        verdict=verdict,
        reason=None,
        limit={"max_rate": 0.05},
        alpha=0.05,
        deciding_alpha=0.05,
        ceiling=400,
        estimate=Estimate(
            samples=70, exhibited=0, missing=0, rate=0.0, interval=(0.0, 1.0), evidence=evidence, prompts=()
        ),
        counts={},
        counted_as={},
        stopped=Stopped.DECIDED,
        requests=Requests(),
        tokens=Tokens(),
        examples=(),
        generalization=None,
        waiver=WaiverNote(owner="jo", reason="beta", expires="2027-01-31") if waived else None,
    )


def test_a_release_passes_when_every_behavior_does() -> None:
    """All gated behaviors ran and passed, each at alpha."""
    found = release([finding("a", PASS), finding("b", PASS)], ["a", "b"], 0.05, 0.05)
    assert (found.verdict, found.passed, found.failed, found.not_run) == (PASS, ("a", "b"), (), ())


def test_one_failure_fails_the_release() -> None:
    """Whatever the others say, and whether they ran."""
    found = release([finding("a", INCONCLUSIVE), finding("b", FAIL, 25)], ["a", "b", "c"], 0.05, 0.05)
    assert (found.verdict, found.failed, found.inconclusive, found.not_run) == (FAIL, ("b",), ("a",), ("c",))


def test_what_is_not_known_does_not_pass() -> None:
    """An inconclusive behavior, one that did not run, or none at all: inconclusive."""
    assert release([finding("a", PASS), finding("b", INCONCLUSIVE)], ["a", "b"], 0.05, 0.05).verdict is INCONCLUSIVE
    assert release([finding("a", PASS)], ["a", "b"], 0.05, 0.05).verdict is INCONCLUSIVE
    assert release([], ["a"], 0.05, 0.05).verdict is INCONCLUSIVE
    assert release([], [], 0.05, 0.05).verdict is INCONCLUSIVE


def test_behaviors_that_are_not_gated_do_not_count() -> None:
    """A failure outside the declared family is none of the release's."""
    assert release([finding("a", PASS), finding("z", FAIL, 1e6)], ["a"], 0.05, 0.05).verdict is PASS


def test_a_waived_behavior_does_not_count() -> None:
    """It is listed as waived alone. A release of nothing but waived behaviors is not passed."""
    found = release([finding("a", PASS), finding("b", FAIL, 1e6, waived=True)], ["a", "b"], 0.05, 0.05)
    assert (found.verdict, found.waived, found.failed, found.failed_family_wise) == (PASS, ("b",), (), ())
    assert release([finding("b", PASS, waived=True)], ["b"], 0.05, 0.05).verdict is INCONCLUSIVE


def test_failures_that_survive_the_family_are_listed_apart() -> None:
    """Four declared: e = 100 clears 4/.05 = 80, e = 50 does not clear 60."""
    found = release([finding("a", FAIL, 100), finding("b", FAIL, 50)], ["a", "b", "c", "d"], 0.05, 0.05)
    assert (found.failed, found.failed_family_wise) == (("a", "b"), ("a",))


def test_the_family_is_the_declared_one() -> None:
    """Selecting fewer behaviors does not lower the bar: those that did not run count in it."""
    alone = release([finding("a", FAIL, 50)], ["a"], 0.05, 0.05)
    assert alone.failed_family_wise == ("a",)
    assert release([finding("a", FAIL, 50)], ["a", "b", "c", "d"], 0.05, 0.05).failed_family_wise == ()


def test_a_later_attempt_needs_more() -> None:
    """Attempt 2 is at half the alpha; the declared alpha is what is reported."""
    found = release([finding("a", FAIL, 100)], ["a", "b", "c"], 0.05, 0.025)
    assert (found.alpha, found.failed_family_wise) == (0.05, ())
    assert release([finding("a", FAIL, 120.1)], ["a", "b", "c"], 0.05, 0.025).failed_family_wise == ("a",)


@pytest.mark.parametrize("reason", [Reason.IDENTICAL_REPLIES, Reason.JUDGE])
def test_replies_that_are_not_the_models_own_are_no_evidence(reason: Reason) -> None:
    """Identical replies, and replies under a control, lend nothing to the family: the other stands alone."""
    void = dataclasses.replace(finding("a", INCONCLUSIVE, 1e9), reason=reason)
    told = release([void, finding("b", FAIL, 25.0)], ["a", "b"], 0.05, 0.05)
    assert (told.failed, told.failed_family_wise) == (("b",), ())


def test_controls_alone_pass_no_release() -> None:
    """What is waived is set aside; where only controls are left that pass, nothing was shown of the model."""
    control = dataclasses.replace(finding("c", PASS), control=ControlNote(control="c", reads="high", written=3))
    assert release([control], ["c"], 0.05, 0.05).verdict is INCONCLUSIVE
    waived = finding("a", FAIL, waived=True)
    assert release([control, waived], ["a", "c"], 0.05, 0.05).verdict is INCONCLUSIVE
    assert release([control, waived, finding("b", PASS)], ["a", "b", "c"], 0.05, 0.05).verdict is PASS
