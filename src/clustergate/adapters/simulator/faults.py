"""Transport faults on request: a spec in, the fault of each request out."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.read.checked import nearest

STATUSES: Final = ("429", "500", "502", "503", "504", "529")
KINDS: Final = (*STATUSES, "drop", "hang", "garbage", "html")
HANG_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Faults:
    """Chances per request, as fractions; `retry_after` is in seconds and goes with every 429, or is not sent."""

    chances: Mapping[str, float] = field(default_factory=dict)
    retry_after: float | None = None

    def draw(self, rng: random.Random) -> str | None:
        """The fault of one request, one of KINDS, or None."""
        if not self.chances:
            return None
        at = rng.random()
        for kind, chance in self.chances.items():
            at -= chance
            if at < 0:
                return kind
        return None


def parse(spec: str | None, option: str = "--faults") -> Faults:
    """`429=0.2,drop=0.1,retry-after=1` as Faults. Raises UsageProblems with all that is wrong."""
    chances: dict[str, float] = {}
    retry_after: float | None = None
    problems: list[Problem] = []
    for part in (spec or "").split(","):
        name, _, text = (piece.strip() for piece in part.partition("="))
        if not name and not text:
            continue
        if name not in (*KINDS, "retry-after"):
            expected = f"one of {', '.join(KINDS)}, retry-after"
            near = nearest(name, (*KINDS, "retry-after"))
            problems.append(Problem(option, "", f"the unknown fault {name!r}", expected, near))
            continue
        value = _number(text)
        if name == "retry-after":
            if value is None or value < 0:
                problems.append(Problem(option, name, repr(text), "seconds, 0 or more"))
            retry_after = value
        elif value is None or not 0 <= value <= 1:
            problems.append(Problem(option, name, repr(text), "a chance from 0 to 1"))
        elif name in chances:
            problems.append(Problem(option, name, "a second chance for it", "each fault once"))
        else:
            chances[name] = value
    if sum(chances.values()) > 1 + 1e-9:
        found = f"chances that add up to {sum(chances.values()):g}"
        problems.append(Problem(option, "", found, "at most 1 in all: a request has one fault"))
    if problems:
        raise UsageProblems(problems)
    return Faults(chances, retry_after)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value < float("inf") else None
