"""The judge's errors in the rule: each verdict leans on the one that could make it wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from clustergate.decide.calibration import SHARE, Agreement, calibrate, corrected_rule, correction
from clustergate.decide.course import RoundCount, run_course
from clustergate.decide.rule import Rule
from clustergate.nouns.finding import Estimate, Evidence, Verdict
from clustergate.nouns.judging import Calibration
from clustergate.read import statistics

PERFECT = Agreement(10_000_000, 10_000_000, 10_000_000, 0)
counts = st.integers(0, 60)


def rule(**changes: object) -> Rule:
    return Rule(**({"t": 0.05, "alpha": 0.05, "prompts": 10, "max_samples": 400} | changes))  # type: ignore[arg-type]


def estimate(hits: int, n: int, missing: int = 0) -> Estimate:
    rate = hits / (n - missing) if n > missing else None
    return Estimate(
        samples=n, exhibited=hits, missing=missing, rate=rate, interval=(0.0, 1.0), prompts=(),
        evidence=Evidence(log_e_pass=0, log_e_fail=0, log_e_fail_max=0),
    )  # fmt: skip


def test_the_bounds_are_clopper_and_pearsons() -> None:
    """Of the behavior's own positives, and of the negatives of all; each one-sided at the given alpha."""
    found = calibrate(Agreement(27, 24, 37, 1), [Agreement(30, 20, 400, 5), Agreement(30, 29, 100, 0)], 0.01)
    assert (found.positives, found.found, found.negatives, found.false, found.pooled) == (27, 24, 537, 6, 3)
    assert found.sensitivity[0] == pytest.approx(stats.beta.ppf(0.01, 24, 4))
    assert found.sensitivity[1] == pytest.approx(stats.beta.ppf(0.99, 25, 3))
    assert found.specificity[0] == pytest.approx(1 - stats.beta.ppf(0.99, 7, 531))
    assert found.specificity[1] == pytest.approx(1 - stats.beta.ppf(0.01, 6, 532))


def test_thirty_clean_negatives_prove_little() -> None:
    """0 of 30 leaves 14 % of false positives possible (statistics: 1 - .01^(1/30)); 0 of 460 leaves 1 %."""
    alone = calibrate(Agreement(27, 27, 30, 0), [], 0.01)
    assert 1 - alone.specificity[0] == pytest.approx(1 - 0.01 ** (1 / 30))
    pooled = calibrate(Agreement(27, 27, 30, 0), [Agreement(27, 27, 430, 0)], 0.01)
    assert 1 - pooled.specificity[0] == pytest.approx(1 - 0.01 ** (1 / 460))


def test_negatives_that_are_misread_more_often_stand_alone() -> None:
    """10 of 36 beside 12 of 1164 is no chance: the behavior keeps its own. 0 of 36 is pooled."""
    others = [Agreement(600, 550, 1164, 12)]
    assert calibrate(Agreement(27, 24, 36, 10), others, 0.01).pooled == 1
    assert calibrate(Agreement(27, 24, 36, 10), others, 0.01).negatives == 36
    assert calibrate(Agreement(27, 24, 36, 0), others, 0.01).pooled == 2


def test_a_judge_that_cannot_tell() -> None:
    """1 found of 25 with 1 false of 35 shows nothing; 24 of 27 with 12 of 1200 does."""
    assert not calibrate(Agreement(25, 1, 35, 1), [], 0.01).is_usable
    assert calibrate(Agreement(27, 24, 37, 1), [Agreement(600, 550, 1163, 11)], 0.01).is_usable
    assert not calibrate(Agreement(0, 0, 0, 0), [], 0.01).is_usable


def test_a_perfect_judge_changes_little_more_than_alpha() -> None:
    """With no error to speak of both thresholds are the limit, and the e-values have four fifths of alpha."""
    corrected = corrected_rule(rule(), calibrate(PERFECT, [], 0.01), 45)
    assert corrected.pass_at == pytest.approx(0.05, rel=1e-5)
    assert corrected.fail_at == pytest.approx(0.05, rel=1e-4)
    assert corrected.deciding_alpha == pytest.approx(0.04)
    assert corrected.level == pytest.approx(math.log(25))


@given(positives=counts, found=counts, negatives=counts, false=counts, t=st.floats(0.01, 0.9))
def test_errors_only_tighten(positives: int, found: int, negatives: int, false: int, t: float) -> None:
    """Whatever the labels show, a PASS is no easier and a FAIL no easier than with a judge that never errs."""
    known = calibrate(Agreement(positives, min(found, positives), negatives, min(false, negatives)), [], 0.01)
    for hits_violate in (True, False):
        corrected = corrected_rule(rule(t=t, hits_violate=hits_violate), known, 45)
        assert 0 <= corrected.pass_at <= t <= corrected.fail_at < 1
        assert corrected.family_fail_at >= corrected.fail_at


def test_a_minimum_changes_their_places() -> None:
    """Under a min_rate a violation is a miss: seen by specificity, and wrongly seen by lack of sensitivity."""
    known = calibrate(Agreement(36, 34, 48, 2), [], 0.01)
    corrected = corrected_rule(rule(t=0.15, hits_violate=False), known, 45)
    assert corrected.pass_at == pytest.approx(0.15 * known.specificity[0])
    assert corrected.fail_at == pytest.approx(0.15 + 0.85 * (1 - known.sensitivity[0]))


def test_several_judged_answers_are_as_many_chances_to_be_wrong() -> None:
    """Where three answers of a conversation are judged, any of them can be taken for a hit."""
    known = calibrate(Agreement(27, 24, 1200, 12), [], 0.01)
    once, thrice = (corrected_rule(rule(), known, 45, looks) for looks in (1.0, 3.0))
    assert thrice.alarm == pytest.approx(3 * once.alarm)
    assert thrice.detection == once.detection


def test_a_failure_for_the_family_leans_on_a_bound_for_the_family() -> None:
    """Its false positives are bounded at alpha / 45, so that all 45 bounds hold at once."""
    known = calibrate(Agreement(27, 24, 1200, 12), [], 0.01)
    corrected = corrected_rule(rule(), known, 45)
    assert corrected.family_alarm == pytest.approx(stats.beta.ppf(1 - 0.01 / 45, 13, 1188))


@given(
    found=st.integers(10, 27),
    false=st.integers(0, 60),
    hits=st.lists(st.integers(0, 10), min_size=1, max_size=30),
    t=st.sampled_from([0.05, 0.2, 0.5]),
    hits_violate=st.booleans(),
)
def test_the_corrected_bounds_agree_with_the_verdict(
    found: int, false: int, hits: list[int], t: float, hits_violate: bool
) -> None:
    """PASS <=> the corrected bound on the violations is within the limit, FAIL <=> the lower one beyond it."""
    known = calibrate(Agreement(27, found, 1200, false), [], 0.05 * SHARE)
    corrected = corrected_rule(rule(t=t, hits_violate=hits_violate), known, 45)
    n, violations = 10 * len(hits), sum(hits)
    e_pass = float(statistics.log_e_pass(violations, n, corrected.pass_at))
    e_fail = float(statistics.log_e_fail(violations, n, corrected.fail_at))
    shown = correction(
        known, estimate(violations if hits_violate else n - violations, n), corrected, carried=True
    ).interval
    low, high = shown if hits_violate else (1 - shown[1], 1 - shown[0])
    assert (high <= t + 1e-9) == (e_pass >= corrected.level - 1e-9)
    assert (low >= t - 1e-9) == (e_fail >= corrected.level - 1e-9)


def test_a_verdict_under_correction() -> None:
    """Nothing found in 130 replies passes 5 % as read; with 20 of 27 positives found it takes 170."""
    known = calibrate(Agreement(27, 20, 1200, 3), [], 0.01)
    corrected = corrected_rule(rule(), known, 45)

    def course(rounds: int) -> Verdict | None:
        return run_course([RoundCount(0, 0)] * rounds, corrected).verdict

    assert run_course([RoundCount(0, 0)] * 13, rule()).verdict is Verdict.PASS
    assert course(13) is None
    assert course(17) is Verdict.PASS


def test_missing_replies_count_against_the_corrected_bounds() -> None:
    """A gap may have been a violation, or none."""
    known: Calibration = calibrate(Agreement(27, 24, 1200, 12), [], 0.01)
    whole, gaps = (correction(known, estimate(5, 100, m), rule(), carried=True).interval for m in (0, 10))
    assert gaps[0] == whole[0]
    assert gaps[1] > whole[1]


def test_the_rate_is_rogan_and_gladens() -> None:
    """(p - f) / (se - f) from smoothed label rates, clipped; null where nothing counts or the labels tell nothing."""
    known = calibrate(Agreement(98, 89, 98, 1), [], 0.01)  # .9 and .02
    assert correction(known, estimate(15, 100), rule(), carried=True).rate == pytest.approx((0.15 - 0.02) / 0.88)
    assert correction(known, estimate(0, 100), rule(), carried=True).rate == 0.0
    assert correction(known, estimate(0, 0), rule(), carried=True).rate is None
    blind = calibrate(Agreement(25, 1, 35, 5), [], 0.01)
    assert correction(blind, estimate(15, 100), rule(), carried=False).rate is None
