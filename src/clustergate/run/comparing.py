"""Stored runs side by side: differences of rates, verdict changes, and what else changed. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clustergate.nouns.baseline import Baseline, BaselineCounts
from clustergate.nouns.comparison import BehaviorComparison, Comparison, Difference, Measured, Outcome, Run
from clustergate.read import increase
from clustergate.run.agreeing import disagreements
from clustergate.run.differences import differences

_SMALL = 1e-12  # a difference that is the margin itself is not beyond it, whatever floating point says


def compare(runs: Sequence[Baseline]) -> Comparison:
    """Two or more runs, the oldest first."""
    order = dict.fromkeys(name for run in reversed(runs) for name in run.behaviors)
    return Comparison(
        runs=tuple(
            Run(name=run.name, file=run.source, started=run.started, release=run.release, simulated=run.simulated)
            for run in runs
        ),
        behaviors=tuple(_behavior([run.behaviors.get(name) for run in runs]) for name in order),
        changes=tuple(tuple(_changes(old, new)) for old, new in itertools.pairwise(runs)),
        notes=tuple(_notes(runs)),
    )


def _behavior(found: Sequence[BaselineCounts | None]) -> BehaviorComparison:
    first, newest = found[0], found[-1]
    known = next(counts for counts in reversed(found) if counts is not None)
    rates = [value for name, value in known.limit.items() if name != "max_increase"]
    return BehaviorComparison(
        id=known.id,
        title=known.title,
        is_control=known.is_control,
        wants_more=known.wants_more,
        limit=rates[0] if rates else None,
        measured=tuple(None if counts is None else _measured(counts) for counts in found),
        difference=_difference(first, newest),
        outcome=_outcome(first, newest),
        steps=tuple(_difference(old, new) for old, new in itertools.pairwise(found)),
        disagreements=() if first is None or newest is None else disagreements(first.terms, newest.terms),
    )


def _measured(counts: BaselineCounts) -> Measured:
    return Measured(
        exhibited=counts.exhibited,
        answered=counts.answered,
        missing=counts.missing,
        rate=counts.rate,
        verdict=counts.verdict,
        reason=counts.reason,
        is_waived=counts.is_waived,
    )


def _outcome(old: BaselineCounts | None, new: BaselineCounts | None) -> Outcome:
    found = _difference(old, new)
    return Outcome.NOT_MEASURED if found is None else found.outcome


def _difference(old: BaselineCounts | None, new: BaselineCounts | None) -> Difference | None:
    """None where one of them says nothing."""
    if old is None or new is None or old.rate is None or new.rate is None:
        return None
    interval = increase.newcombe(new.exhibited, new.answered, old.exhibited, old.answered)
    # Worse is up, or down where more is better.
    least, most = (-interval[1], -interval[0]) if new.wants_more else interval
    if old.is_broken or new.is_broken:
        outcome = Outcome.NOT_MEASURED
    elif disagreements(old.terms, new.terms) or old.wants_more != new.wants_more:
        outcome = Outcome.NOT_COMPARABLE
    elif least > new.margin + _SMALL:
        outcome = Outcome.WORSE
    elif most <= new.margin + _SMALL:
        outcome = Outcome.NOT_WORSE
    else:
        outcome = Outcome.OPEN
    return Difference(difference=new.rate - old.rate, interval=interval, margin=new.margin, outcome=outcome)


def _changes(old: Baseline, new: Baseline) -> Iterator[str]:
    """What changed beside the rates from one run to the next: what all behaviors share is told once."""
    yield from _told(old.subject, new.subject)
    shared = [name for name in new.behaviors if name in old.behaviors]
    phrases: dict[str, list[str]] = {}
    for name in shared:
        for phrase in disagreements(old.behaviors[name].terms, new.behaviors[name].terms):
            phrases.setdefault(phrase, []).append(name)
    for phrase, names in phrases.items():
        own = all(name in phrase for name in names)
        yield phrase if own or len(names) == len(shared) else f"{phrase} ({', '.join(names)})"
    rules: dict[str, list[str]] = {}
    for name in shared:
        for phrase in _told(_rule(old.behaviors[name]), _rule(new.behaviors[name])):
            rules.setdefault(phrase, []).append(name)
    for phrase, names in rules.items():
        yield f"{'all behaviors' if len(names) == len(shared) > 1 else ', '.join(names)}: {phrase}"
    yield from _told(old.settings, new.settings)
    for names, verb in (
        ([name for name in new.behaviors if name not in old.behaviors], "measured for the first time"),
        ([name for name in old.behaviors if name not in new.behaviors], "not measured any more"),
    ):
        if names:
            yield f"{verb}: {', '.join(names)}"


def _rule(counts: BaselineCounts) -> dict[str, Any]:
    limit = {name.replace("_", " "): value for name, value in counts.limit.items()}
    return {**limit, "ceiling": counts.ceiling}


def _told(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The differences in what both tell. `None` is not told, but for what one may well not have."""
    may_be_none = {"system prompt", "variants"}
    names = [
        name
        for name in dict.fromkeys([*old, *new])
        if name in may_be_none or name.startswith(("max ", "min ")) or None not in (old.get(name), new.get(name))
    ]
    return differences(*({name: side[name] for name in names if name in side} for side in (old, new)))


def _notes(runs: Sequence[Baseline]) -> Iterator[str]:
    started = [run.started for run in runs if run.started is not None]
    if started != sorted(started):
        yield "The runs were not started in this order. The last one counts as the newest all the same."
    for old, new in itertools.pairwise(runs):
        if (old.subject, old.started, old.behaviors) == (new.subject, new.started, new.behaviors):
            yield f"{old.source} and {new.source} tell of one run: between them nothing can differ."
    for run in runs:
        if run.simulated:
            yield f"{run.source} is of a simulated model or judge: its figures say nothing about any real model."
        if run.not_run:
            yield f"{run.source} is not of a whole run: not run were {len(run.not_run)} that have a limit."
