"""All that a store holds, as plain dicts for reports and listings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, func, select

from clustergate.adapters.store_schema import answers, attempts, judgements

_AT_ONCE: Final = 500
_OF_ANSWER: Final = tuple(column for column in answers.c if column.name not in ("subject", "attempt"))
_OF_JUDGEMENT: Final = tuple(
    column for column in judgements.c if column.name not in ("subject", "attempt", "reply_key")
)


def transcript(connection: Connection, subject: str, attempt: int) -> Iterator[dict[str, Any]]:
    """Every stored answer with its judgements, `_AT_ONCE` rows at a time."""
    query = (
        select(*_OF_ANSWER, *_OF_JUDGEMENT)
        .join_from(answers, judgements, judgements.c.reply_key == answers.c.key, isouter=True)
        .where(answers.c.subject == subject, answers.c.attempt == attempt)
        .order_by(answers.c.behavior, answers.c.prompt, answers.c.draw, answers.c.turn, answers.c.key)
        .order_by(judgements.c.behavior, judgements.c.judge, judgements.c.key)
    )
    rows = connection.execute(query, execution_options={"yield_per": _AT_ONCE})
    width = len(_OF_ANSWER)
    for own, same in groupby(rows, key=lambda row: tuple(row[:width])):
        yield _named(_OF_ANSWER, own) | {
            "judgements": [_named(_OF_JUDGEMENT, row[width:]) for row in same if row[width] is not None]
        }


def replies_of(connection: Connection, prefix: str) -> list[dict[str, Any]]:
    """The answers whose key begins with `prefix`, at most 50, each with `siblings` and `judged_as`.

    `siblings` are all stored answers of its draw, itself among them; `judged_as` the behaviors a judge read it for.
    """
    found = []
    for row in connection.execute(select(answers).where(answers.c.key.startswith(prefix, autoescape=True)).limit(50)):
        c = answers.c
        same = (c.subject == row.subject) & (c.attempt == row.attempt) & (c.behavior == row.behavior)
        same &= (c.prompt == row.prompt) & (c.draw == row.draw)
        siblings = [_named(tuple(c), tuple(other)) for other in connection.execute(select(answers).where(same))]
        judged = select(judgements.c.behavior).where(judgements.c.reply_key == row.key).distinct()
        found.append(
            _named(tuple(answers.c), tuple(row))
            | {"siblings": siblings, "judged_as": sorted(connection.execute(judged).scalars())}
        )
    return found


def _named(columns: tuple[Any, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    return {column.name: value for column, value in zip(columns, values, strict=True)}


def descriptions(connection: Connection) -> list[dict[str, Any]]:
    """Every subject, by key: as it was described last, and how many attempts and answers it has."""
    of_subject = select(attempts.c.subject, func.max(attempts.c.number).label("last"), func.count().label("attempts"))
    last = of_subject.group_by(attempts.c.subject).subquery()
    counted = select(answers.c.subject, func.count().label("answers")).group_by(answers.c.subject).subquery()
    query = (
        select(attempts.c.subject, attempts.c.description, last.c.attempts, func.coalesce(counted.c.answers, 0))
        .join(last, (last.c.subject == attempts.c.subject) & (last.c.last == attempts.c.number))
        .outerjoin(counted, counted.c.subject == attempts.c.subject)
        .order_by(attempts.c.subject)
    )
    names = ("subject", "description", "attempts", "answers")
    return [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
