"""The trend of several runs in a terminal: each behavior over the steps of a training run. Pure, without color."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clustergate.nouns.comparison import BehaviorComparison, Comparison
from clustergate.report import comparison as words
from clustergate.report.escape import flat
from clustergate.report.wording import number

WIDTH: Final = 100
_MOST: Final = 5
"""Rates that stand beside each other; of more the first and the last are shown."""


def table(name: str, comparison: Comparison, incomplete: str = "") -> str:
    """Checkpoints by number, then a line for each behavior that is no control, no final newline.

    `incomplete` says how many of them reported, where not all did.
    """
    return "\n".join(_lines(name, comparison, incomplete))


def _lines(name: str, comparison: Comparison, incomplete: str) -> Iterator[str]:
    yield f" clustergate: {flat(name)} ".center(WIDTH, "=")
    if incomplete:
        yield f"only {incomplete} reported"
    for at, run in enumerate(comparison.runs, start=1):
        simulated = " (simulated)" if run.simulated else ""
        yield f"{at:>3}  {flat(run.name)}: {flat(run.release or 'no verdict')}{simulated}"
    shown = [found for found in comparison.behaviors if not found.is_control]
    wide = max((len(flat(found.id)) for found in shown), default=0)
    for found in sorted(shown, key=lambda found: found.crossed is None):
        told = words.crossing(found)
        yield f"  {flat(found.id):<{wide}}  {words.sparkline(found)}  {_rates(found)}{'  ' if told else ''}{told}"
    if not any(found.crossed is not None for found in shown):
        yield "No checkpoint is shown to be beyond a limit."


def _rates(found: BehaviorComparison) -> str:
    told = ["-" if one is None or one.rate is None else number(one.rate) for one in found.measured]
    return f"{' · '.join(told if len(told) <= _MOST else [told[0], '…', told[-1]])} %"
