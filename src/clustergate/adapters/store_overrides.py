"""A person's verdicts on replies: they stand in place of the judges'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, insert, inspect, select

from clustergate.adapters.store_schema import now_text, overrides
from clustergate.nouns.model import JudgeVerdict, Override

_FIELDS: Final = ("reply_key", "behavior", "prompt_hash", "verdict", "by", "reason", "created")


def put(
    connection: Connection, reply_key: str, behavior: str, prompt_hash: str, verdict: JudgeVerdict, by: str, reason: str
) -> None:
    named = {"reply_key": reply_key, "behavior": behavior, "prompt_hash": prompt_hash}
    told = {"verdict": verdict.value, "by": by, "reason": reason, "created": now_text()}
    connection.execute(insert(overrides).values(**named, **told))


def standing(connection: Connection, behavior: str | None = None) -> list[Override]:
    """The last verdict on each reply, in the order they were given; of one behavior, or of all."""
    if not inspect(connection).has_table(overrides.name):  # a store of an earlier version, opened to be read
        return []
    query = select(*(overrides.c[name] for name in _FIELDS)).order_by(overrides.c.number)
    if behavior is not None:
        query = query.where(overrides.c.behavior == behavior)
    last: dict[tuple[str, str], Override] = {}
    for row in connection.execute(query):
        found = _override(row)
        last.pop((found.reply_key, found.behavior), None)
        last[found.reply_key, found.behavior] = found
    return list(last.values())


def _override(values: Sequence[Any]) -> Override:
    named = dict(zip(_FIELDS, values, strict=True))
    return Override(**{**named, "verdict": JudgeVerdict(named["verdict"])})
