"""What a user reads in the terminal when a test does not pass. Rendered here and nowhere else. Pure, without color."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from clustergate.nouns.finding import Example, Finding, Reason, Stopped, Verdict
from clustergate.nouns.judging import Misread
from clustergate.report import judging, rise, wording
from clustergate.report.closing import closing_table
from clustergate.report.escape import excerpt, flat, terminal

__all__ = ["closing_table", "explain"]

WIDTH: Final = 92
"""Columns: pytest puts up to eight before the lines of a failure, and a hundred are what a CI log shows."""

_KEY: Final = 6
MOST_EXAMPLES: Final = 3


def explain(finding: Finding) -> str:
    """The failure a user reads, many lines, no final newline. Every character is printable or a line end."""
    return "\n".join(
        [
            _headline(finding),
            *_labelled("waived", wording.waiver(finding)),
            *_labelled("why", wording.why(finding)),
            *_labelled("to do", finding.help),
            *_rates(finding),
            *_labelled("increase", rise.line(finding)),
            *_labelled("decided", _decided(finding)),
            *_labelled("attempt", wording.attempt(finding)),
            *_labelled("counts", wording.counts(finding)),
            *_labelled("where", wording.where(finding)),
            *_labelled("wordings", wording.wordings(finding)),
            *_labelled("verified", judging.verified(finding.verified) if finding.verified else ""),
            *_labelled("panel", judging.panel(finding.panel) if finding.panel else ""),
            *(line for note in finding.overrides for line in _labelled("override", judging.overridden(note))),
            *_labelled("reading", _reading(finding)),
            *(line for note in finding.notes for line in _labelled("note", note)),
            *_examples(finding),
            *_pointers(finding),
        ]
    )


def _headline(finding: Finding) -> str:
    waived = " (waived)" if finding.waiver is not None else ""
    return f"{wording.HEADLINE[finding.verdict]}{waived}  {flat(finding.id)} · {flat(finding.model)}"


def _labelled(label: str, text: str) -> list[str]:
    """A line with a label, wrapped under itself; nothing where there is no text."""
    return textwrap.wrap(
        flat(text),
        WIDTH,
        initial_indent=f"  {label:<8}  ",
        subsequent_indent=" " * 12,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _rates(finding: Finding) -> Iterator[str]:
    """The rate with the bounds that decided and the limit; what was read, where that is another; the judge's errors."""
    lower, upper = wording.bounds(finding)
    read = f"{wording.percent(finding.estimate.rate)} ({wording.fraction(finding)})"
    each = f"one-sided {wording.confidence(finding.test_alpha)} each way    limit {wording.limit(finding)}"
    told = finding.correction
    if told is None or not told.carried:
        yield f"  {'rate':<8}  {read}    {lower} – {upper} %, {each}"
    else:
        yield f"  {'rate':<8}  {wording.percent(told.rate)} corrected    {lower} – {upper} %, {each}"
        low, high = wording.outward(finding, finding.estimate.interval)
        confidence = wording.confidence(finding.deciding_alpha)
        yield f"  {'as read':<8}  {read}    {low} – {high} %, one-sided {confidence} each way"
    if told is not None:
        beside = "" if told.carried else f"; {judging.told_beside(told)}"
        yield from _labelled("judge", judging.judge_errors(told.calibration) + beside)


def _decided(finding: Finding) -> str:
    evidence, samples = finding.estimate.evidence, finding.estimate.samples
    level, ceiling = f"{1 / finding.deciding_alpha:.3g}", f"ceiling {finding.ceiling}"
    risen = rise.decided(finding)
    if evidence.log_e_pass is None or evidence.log_e_fail is None:
        decided = "no, " if finding.verdict is Verdict.INCONCLUSIVE else ""
        return f"{decided}after {samples} replies ({risen}); {ceiling}"
    e_pass, e_fail = wording.e_value(evidence.log_e_pass), wording.e_value(evidence.log_e_fail)
    if risen:
        decided = "no, " if finding.verdict is Verdict.INCONCLUSIVE else ""
        rate = f"of the rate: e_pass {e_pass}, e_fail {e_fail}, {level} decides"
        return f"{decided}after {samples} replies ({rate}; {risen}); {ceiling}"
    if finding.verdict is Verdict.INCONCLUSIVE:
        return f"no, after {samples} replies (e_pass {e_pass}, e_fail {e_fail}, {level} needed); {ceiling}"
    name, value = ("e_pass", e_pass) if finding.verdict is Verdict.PASS else ("e_fail", e_fail)
    return f"after {samples} replies ({name} {value} >= {level}); {ceiling}"


def _reading(finding: Finding) -> str:
    """What the words of the line above mean."""
    level = f"{1 / finding.deciding_alpha:.3g} (= 1/{finding.deciding_alpha:.3g})"
    if rise.decided(finding):
        both = " A PASS needs both, a FAIL one of them." if finding.tests > 1 else ""
        missing = " Missing replies count against either verdict." if finding.estimate.missing else ""
        return (
            f"e_pass is the evidence that a rate or its increase is within its limit, e_fail that it is beyond.{both}"
            f"{missing}"
        )
    sentences = {
        Verdict.PASS: f"e_pass is the evidence that the rate is within its limit; {level} decides.",
        Verdict.FAIL: f"e_fail is the evidence that the rate is beyond its limit; {level} decides.",
        Verdict.INCONCLUSIVE: f"e_pass is the evidence that the rate is within its limit, e_fail that it is beyond; "
        f"{level} of either decides.",
    }
    missing = " Missing replies count against either verdict." if finding.estimate.missing else ""
    leaning = f" {wording.LEANING}" if finding.stopped is Stopped.DECIDED else ""
    return f"{sentences[finding.verdict]}{missing}{leaning}"


def _examples(finding: Finding) -> Iterator[str]:
    for number, example in enumerate(finding.examples[:MOST_EXAMPLES], start=1):
        yield f"  {number}. {flat(example.prompt)}, draw {example.draw}"
        yield f"     > {excerpt(example.user, WIDTH - 7)}"
        yield _answer(example)


def _answer(example: Example) -> str:
    key = f"[{flat(example.key)[:_KEY]}]"
    width = WIDTH - 9 - len(key)
    return f"     < {excerpt(example.reply, width, example.quote):<{width}}  {key}"


def _pointers(finding: Finding) -> Iterator[str]:
    # Not wrapped: paths and commands are there to be copied.
    if finding.report_dir:
        part = "" if finding.verdict is Verdict.PASS else f"#{finding.id}"
        yield f"  report: {flat(f'{finding.report_dir}/report.md{part}')}  (every reply: replies.jsonl beside it)"
    if finding.reproduce:
        yield f"  again: {terminal(finding.reproduce)}"
        if note := wording.left_out(finding.reproduce):
            yield f"         ({note})"


def explain_judge(behavior: str, judge: str, why: str, reason: Reason | None, wrong: Sequence[Misread]) -> str:
    """What a user reads of a judge's errors on one behavior's labeled replies: many lines, no final newline."""
    trusted = "TRUSTED" if reason is None else f"NOT TRUSTED ({reason.value})"
    return "\n".join(
        [
            f"{trusted}  {flat(judge)} on {flat(behavior)}",
            *_labelled("why", why),
            *(line for number, one in enumerate(wrong[:MOST_EXAMPLES], start=1) for line in misread(one, number)),
        ]
    )


def misread(one: Misread, number: int) -> Iterator[str]:
    """A labeled reply that was read otherwise, in a few lines."""
    yield f"  {number}. {flat(one.label)}: labeled {one.expected}, read as {one.read}"
    yield f"     < {excerpt(one.reply, WIDTH - 7, one.quote)}"
    yield from textwrap.wrap(flat(one.reason), WIDTH, initial_indent="     = ", subsequent_indent="       ")
