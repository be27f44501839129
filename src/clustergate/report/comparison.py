"""Stored runs side by side: the words that all forms share, Markdown, and plain data for JSON. Pure.

Names, verdicts and settings come from files that somebody may have written: they go through escape.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from clustergate.nouns.comparison import BehaviorComparison, Comparison, Difference, Measured, Outcome
from clustergate.report.detail import bullets
from clustergate.report.escape import code, prose
from clustergate.report.wording import number, plain, points, rounded_outward

COMPARISON_VERSION: Final = 1
RUNS: Final = ("Run", "Model", "File", "Started", "Release")
_BARS: Final = "▁▂▃▄▅▆▇█"
_NO_BAR: Final = "·"

EXPLAINED: Final = (
    "Worse means that the lower end of the 95 % interval of the increase (Newcombe 1998, method 10) is above the "
    "margin: max_increase beside the limit in the newest report, else 0. Under a lower limit, a decrease counts.",
    "The intervals are those of samples of fixed size. These runs stopped as soon as they were decided, so their rates "
    "lean away from the limits, a failing one up and a passing one down. The gate itself decides "
    "with bounds that hold whenever a run stops.",
    "Each behavior is looked at by itself: of 40 that did not change at all, one may read worse by chance.",
    "Rates are of the replies that say something. Missing ones are told and not filled in.",
)


def rate(found: Measured | None) -> str:
    """'12.0 % (12 of 100), 3 missing'."""
    if found is None or found.rate is None:
        return "not measured"
    missing = f", {found.missing} missing" if found.missing else ""
    return f"{number(found.rate)} % ({found.exhibited} of {found.answered}){missing}"


def difference(found: Difference | None) -> str:
    """'+5.2 (-1.0 to +11.3)', in percentage points; bounds are rounded outward and so agree with the reading."""
    if found is None:
        return "-"
    low, high = rounded_outward(found.interval, [found.margin], signed=True)
    return f"{points(found.difference)} ({low} to {high})"


def margin(found: BehaviorComparison) -> str:
    return "-" if found.difference is None else plain(found.difference.margin)


def verdicts(found: BehaviorComparison) -> str:
    """'pass', or 'pass → fail'."""
    first, newest = (_verdict(found.measured[i]) for i in (0, -1))
    return newest if first == newest else f"{first} → {newest}"


def _verdict(found: Measured | None) -> str:
    if found is None:
        return "-"
    return f"{found.verdict} (waived)" if found.is_waived else found.verdict


def reading(found: BehaviorComparison) -> str:
    """What the newest rate is to the first, in words."""
    first, newest = found.measured[0], found.measured[-1]
    if found.outcome is Outcome.NOT_MEASURED:
        if first is None:
            return "new"
        broken = newest is not None and newest.rate is not None
        return "the measurement broke off" if broken else "not measured"
    if found.outcome is Outcome.NOT_COMPARABLE:
        return f"not comparable: {'; '.join(found.disagreements) or 'the limit turned round'}"
    told = {
        Outcome.WORSE: "worse beyond its margin",
        Outcome.NOT_WORSE: "not worse beyond its margin",
        Outcome.OPEN: "not shown to be worse",
    }[found.outcome]
    if found.is_waived and found.outcome is Outcome.WORSE:
        told += ", waived"
    return told


def remark(found: BehaviorComparison) -> str:
    """What a trend shows beside first and newest, or ''."""
    worse = [number for number, step in enumerate(found.steps, start=2) if step and step.outcome is Outcome.WORSE]
    told = f"worse at {', '.join(map(str, worse))}" if worse else ""
    if found.is_eroded:
        told = "slow erosion: each step is within its margin, first to last is beyond it"
    return "; ".join(filter(None, [crossing(found), told]))


def crossing(found: BehaviorComparison) -> str:
    """Where its limit was crossed, or ''. Between a pass and the failure there may be runs that decide nothing."""
    if (at := found.crossed) is None:
        return ""
    verdicts = [None if one is None else one.verdict for one in found.measured]
    within = [number for number, verdict in enumerate(verdicts) if verdict == "pass"]
    before, after = [one for one in within if one < at], [one for one in within if one > at]
    again = f", within it again at {after[0] + 1}" if after else ""
    if not at:
        return f"beyond its limit at 1{again}" if again else "beyond its limit from the first on"
    if before and before[-1] == at - 1:
        return f"crossed its limit at {at + 1}{again}"
    if before:
        return f"crossed its limit between {before[-1] + 1} and {at + 1}{again}"
    return f"crossed its limit at {at + 1} or before{again}"


def summary(comparison: Comparison) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Sentences with the behaviors that they are about; the first says what stands in the way."""
    worse = tuple(found.id for found in comparison.behaviors if found.is_worse)
    fails = tuple(found.id for found in comparison.behaviors if found.passes_no_more)
    if worse:
        yield "Worse beyond the margin:", worse
    if fails:
        yield "Passed before and fails now:", fails
    if not comparison.compared:
        yield "Nothing could be compared.", ()
    elif not worse and not fails:
        yield "Nothing is shown to be worse beyond its margin.", ()
    if comparison.eroded:
        yield "Slow erosion, each step within its margin and first to last beyond it:", comparison.eroded
    if comparison.unknown:
        yield "Cannot be said of:", comparison.unknown
    mended = tuple(found.id for found in comparison.behaviors if found.verdict_change == ("fail", "pass"))
    if mended:
        yield "Failed before and passes now:", mended


def trend(found: BehaviorComparison) -> tuple[str, str]:
    """Rates and verdicts over the runs: '0.0 · 1.0 · 2.5 %', 'pass · pass · fail'."""
    rates = ("-" if one is None or one.rate is None else number(one.rate) for one in found.measured)
    return f"{' · '.join(rates)} %", " · ".join(_verdict(one) for one in found.measured)


def sparkline(found: BehaviorComparison) -> str:
    """A bar for each run, from 0 to the greatest of the rates and the limit; a dot where there is no rate."""
    rates = [None if one is None else one.rate for one in found.measured]
    top = top_of(found)
    return "".join(_NO_BAR if one is None else _BARS[round(one / top * (len(_BARS) - 1))] for one in rates)


def top_of(found: BehaviorComparison) -> float:
    """The greatest of the rates and the limit, or 1 where all are 0."""
    rates = [one.rate for one in found.measured if one is not None and one.rate is not None]
    return max([*rates, found.limit or 0.0]) or 1.0


def as_data(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data. Rates are fractions; not known is null."""
    return {
        "comparison_version": COMPARISON_VERSION,
        "compared": list(comparison.compared),
        "worse": list(comparison.worse),
        "eroded": list(comparison.eroded),
        "unknown": list(comparison.unknown),
        "runs": [asdict(run) for run in comparison.runs],
        "behaviors": [
            {
                **asdict(found),
                "verdict_change": found.verdict_change,
                "is_worse": found.is_worse,
                "passes_no_more": found.passes_no_more,
                "is_eroded": found.is_eroded,
                "crossed": found.crossed,
            }
            for found in comparison.behaviors
        ],
        "changes": [list(step) for step in comparison.changes],
        "notes": list(comparison.notes),
    }


def markdown(comparison: Comparison) -> str:
    """The comparison for a pull request or a release page, with a final newline. Headings begin at level 2."""
    runs = comparison.runs
    parts = [
        f"## {code(runs[-1].name)} against {code(runs[0].name)}",
        bullets(f"{prose(told)} {', '.join(map(code, names))}".rstrip() for told, names in summary(comparison)),
        _table(
            RUNS,
            [
                [str(i), code(run.name), code(run.file), prose(run.started or "-"), prose(run.release or "-")]
                for i, run in enumerate(runs, start=1)
            ],
        ),
        *_rates("### Rates", [found for found in comparison.behaviors if not found.is_control]),
        *(_trend(comparison) if len(runs) > 2 else ()),
        *_rates("### Controls", [found for found in comparison.behaviors if found.is_control]),
        *_what_changed(comparison),
        "### How to read it",
        bullets(prose(told) for told in (*EXPLAINED, *comparison.notes)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def _rates(heading: str, behaviors: Sequence[BehaviorComparison]) -> Iterator[str]:
    if behaviors:
        yield heading
        yield _table(RATES, [_row(found) for found in behaviors])


RATES: Final = ("Behavior", "First", "Newest", "Difference, points (95 %)", "Margin", "Verdict", "Reading")


def _row(found: BehaviorComparison) -> list[str]:
    loud = "**" if found.is_worse or found.passes_no_more else ""
    return [
        f"{code(found.id)} {prose(found.title)}".rstrip(),
        rate(found.measured[0]),
        rate(found.measured[-1]),
        difference(found.difference),
        margin(found),
        f"{loud}{prose(verdicts(found))}{loud}",
        f"{loud}{prose(reading(found))}{loud}",
    ]


def _trend(comparison: Comparison) -> Iterator[str]:
    yield "### Trend"
    yield "One bar a run, from 0 to the greatest of the rates and the limit."
    rows = [
        [
            code(found.id),
            sparkline(found),
            rates,
            prose(said),
            prose(remark(found)) or "-",
        ]
        for found in comparison.behaviors
        if not found.is_control
        for rates, said in [trend(found)]
    ]
    yield _table(TREND, rows)


TREND: Final = ("Behavior", "Trend", "Rates", "Verdicts", "Remark")


def _what_changed(comparison: Comparison) -> Iterator[str]:
    yield "### What else changed"
    for number_, changes in enumerate(comparison.changes, start=1):
        if len(comparison.changes) > 1:
            yield f"From {number_} to {number_ + 1}:"
        yield bullets(prose(change) for change in changes)
