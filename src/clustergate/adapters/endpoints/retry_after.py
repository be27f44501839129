"""How long an endpoint asks us to wait."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_LONGEST_HINT: Final = 60.0
"""Seconds. A limit's reset says when all of it is free again; some of it is sooner."""


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds from `now` (seconds since the epoch) that the headers ask for, 0 or more; None if they ask for none.

    `retry-after-ms`, then `retry-after` (seconds or an HTTP date), then `x-ratelimit-reset*` as a hint.
    """
    now = time.time() if now is None else now
    low = {name.lower(): value.strip() for name, value in headers.items()}
    if (milliseconds := _number(low.get("retry-after-ms"))) is not None:
        return max(0.0, milliseconds / 1000)
    if "retry-after" in low:
        asked = _number(low["retry-after"])
        asked = _date(low["retry-after"], now) if asked is None else asked
        if asked is not None:
            return max(0.0, asked)
    return _reset(low, now)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _date(text: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """The reset of the limits that are used up, or the nearest reset where none says that it is."""
    resets: dict[bool, list[float]] = {True: [], False: []}
    for name, text in headers.items():
        if name.startswith("x-ratelimit-reset") and (seconds := span(text, now)) is not None:
            left = headers.get(name.replace("reset", "remaining", 1))
            resets[left == "0"].append(seconds)
    if not resets[True] and not resets[False]:
        return None
    return min(_LONGEST_HINT, max(resets[True]) if resets[True] else min(resets[False]))


def span(text: str, now: float) -> float | None:
    """`6m0s`, `20ms`, seconds, or a moment since the epoch in seconds or milliseconds."""
    number = _number(text)
    if number is None:
        parts = _DURATION.findall(text)
        whole = "".join(amount + unit for amount, unit in parts) == text
        return sum(float(amount) * _UNITS[unit] for amount, unit in parts) if parts and whole else None
    if number > 1e11:
        number /= 1000
    return max(0.0, number - now if number > 1e9 else number)
