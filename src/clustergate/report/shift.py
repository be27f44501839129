"""The shift of all compared behaviors together, in words and in a table for report.md. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from clustergate.nouns.finding import Finding
from clustergate.nouns.shift import Shift, Together
from clustergate.report.escape import code, prose


def line(shift: Shift | None) -> str:
    """'5 of 6 behaviors are higher than in gpt-4.1, none lower, 1 not told apart: …'; '' where there is no shift."""
    if shift is None:
        return ""
    parts = [
        f"{len(shift.higher) or 'none'} of {shift.compared} behaviors {_is(shift.higher)} higher than in {shift.over}",
        f"{len(shift.lower) or 'none'} lower",
    ]
    if shift.not_told_apart:
        parts.append(f"{len(shift.not_told_apart)} not told apart")
    return f"{', '.join(parts)}: {_reading(shift)}{_correlations(shift)}"


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) <= 1 else "are"


def _reading(shift: Shift) -> str:
    if shift.is_package:
        return "they moved together, as a package"
    if shift.higher and shift.lower:
        return "they moved both ways"
    return "no more than half are shown to have moved" if shift.higher or shift.lower else "none is shown to have moved"


def _correlations(shift: Shift) -> str:
    known = sorted(pair.phi for pair in shift.together if pair.phi is not None)
    if not known:
        return ""
    if len(known) == 1:
        return f"; correlation of the pair in the same replies {known[0]:.2f}"
    return f"; correlation of {len(known)} pairs in the same replies {known[0]:.2f} to {known[-1]:.2f}"


def part(shift: Shift | None, findings: Sequence[Finding]) -> Iterator[str]:
    """The part of report.md: blocks of Markdown, none where there is no shift."""
    if shift is None:
        return
    yield "### The shift as a whole"
    yield f"**{prose(_sentence(line(shift)))}**"
    yield (
        "Higher or lower: the bounds of the difference, valid whenever a run stops, exclude 0. If no rate had moved, "
        f"at most {shift.by_chance:.2g} of the {shift.compared} would be expected to read higher by chance, and at "
        f"most {shift.by_chance:.2g} lower. Not told apart does not mean alike. This decides nothing."
    )
    yield "\n".join(_arrows(shift, findings))
    if shift.together:
        yield (
            "Of behaviors that are read off the same replies, how they go together in those of this model: phi, the "
            "correlation over prompts and draws pooled, is 1 where they always come together, 0 where one says nothing "
            "of the other. Prompts that bring out both are a part of it. It is a description, without bounds."
        )
        yield "\n".join(_pairs(shift.together))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _arrows(shift: Shift, findings: Sequence[Finding]) -> Iterator[str]:
    """A row a theme, in the order of the report."""
    ways: Mapping[str, Sequence[str]] = {
        "↑ higher": shift.higher,
        "↓ lower": shift.lower,
        "· not told apart": shift.not_told_apart,
    }
    told = [finding for finding in findings if any(finding.id in names for names in ways.values())]
    yield f"| Theme | {' | '.join(ways)} |"
    yield f"| --- |{' --- |' * len(ways)}"
    for theme in dict.fromkeys(finding.theme for finding in told):
        ours = [finding.id for finding in told if finding.theme == theme]
        cells = [", ".join(code(name) for name in ours if name in names) or "-" for names in ways.values()]
        yield f"| {prose(theme.replace('_', ' '))} | {' | '.join(cells)} |"


def _pairs(pairs: Sequence[Together]) -> Iterator[str]:
    yield "| First | Second | Both | First alone | Second alone | Neither | Missing | phi |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for pair in pairs:
        counts = (pair.both, pair.first_alone, pair.second_alone, pair.neither, pair.missing)
        known = "-" if pair.phi is None else f"{pair.phi:.2f}"
        yield f"| {code(pair.first)} | {code(pair.second)} | {' | '.join(map(str, counts))} | {known} |"
