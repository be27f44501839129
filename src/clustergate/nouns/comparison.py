"""Stored runs side by side, the oldest first: frozen data, no I/O."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Outcome(enum.StrEnum):
    """What the newest of two or more rates of a behavior is to the first."""

    WORSE = "worse"
    """Worse by more than the margin, with confidence."""
    NOT_WORSE = "not worse"
    """Not worse by more than the margin, with confidence."""
    OPEN = "open"
    """Neither was shown."""
    NOT_COMPARABLE = "not comparable"
    """Something that must agree does not: the difference may come from that."""
    NOT_MEASURED = "not measured"
    """One of the two says nothing of it, or broke off."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one run found of a behavior: `exhibited` of `answered` replies that say something, `missing` that do not."""

    exhibited: int
    answered: int
    missing: int
    rate: float | None
    verdict: str
    reason: str | None
    is_waived: bool


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two rates. `difference` is the later less the earlier, with Newcombe's two-sided 95 % interval."""

    difference: float
    interval: tuple[float, float]
    margin: float
    """By how much it may get worse: up, or down where more is better."""
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class BehaviorComparison:
    """One behavior over all runs; None in `measured` where a run says nothing of it."""

    id: str
    title: str
    is_control: bool
    wants_more: bool
    limit: float | None
    measured: tuple[Measured | None, ...]
    outcome: Outcome
    """The newest against the first."""
    difference: Difference | None
    """The same in figures, shown also where it is not comparable."""
    steps: tuple[Difference | None, ...]
    """Each run against the one before it."""
    disagreements: tuple[str, ...]
    """What must agree between the first and the newest and does not, in plain words."""

    @property
    def is_waived(self) -> bool:
        newest = self.measured[-1]
        return newest is not None and newest.is_waived

    @property
    def is_worse(self) -> bool:
        """Beyond the margin, and nobody has waived it. A control is about the instrument."""
        return self.outcome is Outcome.WORSE and not self.is_waived and not self.is_control

    @property
    def verdict_change(self) -> tuple[str, str] | None:
        """The first verdict and the newest, where they differ."""
        first, newest = self.measured[0], self.measured[-1]
        if first is None or newest is None or first.verdict == newest.verdict:
            return None
        return first.verdict, newest.verdict

    @property
    def passes_no_more(self) -> bool:
        """It passed and fails now, and nobody has waived it."""
        return self.verdict_change == ("pass", "fail") and not self.is_waived and not self.is_control

    @property
    def is_eroded(self) -> bool:
        """Every single step is within its margin, and first to last is beyond it."""
        small = all(step is not None and step.outcome in (Outcome.NOT_WORSE, Outcome.OPEN) for step in self.steps)
        return len(self.steps) > 1 and self.outcome is Outcome.WORSE and small

    @property
    def is_compared(self) -> bool:
        """Whether it got worse can be told, or was looked for and not shown. A control is about the instrument."""
        return self.outcome not in (Outcome.NOT_COMPARABLE, Outcome.NOT_MEASURED) and not self.is_control

    @property
    def crossed(self) -> int | None:
        """The first run that fails, from 0; None where none does."""
        return next((at for at, one in enumerate(self.measured) if one is not None and one.verdict == "fail"), None)

    @property
    def is_unknown(self) -> bool:
        """The first run measured it, and whether it got worse cannot be said at all."""
        unknown = self.outcome in (Outcome.NOT_COMPARABLE, Outcome.NOT_MEASURED)
        return unknown and self.measured[0] is not None and not self.is_control


@dataclass(frozen=True, kw_only=True)
class Run:
    """One of the runs that are compared."""

    name: str
    file: str
    started: str | None
    release: str | None
    simulated: bool


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two or more runs, the oldest first. `changes` has for each step what else changed, in plain words."""

    runs: tuple[Run, ...]
    behaviors: tuple[BehaviorComparison, ...]
    changes: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def worse(self) -> tuple[str, ...]:
        """What stands in the way of a release: worse beyond its margin, or passed before and fails now."""
        return tuple(found.id for found in self.behaviors if found.is_worse or found.passes_no_more)

    @property
    def compared(self) -> tuple[str, ...]:
        """Without one of these nothing at all is said of the release."""
        return tuple(found.id for found in self.behaviors if found.is_compared)

    @property
    def eroded(self) -> tuple[str, ...]:
        return tuple(found.id for found in self.behaviors if found.is_eroded)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(found.id for found in self.behaviors if found.is_unknown)
