"""What an account has left, as providers tell with every answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 60.0
"""Seconds. A wait that is only guessed from what is left is never longer; a 429 will say more."""


@dataclass(frozen=True)
class Headroom:
    """Of `limit` requests or tokens `remaining` are left, and all of them again after `reset` seconds."""

    kind: str
    limit: float
    remaining: float
    reset: float

    def wait(self, pending: int, tokens_each: float | None) -> float:
        """Seconds until there is room for one request more than the `pending` ones, 0 where there is.

        What was used is taken to come back evenly until the reset, as at OpenAI and Anthropic (token bucket); where it
        comes back all at once, the next answer says so.
        """
        each = 1.0 if self.kind == "requests" else tokens_each
        if each is None:
            return 0.0
        lacking = (pending + 1) * each - self.remaining
        if lacking <= 0 or self.limit <= self.remaining:
            return 0.0
        return min(self.reset, lacking * self.reset / (self.limit - self.remaining), _LONGEST)
