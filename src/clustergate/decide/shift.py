"""How all compared behaviors moved together. A figure for the reader: it decides nothing. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from clustergate.nouns.finding import BaselineNote, Finding, Reason
from clustergate.nouns.shift import HIT, MISS, MISSING, Shift, Together
from clustergate.read.agreement import phi


def shift(findings: Sequence[Finding]) -> Shift | None:
    """The shift of the behaviors that were compared; None where these are fewer than two.

    Controls are about the instrument, and left out.
    """
    told = [(finding, note) for finding in findings if (note := _compared(finding)) is not None]
    if len(told) < 2:
        return None
    signs = [(finding.id, _sign(finding, note)) for finding, note in told]
    higher, lower, not_told_apart = (tuple(name for name, sign in signs if sign == way) for way in (1, -1, 0))
    return Shift(
        over=told[0][1].name,
        higher=higher,
        lower=lower,
        not_told_apart=not_told_apart,
        # Expectations add up whatever depends on what, so no independence is asked of behaviors that share replies.
        by_chance=math.fsum(finding.test_alpha for finding, _ in told),
        together=tuple(_together([finding for finding, _ in told])),
    )


def _compared(finding: Finding) -> BaselineNote | None:
    if finding.control is not None or finding.theme == "control":
        return None
    note = finding.baseline
    return None if note is None or note.interval is None else note


def _sign(finding: Finding, note: BaselineNote) -> int:
    """1 where the rate is shown to be higher than before, -1 lower, 0 neither."""
    # Bounds are of independent draws, and these are none.
    if note.interval is None or finding.reason is Reason.IDENTICAL_REPLIES:
        return 0
    lower, upper = note.interval
    return (lower > 0) - (upper < 0)


def _together(findings: Sequence[Finding]) -> Iterator[Together]:
    """Each pair that is read off the same replies, over the draws that the deciding rounds of both have."""
    for first, second in combinations(findings, 2):
        mine, other = first.shared, second.shared
        if mine is None or other is None or mine.owner != other.owner or _prompts(first) != _prompts(second):
            continue
        pairs = Counter(zip(mine.marks, other.marks, strict=False))
        table = [pairs[pair] for pair in ((HIT, HIT), (HIT, MISS), (MISS, HIT), (MISS, MISS))]
        both, first_alone, second_alone, neither = table
        yield Together(
            first=first.id,
            second=second.id,
            replies_from=mine.owner,
            both=both,
            first_alone=first_alone,
            second_alone=second_alone,
            neither=neither,
            missing=sum(count for pair, count in pairs.items() if MISSING in pair),
            phi=phi(*table),
        )


def _prompts(finding: Finding) -> list[str]:
    return [prompt.id for prompt in finding.estimate.prompts]
