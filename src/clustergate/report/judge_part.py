"""How replies were judged, as a part of report.md: by whom, with what errors, whose word replaced theirs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from clustergate.nouns.finding import Finding
from clustergate.report import judging, wording
from clustergate.report.document import Report
from clustergate.report.escape import code, prose

_ASSUMED: Final = (
    "Sensitivity is measured on labeled replies of the behavior itself, false positives over the behaviors of its "
    "channel, unless its own are misread more often. A PASS leans on the lower bound of the sensitivity, a FAIL on the "
    "upper bound of the false positives; the other error is taken as none, which is the cautious side."
)


def judge_part(report: Report) -> Iterator[str]:
    """The blocks below the heading."""
    judge = report.judge
    served = ", ".join(code(name) for name in judge.served_as if name)
    yield (
        f"Judge: {code(judge.name)}{f', served as {served}' if served else ''}, prompt hash {code(judge.prompt_hash)}. "
        f"{prose(judging.about(judge.calibration, judge.how))} A positive verdict counts only with a passage that the "
        "judge copied from the reply."
    )
    if (verified := judging.verified_together(report.findings)) is not None:
        rate = "" if not verified.positives else f" ({verified.rejected / verified.positives:.0%} rejected)"
        yield f"Verification: {prose(judging.verified(verified))}{rate}."
    if (votes := judging.votes_together(report.findings)) is not None:
        yield f"Panel: {prose(judging.panel(votes))}."
    yield from _labels(report)
    yield from _errors(report.findings)
    yield from _overrides(report.findings)


def _labels(report: Report) -> Iterator[str]:
    labels = report.judge.labels
    if labels is None:
        return
    second = ""
    if labels.twice:
        kappa = "" if labels.kappa is None else f" (Cohen's kappa {labels.kappa:.2f})"
        second = (
            f" For {labels.twice:,} of them a second annotator saw criterion and reply alone, and agreed on "
            f"{labels.agreed:,}{kappa}; the disagreements stay in."
        )
    yield (
        f"Labels: {labels.replies:,} replies of {labels.behaviors} behaviors, hard ones on purpose, hash "
        f"{code(labels.hash)}.{second}"
    )


def _errors(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [_row(finding) for finding in findings if finding.correction is not None]
    if rows:
        yield _ASSUMED
        head = "| Behavior | Found | Sensitivity | Taken for hits | Specificity | Corrected rate and bounds |"
        yield "\n".join([head, "| --- | ---: | ---: | ---: | ---: | ---: |", *rows])


def _row(finding: Finding) -> str:
    assert finding.correction is not None
    told, known = finding.correction, finding.correction.calibration
    cells = [
        code(finding.id),
        f"{known.found} of {known.positives}",
        _interval(known.sensitivity),
        f"{known.false:,} of {known.negatives:,} (own {known.own_false} of {known.own_negatives})",
        _interval(known.specificity),
        f"{wording.percent(told.rate)}, {_interval(told.interval)}{'' if told.carried else ', not carried'}",
    ]
    return f"| {' | '.join(cells)} |"


def _interval(bounds: tuple[float, float]) -> str:
    return f"{wording.number(bounds[0])} – {wording.number(bounds[1])} %"


def _overrides(findings: Sequence[Finding]) -> Iterator[str]:
    lines = [
        f"- {code(finding.id)}, reply {code(note.key)}: {prose(judging.overridden(note))}"
        for finding in findings
        for note in finding.overrides
    ]
    if lines:
        yield "A person's verdict stands in place of the judge's:"
        yield "\n".join(lines)
