"""Reads what an account has left from an answer's headers."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from clustergate.adapters.endpoints.retry_after import span
from clustergate.nouns.headroom import Headroom

# x-ratelimit-remaining-tokens (OpenAI and most gateways), anthropic-ratelimit-input-tokens-remaining (Anthropic)
_OPENAI: Final = re.compile(r"x-ratelimit-remaining-(requests|tokens)")
_ANTHROPIC: Final = re.compile(r"anthropic-ratelimit-((?:input-|output-)?(requests|tokens))-remaining")


def headrooms(headers: Mapping[str, str], now: float | None = None) -> tuple[Headroom, ...]:
    """All that the headers tell in full: limit, remaining and reset. `now` is in seconds since the epoch."""
    now = time.time() if now is None else now
    low = {name.lower(): value.strip() for name, value in headers.items() if "ratelimit" in name.lower()}
    found = []
    for name, left in low.items():
        if match := _OPENAI.fullmatch(name):
            kind = match[1]
            told = [left, low.get(f"x-ratelimit-limit-{kind}"), low.get(f"x-ratelimit-reset-{kind}")]
        elif match := _ANTHROPIC.fullmatch(name):
            kind, which = match[2], f"anthropic-ratelimit-{match[1]}"
            told = [left, low.get(f"{which}-limit"), low.get(f"{which}-reset")]
        else:
            continue
        remaining, limit, reset = _number(told[0]), _number(told[1]), _until(told[2], now)
        if remaining is not None and limit is not None and reset is not None:
            found.append(Headroom(kind, limit, remaining, reset))
    return tuple(found)


def _number(text: str | None) -> float | None:
    """Digits alone: what else a gateway may write there is not a count."""
    return float(text) if text and text.isascii() and text.isdigit() else None


def _until(text: str | None, now: float) -> float | None:
    """Seconds until a reset: a span of time, or a moment (RFC 3339)."""
    if not text:
        return None
    if (seconds := span(text, now)) is not None:
        return seconds
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None
