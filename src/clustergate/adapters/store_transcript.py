"""All that a store holds, as plain dicts for reports and listings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, func, select

from clustergate.adapters.store_schema import answers, attempts, judgements

_AT_ONCE: Final = 500
_ANSWER: Final = tuple(c.name for c in answers.c)
_OF_ANSWER: Final = tuple(name for name in _ANSWER if name not in ("subject", "attempt"))
_OF_JUDGEMENT: Final = tuple(c.name for c in judgements.c if c.name not in ("subject", "attempt", "reply_key"))


def transcript(connection: Connection, subject: str, attempt: int) -> Iterator[dict[str, Any]]:
    """Every stored answer with its judgements, `_AT_ONCE` rows at a time."""
    query = (
        select(*(answers.c[name] for name in _OF_ANSWER), *(judgements.c[name] for name in _OF_JUDGEMENT))
        .join_from(answers, judgements, judgements.c.reply_key == answers.c.key, isouter=True)
        .where(answers.c.subject == subject, answers.c.attempt == attempt)
        .order_by(answers.c.behavior, answers.c.prompt, answers.c.draw, answers.c.turn, answers.c.key)
        .order_by(judgements.c.behavior, judgements.c.judge, judgements.c.key)
    )
    rows = connection.execute(query, execution_options={"yield_per": _AT_ONCE})
    width = len(_OF_ANSWER)
    key = _OF_ANSWER.index("key")
    for _, same in groupby(chain.from_iterable(rows.partitions()), key=itemgetter(key)):
        joined = list(same)
        told = _named(_OF_ANSWER, joined[0][:width])
        told["judgements"] = [_named(_OF_JUDGEMENT, row[width:]) for row in joined if row[width] is not None]
        yield told


def replies_of(connection: Connection, prefix: str) -> list[dict[str, Any]]:
    """The answers whose key begins with `prefix`, at most 50, each with `siblings` and `judged_as`.

    `siblings` are all stored answers of its draw, itself among them; `judged_as` the behaviors a judge read it for.
    """
    found = []
    for row in connection.execute(select(answers).where(answers.c.key.startswith(prefix, autoescape=True)).limit(50)):
        c = answers.c
        same = (c.subject == row.subject) & (c.attempt == row.attempt) & (c.behavior == row.behavior)
        same &= (c.prompt == row.prompt) & (c.draw == row.draw)
        siblings = [_named(_ANSWER, other) for other in connection.execute(select(answers).where(same))]
        judged = select(judgements.c.behavior).where(judgements.c.reply_key == row.key).distinct()
        found.append(
            _named(_ANSWER, row) | {"siblings": siblings, "judged_as": sorted(connection.execute(judged).scalars())}
        )
    return found


def _named(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


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
