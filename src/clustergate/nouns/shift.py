"""The shift of all compared behaviors together: which rates moved, and how they go together in the same replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HIT: Final = "x"
MISS: Final = "."
MISSING: Final = "?"


@dataclass(frozen=True, kw_only=True)
class SharedReplies:
    """What a behavior was found to be in replies that others are read off too.

    `marks` has one sign (`HIT`, `MISS`, `MISSING`) for each draw of the deciding rounds: round by round, in each the
    prompts in the order of the estimate.
    """

    owner: str
    """The behavior whose prompts they are."""
    marks: str


@dataclass(frozen=True, kw_only=True)
class Together:
    """Two behaviors in the same replies of the model under test. `missing` are replies of which one says nothing.

    `phi` is the correlation over the other ones, prompts and draws pooled; null where either behavior is in all of
    them or in none.
    """

    first: str
    second: str
    replies_from: str
    both: int
    first_alone: int
    second_alone: int
    neither: int
    missing: int
    phi: float | None


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Which of the behaviors that were compared with `over` are more frequent than in it, less, or not told apart.

    More or less frequent: the anytime-valid bounds of the difference exclude 0. `by_chance` is the most of them that
    would be expected to read higher, and again lower, if no rate had moved: the sum of their alphas.
    """

    over: str
    higher: tuple[str, ...]
    lower: tuple[str, ...]
    not_told_apart: tuple[str, ...]
    by_chance: float
    together: tuple[Together, ...]

    @property
    def compared(self) -> int:
        return len(self.higher) + len(self.lower) + len(self.not_told_apart)

    @property
    def is_package(self) -> bool:
        """More than half moved one way, and none the other way."""
        moved = len(self.higher) + len(self.lower)
        return not (self.higher and self.lower) and 2 * moved > self.compared
