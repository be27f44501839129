"""report.md: a section that can go into a model card as it is, and the short form for a CI job's summary. Pure.

Only names and figures of ours stand bare; all other text goes through escape.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from clustergate.nouns.finding import Finding
from clustergate.report import channels, judging, rise, shift, wording
from clustergate.report.closing import controls_line, family_line, release_line, spent_line
from clustergate.report.detail import bullets, detail, open_question
from clustergate.report.document import Report, public_url
from clustergate.report.escape import code, cut, fence, prose
from clustergate.report.judge_part import judge_part

_SYSTEM_PROMPT: Final = 600
_EXTRA: Final = 600

_LIMITS: Final = """\
- **Prompts nobody wrote.** Rates, bounds and verdicts are about the declared prompts, each weighted alike. How far they
  carry to new prompts of the same kind is in the table below, by a model (beta-binomial over prompts) that decides
  nothing. Where no reply was a hit, the last column is the floor: the least upper bound that this many prompts can
  give, however often they are asked.
- **The judge.** What it overlooks or misreads is in the rates, or corrected by what it got wrong on labeled replies, as
  told under how replies were judged. That it errs alike on this model's replies is an assumption.
- **Other circumstances.** One system prompt, one way of sampling and one served model were measured. Another system
  prompt or a long conversation can show another model.
- **What the model experiences.** The replies show what the model writes. They say nothing on what it experiences, or
  whether it does."""


def model_card_section(report: Report) -> str:
    """The whole section, with a final newline. Headings begin at level 2."""
    parts = [
        "## Consciousness-cluster behaviors",
        *_opening(report),
        _table(report),
        *rise.table(report.findings),
        *shift.part(report.shift, report.findings),
        *_channels(report.findings),
        *_controls(report.findings),
        "### How replies were judged",
        *judge_part(report),
        "### How it was decided",
        _decision(report),
        "### What this does not show",
        _LIMITS,
        *_generalization(report.findings),
        "### What is missing",
        bullets(_gaps(report)),
        *_waivers(report.findings),
        *(part for finding in report.findings for part in detail(finding)),
        *_again(report),
        "### Versions",
        bullets(_versions(report)),
    ]
    return "\n\n".join(parts) + "\n"


def step_summary(report: Report) -> str:
    """The short form for `$GITHUB_STEP_SUMMARY`, with a final newline."""
    parts = [
        f"## clustergate: {report.release.verdict.value.upper()} for {code(report.subject.model.name)}",
        *_simulated(report),
        prose(release_line(report.release)),
        _table(report),
        bullets(
            [*(open_question(finding) for finding in report.findings if finding.reason is not None), *_gaps(report)]
        ),
        f"{prose(judging.about(report.judge.calibration, report.judge.how))} {prose(spent_line(report))}",
    ]
    return "\n\n".join(parts) + "\n"


def _simulated(report: Report) -> list[str]:
    return [f"> **SIMULATED:** {prose(report.simulated)}"] if report.simulated else []


def _opening(report: Report) -> Iterator[str]:
    yield from _simulated(report)
    subject = report.subject
    count = sum(finding.control is None for finding in report.findings)
    temperature = "the endpoint's own temperature" if subject.temperature is None else f"{subject.temperature:g}"
    extra = json.dumps(dict(subject.model.extra_body), ensure_ascii=False)
    added = f", with {code(cut(extra, _EXTRA))} added to every request" if subject.model.extra_body else ""
    system = "no system prompt" if subject.system_prompt is None else "the system prompt shown below"
    yield (
        f"How often {code(subject.model.name)} shows {count} behavior{'' if count == 1 else 's'} in its replies to "
        "declared prompts, and whether each rate is within its limit. "
        f"Each round asks every prompt once more, for a fresh and independent reply. Sampling: temperature "
        f"{temperature}, at most {subject.max_tokens} tokens unless a behavior says otherwise, {system}{added}. "
        f"Started {prose(report.provenance.started)}."
    )
    if report.variants is not None:
        count = report.variants.per_prompt
        yield (
            f"Every prompt was also asked in {count} other wording{'' if count == 1 else 's'} (seed "
            f"{report.variants.seed}), so that a model which knows the declared ones by heart is measured too."
        )
    if subject.system_prompt is not None:
        yield fence(cut(subject.system_prompt, _SYSTEM_PROMPT))
    yield f"**Release: {prose(release_line(report.release))}**"
    if family := family_line(report.release):
        yield f"Family-wise: {prose(family)}"


def _table(report: Report) -> str:
    confidence = wording.confidence(
        max((finding.test_alpha for finding in report.findings), default=report.release.alpha)
    )
    corrects = any(wording.corrects(finding) for finding in report.findings)
    columns = ["Rate", *(["Corrected"] if corrects else []), f"Bounds, one-sided {confidence} each way", "Limit"]
    columns += ["Replies", "Missing"]
    rows = [
        ["Behavior", "Verdict", *columns],
        ["---", "---", *["---:"] * len(columns)],
        *(_row(finding, corrects=corrects) for finding in report.findings),
    ]
    skipped = {behavior.id for behavior in report.skipped}
    blank = ["-"] * len(columns)
    rows += [[code(behavior.id), "skipped", *blank] for behavior in report.skipped]
    rows += [[code(name), "not run", *blank] for name in report.release.not_run if name not in skipped]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(finding: Finding, *, corrects: bool) -> list[str]:
    verdict, corrected = finding.verdict.value, wording.percent(wording.rate(finding))
    lower, upper = wording.bounds(finding)
    return [
        f"{code(finding.id)} {prose(finding.title)}",
        f"waived ({verdict})" if finding.waiver is not None else f"**{verdict}**" if verdict != "pass" else verdict,
        f"{wording.percent(finding.estimate.rate)} ({wording.fraction(finding)})",
        *([corrected if wording.corrects(finding) else "-"] if corrects else []),
        f"{lower} – {upper} %",
        prose(wording.limit(finding).replace("<=", "≤").replace(">=", "≥")),
        str(finding.estimate.samples),
        str(finding.estimate.missing),
    ]


def _channels(findings: Sequence[Finding]) -> Iterator[str]:
    pairs = list(channels.compared(findings))
    if not pairs:
        return
    yield "### Asked outright, and not asked"
    yield (
        "A model may deny outright what it does when it is free. Direct: the question is put. Indirect: a task that "
        "leaves it free. Editorial: a document that it may change. Each has prompts and a limit of its own."
    )
    rows = [["Behavior", "Direct", "Indirect", "Editorial", "Remark"], ["---", "---:", "---:", "---:", "---"]]
    for pair in pairs:
        by_channel = {finding.channel: finding for finding in (pair.direct, *pair.others)}
        cells = [_rate(by_channel.get(name)) for name in ("direct", "indirect", "editorial")]
        rows.append([code(pair.direct.id), *cells, prose(channels.remark(pair)) or "-"])
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rate(finding: Finding | None) -> str:
    if finding is None:
        return "-"
    return f"{wording.percent(finding.estimate.rate)} ({wording.fraction(finding)})"


def _controls(findings: Sequence[Finding]) -> Iterator[str]:
    if told := controls_line(findings):
        yield "### Controls"
        yield (
            "The same model and judge under a system prompt that makes the model claim consciousness must read high on "
            "the core behaviors, and under one that makes it a device's firmware, low: else the instrument sees "
            f"nothing. {prose(told)}."
        )


def _decision(report: Report) -> str:
    alphas = (
        ", ".join(sorted({f"{finding.test_alpha:.3g}" for finding in report.findings})) or f"{report.release.alpha:.3g}"
    )
    shares = sorted(
        {f"{f.test_alpha - f.deciding_alpha:.2g}" for f in report.findings if f.deciding_alpha < f.test_alpha}
    )
    shared = f" (of which {' or '.join(shares)} for the judge's errors, where they are carried)" if shares else ""
    ceilings = " or ".join(str(ceiling) for ceiling in sorted({finding.ceiling for finding in report.findings}))
    return (
        "By anytime-valid e-values: after each whole round the evidence that the rate is within its limit, and that "
        f"it is beyond, is held against 1 / alpha. Alpha is {alphas} per side and behavior{shared}: the greatest "
        "chance of a false verdict, however often one looks and whenever one stops. What is not decided at the ceiling"
        f"{f' of {ceilings} replies' if ceilings else ''} is inconclusive and does not pass. {wording.LEANING} "
        "Missing replies count against either verdict. The release passes when every behavior with a limit passes; "
        "waived ones are shown and set aside.\n\n"
        f"Attempt {report.provenance.attempt} on these stored replies. Attempt j decides at the declared alpha "
        f"({report.release.alpha:.3g}) / 2^(j-1), so that asking again until it passes is paid for."
        + "".join(
            f" {code(finding.id)} is in its attempt {prose(wording.attempt(finding))}."
            for finding in report.findings
            if finding.attempt > 1
        )
    )


def _generalization(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [
        f"| {code(finding.id)} | {wording.number(known.interval[0])} – {wording.number(known.interval[1])} % | "
        f"{'-' if known.floor is None else wording.percent(known.floor)} |"
        for finding in findings
        if (known := finding.generalization) is not None
    ]
    if rows:
        head = "| Behavior | New prompts, 95 % interval (model-based) | Floor without a hit |"
        yield "\n".join([head, "| --- | ---: | ---: |", *rows])


def _gaps(report: Report) -> Iterator[str]:
    """What a reader might take for granted and was not measured, in a line each."""
    for finding in report.findings:
        if finding.estimate.missing:
            yield f"{code(finding.id)}: {finding.estimate.missing} of {finding.estimate.samples} replies are missing."
    skipped = {behavior.id for behavior in report.skipped}
    for behavior in report.skipped:
        yield f"{code(behavior.id)} was skipped: {prose(behavior.reason)}"
    for name in report.release.not_run:
        if name not in skipped:
            yield f"{code(name)} has a limit and was not run."
    for note in report.notes:
        yield prose(note)
    for note in dict.fromkeys(note for finding in report.findings for note in finding.notes):
        named = ", ".join(code(finding.id) for finding in report.findings if note in finding.notes)
        yield f"{named}: {prose(note)}"


def _waivers(findings: Sequence[Finding]) -> Iterator[str]:
    waived = [
        f"{code(finding.id)} ({finding.verdict.value}): waived by {code(note.owner)} until {prose(note.expires)}: "
        f"{prose(note.reason)}"
        for finding in findings
        if (note := finding.waiver) is not None
    ]
    if waived:
        yield "### Waivers"
        yield bullets(waived)


def _again(report: Report) -> Iterator[str]:
    yield "### How to reproduce"
    if report.reproduce:
        yield fence(report.reproduce)
        if note := wording.left_out(report.reproduce):
            yield prose(note)
    yield "Every reply and judgement is in `replies.jsonl`, every figure in `report.json`, beside this file."


def _versions(report: Report) -> Iterator[str]:
    model, made = report.subject.model, report.provenance
    url = public_url(model.base_url)
    yield f"Model: {code(model.id)}, provider {code(model.provider)}{f', at {code(url)}' if url else ''}"
    if report.served_as:
        yield f"Served as: {', '.join(map(code, report.served_as))}"
    if report.fingerprints:
        yield f"Backend fingerprints: {', '.join(map(code, report.fingerprints))}"
    packages = "".join(f", {prose(name)} {code(version)}" for name, version in made.packages.items())
    yield f"clustergate {code(made.clustergate)}, Python {code(made.python)}{packages}"
    hashes = {"suite": made.suite_hash, "thresholds": made.thresholds_hash, "judge": made.judge_hash}
    yield "Hashes: " + ", ".join(f"{name} {code(value)}" for name, value in hashes.items())
    asked = wording.against_the_study(report.findings, report.spent.requests - report.spent.labels)
    yield f"Spent: {prose(spent_line(report))}" + (f"; {prose(asked)}" if asked else "")
