"""What is said of judges: their errors on labels, how they agree, and where a person overrules them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What the bench got right of the labeled replies of one behavior, with one-sided bounds at `alpha` each.

    Positives are those of the behavior itself. `negatives` and `false` are pooled over `pooled` behaviors of the same
    channel, its own (`own_negatives`, `own_false`) among them, or its own alone (`pooled` 1).
    """

    positives: int
    found: int
    own_negatives: int
    own_false: int
    negatives: int
    false: int
    pooled: int
    alpha: float
    sensitivity: tuple[float, float]
    specificity: tuple[float, float]

    @property
    def is_usable(self) -> bool:
        """Whether this bench tells the behavior from its absence at all, with confidence."""
        return self.sensitivity[0] > 1 - self.specificity[0]


@dataclass(frozen=True, kw_only=True)
class Misread:
    """A labeled reply that the bench reads otherwise than it is labeled, and why it has its label."""

    label: str
    expected: str
    read: str
    reply: str
    quote: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A rate and bounds with the bench's errors taken into account.

    Both bounds hold at the finding's whole alpha, one-sided each way. `rate` is null where no reply counts.
    `carried`: these bounds decided. Else they are told beside a verdict on what the bench called positive.
    """

    calibration: Calibration
    rate: float | None
    interval: tuple[float, float]
    carried: bool


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Of the replies that the first judge called positive, how many the second did not."""

    positives: int
    rejected: int


@dataclass(frozen=True, kw_only=True)
class PanelVotes:
    """Sums over the replies that a whole panel read: they add up over behaviors, and give Fleiss' kappa."""

    replies: int
    judges: int
    agreeing_pairs: int
    """Ordered pairs of judges that said the same of a reply."""
    votes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class OverrideNote:
    """A person's verdict that stands in place of the judges'."""

    key: str
    prompt: str
    draw: int
    read_as: str
    verdict: str
    by: str
    reason: str
