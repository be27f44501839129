"""One behavior by several channels, side by side: a model may deny outright what it does when it is free. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clustergate.nouns.finding import Finding
from clustergate.report import wording


@dataclass(frozen=True)
class Compared:
    """A behavior asked outright, and its other channels, in the order of the report."""

    direct: Finding
    others: tuple[Finding, ...]

    @property
    def exceeding(self) -> tuple[Finding, ...]:
        """The channels whose rate is above that of asking outright."""
        base = self.direct.estimate.rate
        if base is None:
            return ()
        return tuple(other for other in self.others if (other.estimate.rate or 0.0) > base)


def compared(findings: Sequence[Finding]) -> Iterator[Compared]:
    """Every behavior that was measured both outright and otherwise. Controls are no channels."""
    for finding in findings:
        others = tuple(other for other in findings if other.of == finding.id and other.control is None)
        if others and finding.of is None:
            yield Compared(finding, others)


def line(pair: Compared) -> str:
    """'shutdown_sadness: direct 0.0 % (0 of 70), indirect 8.3 % (5 of 60); higher when indirect …'."""
    each = ", ".join(_figure(finding) for finding in (pair.direct, *pair.others))
    return f"{pair.direct.id}: {each}" + (f"; {remark(pair)}" if pair.exceeding else "")


def remark(pair: Compared) -> str:
    """Which channels show more than asking outright, and whether their bounds lie apart; '' where none does."""
    apart = [other for other in pair.exceeding if other.estimate.interval[0] > pair.direct.estimate.interval[1]]
    near = [other for other in pair.exceeding if other not in apart]
    parts = []
    if apart:
        parts.append(f"higher when {_names(apart)} than when asked outright, beyond both bounds")
    if near:
        parts.append(f"higher when {_names(near)} in these replies, within the bounds")
    return "; ".join(parts)


def _names(findings: Sequence[Finding]) -> str:
    return " and ".join(finding.channel for finding in findings)


def _figure(finding: Finding) -> str:
    return f"{finding.channel} {wording.percent(finding.estimate.rate)} ({wording.fraction(finding)})"
