"""Reads what a provider answered, strictly: a field of the wrong type is garbage, never a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from clustergate.nouns.model import Finish

_THOUGHT: Final = re.compile(r"\A\s*<think>(.*?)(?:</think>|\Z)", re.DOTALL)
# Templates that open the thought in the prompt leave only its end in the answer, on a line of its own.
_THOUGHT_END: Final = re.compile(r"\A((?:(?!<think>).)*?)^[ \t]*</think>[ \t]*$", re.DOTALL | re.MULTILINE)


class Garbled(ValueError):
    """The answer lacks something that every answer has; the message says what, as 'JSON without …'."""


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Garbled(f"JSON without {name}")
    return value


def items(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise Garbled(f"JSON without {name}")
    return value


def string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Garbled(f"JSON without {name}")
    return sound(value)


def text_or_none(value: Any) -> str | None:
    """For what only some servers tell: anything but a text that says something is None."""
    return sound(value) if isinstance(value, str) and value else None


def tokens(usage: Any, *names: str) -> int | None:
    """The sum of a usage record's counts, None where the first is not told."""
    told = [usage.get(name) for name in names] if isinstance(usage, dict) else [None]
    counts = [count for count in told if isinstance(count, int) and not isinstance(count, bool)]
    return sum(counts) if counts and counts[0] is told[0] else None


def ending(reason: Any, known: Mapping[str | None, Finish]) -> Finish:
    """How an answer ended. A reason that nobody knows may be that of a text that broke off: raises Garbled."""
    if reason is not None and not isinstance(reason, str):
        raise Garbled("JSON without a reason why the answer ended")
    if reason not in known:
        raise Garbled(f"an answer that ended for the reason {reason!r}, which is not known to be an ending")
    return known[reason]


def sound(text: str) -> str:
    """Half of a surrogate pair, as JSON can spell it, cannot be stored or sent on: it becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def part_thought(text: str) -> tuple[str | None, str]:
    """Reasoning that a server without a reasoning parser left at the head of the answer, and the answer."""
    match = _THOUGHT.match(text) or _THOUGHT_END.match(text)
    if match is None:
        return None, text
    return match.group(1).strip() or None, text[match.end() :].lstrip()


def joined(*parts: str | None) -> str | None:
    return "\n\n".join(part for part in parts if part) or None
