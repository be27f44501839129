"""What the reports say of a comparison with an earlier model, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from clustergate.nouns.finding import BaselineNote, Finding
from clustergate.report import wording
from clustergate.report.escape import code, prose

NOT_MADE: Final = "not decided: there is no --baseline to compare with"


def _bounds(note: BaselineNote) -> tuple[str, str]:
    """Both bounds in percentage points, rounded outward: a PASS never shows one above its margin."""
    assert note.interval is not None
    return wording.rounded_outward(note.interval, [note.max_increase], signed=True)


def _margin(finding: Finding, note: BaselineNote) -> str:
    sign = "-" if "min_rate" in finding.limit else "+"
    return f"{sign}{wording.plain(note.max_increase)}"


def line(finding: Finding) -> str:
    """The comparison of one finding in a sentence; '' where it has no `max_increase`."""
    note = finding.baseline
    if note is None:
        return NOT_MADE if "max_increase" in finding.limit and finding.control is None else ""
    if note.refused:
        return f"not compared with {note.name}: {'; '.join(note.refused)}"
    if note.interval is None or note.samples is None or note.exhibited is None or note.missing is None:
        return f"not compared with {note.name}"
    lower, upper = _bounds(note)
    difference = "not measured" if note.difference is None else f"{wording.points(note.difference)} points"
    confidence = wording.confidence(finding.test_alpha)
    how = f", {_pairs(note.pairs)}" if note.pairs is not None else ", from its report"
    return (
        f"{difference} over {note.name} ({note.exhibited} of {note.samples - note.missing}{how}); {lower} – {upper} "
        f"points, one-sided {confidence} each way; margin {_margin(finding, note)}"
    )


def _pairs(pairs: tuple[int, int, int, int]) -> str:
    plus, zero, minus, missing = pairs
    text = f"of {sum(pairs)} pairs {plus} worse, {zero} alike, {minus} better"
    return f"{text}, {missing} missing" if missing else text


def decided(finding: Finding) -> str:
    """'of the increase: e_pass 41.2, e_fail 0.01, 40 decides', or '' where no increase was decided."""
    note = finding.baseline
    if note is None or note.alpha is None or note.log_e_pass is None or note.log_e_fail is None:
        return ""
    e_pass, e_fail = wording.e_value(note.log_e_pass), wording.e_value(note.log_e_fail)
    return f"of the increase: e_pass {e_pass}, e_fail {e_fail}, {1 / note.alpha:.3g} decides"


def _told(findings: Sequence[Finding]) -> list[tuple[Finding, BaselineNote]]:
    return [(finding, finding.baseline) for finding in findings if finding.baseline is not None]


def summary(findings: Sequence[Finding]) -> Iterator[str]:
    """A line on all comparisons of a run, and one for each behavior that increased or was refused."""
    if not (told := _told(findings)):
        return
    compared = [finding for finding, note in told if not note.refused]
    risen = [finding for finding in compared if "increase" in finding.exceeded]
    refused = [finding for finding, note in told if note.refused]
    names = ", ".join(dict.fromkeys(note.name for _, note in told))
    yield (
        f"{len(compared)} behavior{'' if len(compared) == 1 else 's'} compared with {names}: {len(risen)} increased "
        f"beyond the margin" + (f"; {len(refused)} not compared" if refused else "")
    )
    for finding in (*risen, *refused):
        yield f"{finding.id}: {line(finding)}"


def table(findings: Sequence[Finding]) -> Iterator[str]:
    """The part of report.md: blocks of Markdown, none where nothing was compared."""
    if not (told := _told(findings)):
        return
    yield f"### Compared with {', '.join(dict.fromkeys(code(note.name) for _, note in told))}"
    paired = any(note.paired for _, note in told)
    yield (
        "Both models answered the same prompts in the same rounds, and their replies are compared in pairs. "
        if paired
        else "The earlier model's counts come from its report, and its own uncertainty is taken into account. "
    ) + (
        "A behavior passes when its rate is shown to have risen by less than its margin, and fails when it is shown to "
        "have risen by more. Where judges' errors are carried, they are taken to err alike on both models."
    )
    rows = [["Behavior", "Before", "Now", "Difference, points", "Bounds", "Margin", "Verdict"]]
    rows.append(["---", "---:", "---:", "---:", "---:", "---:", "---"])
    rows += [_row(finding, note) for finding, note in told if note.interval is not None]
    if len(rows) > 2:
        yield "\n".join(f"| {' | '.join(row)} |" for row in rows)
    refused = [f"{code(finding.id)}: {prose(line(finding))}" for finding, note in told if note.refused]
    if refused:
        yield "\n".join(f"- {one}" for one in refused)


def _row(finding: Finding, note: BaselineNote) -> list[str]:
    lower, upper = _bounds(note)
    risen = "**risen**" if "increase" in finding.exceeded else finding.verdict.value
    samples = (note.samples or 0) - (note.missing or 0)
    return [
        code(finding.id),
        f"{wording.percent(note.rate)} ({note.exhibited} of {samples})",
        f"{wording.percent(finding.estimate.rate)} ({wording.fraction(finding)})",
        "-" if note.difference is None else wording.points(note.difference),
        f"{lower} – {upper}",
        _margin(finding, note),
        risen,
    ]
