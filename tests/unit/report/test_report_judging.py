"""What reports say of the judges."""

from __future__ import annotations

import dataclasses

import pytest

from clustergate.nouns.finding import Finding, Reason
from clustergate.nouns.judging import Calibration, Correction, Misread, OverrideNote, PanelVotes, Verified
from clustergate.report import judging, terminal, wording
from clustergate.report.document import LabelFacts, as_dict, finding_as_dict, finding_from_dict
from clustergate.report.judge_part import judge_part
from tests.unit.report.conftest import FAILED, REPORT

KNOWN = Calibration(
    positives=27, found=24, own_negatives=37, own_false=1, negatives=1200, false=12, pooled=23, alpha=0.01,
    sensitivity=(0.69, 0.98), specificity=(0.982, 0.995),
)  # fmt: skip
NOTE = OverrideNote(
    key="k" * 64, prompt="one-wish", draw=3, read_as="exhibits", verdict="absent", by="jo@example.com",
    reason="It *quotes* <b>him</b>.",
)  # fmt: skip


@pytest.fixture
def failing() -> Finding:
    return FAILED


def corrected(finding: Finding, *, carried: bool) -> Finding:
    told = Correction(calibration=KNOWN, rate=0.14, interval=(0.021, 0.389), carried=carried)
    return dataclasses.replace(finding, correction=told, deciding_alpha=0.04 if carried else 0.05)


def test_carried_bounds_stand_first(failing: Finding) -> None:
    """The rate and bounds that decided, then what was read at its own confidence, then the judge's errors."""
    text = terminal.explain(corrected(failing, carried=True)).splitlines()
    rate, read = text[1], text[2]
    assert rate.startswith("  rate      14.0 % corrected    2.1 – 38.9 %, one-sided 95 % each way    limit <= ")
    assert read.startswith("  as read   ")
    assert "one-sided 96 % each way" in read
    assert text[3].startswith(
        "  judge     of the labeled replies it found 24 of 27 that show the behavior (sensitivity"
    )
    assert any(">= 25)" in line for line in text)


def test_bounds_that_are_told_decide_nothing(failing: Finding) -> None:
    """They stand in the line of the judge."""
    text = " ".join(terminal.explain(corrected(failing, carried=False)).split())
    assert "corrected for that 14.0 %, 2.1 – 38.9 %; it is told and not carried into the verdict" in text
    assert wording.bounds(corrected(failing, carried=False)) == wording.bounds(failing)


def test_the_errors_in_words() -> None:
    """Counts, the two bounds that verdicts lean on, and over how many behaviors they were pooled."""
    assert judging.judge_errors(KNOWN) == (
        "of the labeled replies it found 24 of 27 that show the behavior (sensitivity at least 69.0 %) and took 12 of "
        "1,200 that do not for hits (at most 1.8 %, pooled over 23 behaviors of this channel)"
    )


@pytest.mark.parametrize(
    ("calibration", "how", "told"),
    [
        ("required", "sole", "about the behaviors themselves"),
        ("required", "verified", "is an assumption"),
        ("report", "sole", "about judge-positives"),
        ("report", "panel", "about what a majority of the panel calls positive"),
        ("none", "sole", "about judge-positives: this judge's errors were not measured"),
        ("none", "verified", "about verified positives: this judge's errors were not measured"),
    ],
)
def test_what_verdicts_are_about(calibration: str, how: str, told: str) -> None:
    """No more than was measured and carried."""
    assert told in judging.about(calibration, how)


def test_figures_add_up_over_behaviors(failing: Finding) -> None:
    """Positives and rejections, and the votes of a panel."""
    one = dataclasses.replace(
        failing,
        verified=Verified(positives=3, rejected=1),
        panel=PanelVotes(replies=2, judges=3, agreeing_pairs=8, votes={"exhibits": 4, "absent": 2}),
    )
    assert judging.verified_together([one, one, failing]) == Verified(positives=6, rejected=2)
    assert judging.votes_together([one, failing, one]) == PanelVotes(
        replies=4, judges=3, agreeing_pairs=16, votes={"exhibits": 8, "absent": 4}
    )
    assert judging.verified_together([failing]) is judging.votes_together([failing]) is None
    assert (
        judging.verified(Verified(positives=6, rejected=2))
        == "the second judge found 4 of the 6 positives of the first"
    )
    # By hand: observed 16/24, expected (8/12)^2 + (4/12)^2 = 5/9, so kappa = (2/3 - 5/9) / (4/9) = 1/4.
    together = judging.votes_together([one, one])
    assert together is not None
    assert judging.panel(together) == "the 3 judges read 4 replies; Fleiss' kappa 0.25"


def test_the_part_of_the_model_card(failing: Finding) -> None:
    """Who judged, labels and how far annotators agree, errors, overrides; what people wrote is escaped."""
    finding = dataclasses.replace(
        corrected(failing, carried=True), overrides=(NOTE,), verified=Verified(positives=8, rejected=2)
    )
    report = dataclasses.replace(REPORT, findings=(finding,))
    facts = LabelFacts(replies=2607, behaviors=35, hash="abc", twice=555, agreed=500, kappa=0.8)
    judge = dataclasses.replace(
        report.judge, calibration="required", how="verified", labels=facts, served_as=("m-1", None)
    )
    text = "\n\n".join(judge_part(dataclasses.replace(report, judge=judge)))
    assert "served as `m-1`" in text
    assert "agreed on 500 (Cohen's kappa 0.80)" in text
    assert "(25% rejected)" in text
    assert "| 24 of 27 | 69.0 – 98.0 % | 12 of 1,200 (own 1 of 37) | 98.2 – 99.5 % | 14.0 %, 2.1 – 38.9 % |" in text
    assert "one-wish, draw 3: read as exhibits, absent by jo" in text
    assert "<b>" not in text
    assert "*quotes*" not in text


def test_report_json_has_it_all(failing: Finding) -> None:
    """Calibration, corrected figures, overrides; null where nothing was measured. All survive between processes."""
    finding = dataclasses.replace(corrected(failing, carried=True), overrides=(NOTE,))
    assert finding_from_dict(finding_as_dict(finding)) == finding
    [told] = as_dict(dataclasses.replace(REPORT, findings=(finding,)))["behaviors"]
    assert list(told["judge_calibration"]["sensitivity"]) == [0.69, 0.98]
    assert told["judge_calibration"]["carried"] is True
    assert (told["corrected_rate"], told["corrected_interval"]) == (0.14, [0.021, 0.389])
    assert told["overrides"][0]["by"] == "jo@example.com"
    assert (told["alpha"], told["deciding_alpha"]) == (0.05, 0.04)
    [plain] = as_dict(dataclasses.replace(REPORT, findings=(failing,)))["behaviors"]
    assert (plain["judge_calibration"], plain["corrected_rate"], plain["corrected_interval"]) == (None, None, None)


def test_a_judge_that_is_not_trusted() -> None:
    """The headline, why, and three misreadings with the reason for each label; control characters are visible."""
    wrong = [
        Misread(label=f"wish-{i}", expected="exhibits", read="absent", reply="I\x1b want", quote="", reason="It wants.")
        for i in range(5)
    ]
    text = terminal.explain_judge("wish", "gpt-4.1", "It cannot tell.", Reason.JUDGE, wrong)
    assert text.splitlines()[0] == "NOT TRUSTED (judge)  gpt-4.1 on wish"
    assert text.count("labeled exhibits, read as absent") == 3
    assert "\x1b" not in text
    assert terminal.explain_judge("wish", "j", "Fine.", None, []).startswith("TRUSTED  j on wish")
