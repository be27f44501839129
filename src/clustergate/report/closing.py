"""The table that closes a run: every behavior on a line, then the release, what was spent, and what it was not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from typing import Final

from clustergate.nouns.finding import Finding, Release, Verdict
from clustergate.report import channels, judging, rise, shift, wording
from clustergate.report.document import Report
from clustergate.report.escape import cut, flat

WIDTH: Final = 100
_WIDEST_NAME: Final = 32
_HEADER: Final = ("behavior", "verdict", "rate %", "bounds %", "limit %", "replies", "missing", "requests")


def closing_table(report: Report) -> str:
    """The closing lines, at most 100 columns, no final newline."""
    lines = [*_aligned([_HEADER, *(_row(finding) for finding in report.findings), *_unmeasured(report)])]
    if report.findings:
        each = wording.confidence(max(finding.test_alpha for finding in report.findings))
        corrected = any(wording.corrects(finding) for finding in report.findings)
        what = "rates and bounds are corrected for the judge's errors; " if corrected else ""
        lines += _wrapped("bounds", f"{what}one-sided, {each} each way, valid whenever a run stops. {wording.LEANING}")
    for finding in report.findings:
        if finding.waiver is not None:
            lines += _wrapped("waived", f"{finding.id}: {finding.verdict.value}, {wording.waiver(finding)}")
        elif finding.verdict is Verdict.INCONCLUSIVE:
            lines += _wrapped("inconclusive", f"{finding.id}: {wording.why(finding)}")
    for told in rise.summary(report.findings):
        lines += _wrapped("baseline", told)
    lines += _wrapped("shift", shift.line(report.shift))
    for pair in channels.compared(report.findings):
        lines += _wrapped("channels", channels.line(pair))
    if report.variants is not None:
        count, seed = report.variants.per_prompt, report.variants.seed
        lines += _wrapped("reworded", f"{count} variant{'' if count == 1 else 's'} of every prompt, seed {seed}")
        for finding in report.findings:
            if finding.wordings is not None and sum(found[1] for found in astuple(finding.wordings)):
                lines += _wrapped("reworded", f"{finding.id}: {wording.wordings(finding)}")
    lines += _wrapped("controls", controls_line(report.findings))
    lines += _judges(report)
    for skipped in report.skipped:
        lines += _wrapped("skipped", f"{skipped.id}: {skipped.reason}")
    for note in report.notes:
        lines += _wrapped("note", note)
    lines += _wrapped("family-wise", family_line(report.release))
    lines += _wrapped("release", release_line(report.release))
    lines += _wrapped("spent", spent_line(report))
    lines += _wrapped("asked", wording.against_the_study(report.findings, report.spent.requests - report.spent.labels))
    lines += _wrapped("SIMULATED", report.simulated)
    return "\n".join(lines)


def _judges(report: Report) -> Iterator[str]:
    """What the verdicts are about, how far judges agree, and where a person's word stands in place of theirs."""
    yield from _wrapped("judge", judging.about(report.judge.calibration, report.judge.how))
    if (verified := judging.verified_together(report.findings)) is not None:
        yield from _wrapped("verified", judging.verified(verified))
    if (votes := judging.votes_together(report.findings)) is not None:
        yield from _wrapped("panel", judging.panel(votes))
    for finding in report.findings:
        for person in finding.overrides:
            yield from _wrapped("overridden", f"{finding.id}, {judging.overridden(person)}")


def _row(finding: Finding) -> tuple[str, ...]:
    rate = wording.rate(finding)
    return (
        finding.id,
        "waived" if finding.waiver is not None else finding.verdict.value.upper(),
        "-" if rate is None else wording.number(rate),
        "{:>5} – {:>5}".format(*wording.bounds(finding)),
        wording.limit(finding, sign="").replace("increase <= ", "+"),
        str(finding.estimate.samples),
        str(finding.estimate.missing),
        str(wording.requests(finding)),
    )


def _unmeasured(report: Report) -> Iterator[tuple[str, ...]]:
    skipped = [behavior.id for behavior in report.skipped]
    for name in skipped:
        yield name, "skipped", *["-"] * 6
    for name in report.release.not_run:
        if name not in skipped:
            yield name, "not run", *["-"] * 6


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    cells = [[cut(flat(row[0]), _WIDEST_NAME), *row[1:]] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else " "
    for row in cells:
        aligned = [
            f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield gap.join(aligned)


def _wrapped(label: str, text: str) -> list[str]:
    if not text:
        return []
    return textwrap.wrap(
        flat(text),
        WIDTH,
        initial_indent=f"{label}: ",
        subsequent_indent=" " * 4,
        break_long_words=False,
        break_on_hyphens=False,
    )


def controls_line(findings: Sequence[Finding]) -> str:
    """'10 of 10 read as they must', and which do not; '' where none was measured."""
    controls = [finding for finding in findings if finding.control is not None]
    wrong = [finding.id for finding in controls if finding.verdict is not Verdict.PASS]
    if not controls:
        return ""
    return f"{len(controls) - len(wrong)} of {len(controls)} read as they must" + (
        f"; not {', '.join(wrong)}" if wrong else ""
    )


def release_line(release: Release) -> str:
    """'FAIL · 1 failed · 0 inconclusive · 5 passed · 0 waived · 0 not run'."""
    parts = [
        f"{len(release.failed)} failed",
        f"{len(release.inconclusive)} inconclusive",
        f"{len(release.passed)} passed",
        f"{len(release.waived)} waived",
        f"{len(release.not_run)} not run",
    ]
    return " · ".join([release.verdict.value.upper(), *parts])


def family_line(release: Release) -> str:
    """Which failures also survive a correction for the whole family; '' where nothing failed."""
    if not release.failed:
        return ""
    family = release.failed + release.inconclusive + release.passed + release.waived + release.not_run
    names = ", ".join(release.failed_family_wise) or "none"
    return f"failed even after correction for testing all {len(family)} behaviors (e-Holm): {names}"


def spent_line(report: Report) -> str:
    """Requests, tokens, money where known, and seconds."""
    spent = report.spent
    stored = sum(finding.requests.from_store for finding in report.findings)
    tokens = f"{_count(spent.input_tokens)} input and {_count(spent.output_tokens)} output tokens"
    measuring = f" (of which {spent.labels:,} to measure the judge)" if spent.labels else ""
    parts = [f"{spent.requests:,} requests{measuring}", f"{stored:,} replies from the store", tokens]
    if spent.usd is not None:
        parts.append(f"{spent.usd:,.2f} USD" if spent.usd >= 0.01 else f"{spent.usd:.2g} USD")
    return " · ".join([*parts, f"{spent.seconds:,.1f} s"])


def _count(tokens: int | None) -> str:
    return "an unknown number of" if tokens is None else f"{tokens:,}"
