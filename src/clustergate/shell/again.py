"""The pytest command that a report shows, to decide again from the store."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from clustergate.report.escape import terminal


def command(given: Iterable[tuple[str, str]]) -> str:
    """The command with those options, for a shell, on one line."""
    words = ["pytest"]
    for name, value in given:
        shown = _quoted(_public(value) if name == "--store" else value)
        words.append(f"--model {shown}" if name == "--model" else f"{name}={shown}")
    return " ".join(words)


def _quoted(text: str) -> str:
    """For a shell, on one line; `…` for what a line of a log cannot show as it is."""
    return shlex.quote(text) if terminal(text) == text else "…"


def _public(store: str) -> str:
    """A store's place without what may be secret in its URL; a path stays as it is."""
    if "://" not in store:
        return store
    # Only a run that uses such a store pays for it.
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(store)
    except (ArgumentError, ValueError):  # told when the store is opened; it may hold a password all the same
        return "***"
    return url.set(query={}).render_as_string(hide_password=True) + ("?***" if url.query else "")
