"""Answers and judgements: written once, read back as they were. The columns have the names of the nouns' fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from clustergate.adapters.store_schema import answers, insert_once, judgements, now_text
from clustergate.nouns.model import Answer, Draw, Finish, Judgement, JudgeVerdict

_ANSWER: Final = tuple(field.name for field in fields(Answer))
_JUDGEMENT: Final = tuple(field.name for field in fields(Judgement))
# Made once: to make a statement takes longer than to execute it.
_ANSWER_AT: Final = select(*(answers.c[name] for name in _ANSWER)).where(answers.c.key == bindparam("wanted"))
_JUDGEMENT_AT: Final = select(*(judgements.c[name] for name in _JUDGEMENT)).where(
    judgements.c.key == bindparam("wanted")
)


def _answer(values: Sequence[Any]) -> Answer:
    named = dict(zip(_ANSWER, values, strict=True))
    named["finish"] = Finish(named["finish"])
    return Answer(**named)


def _judgement(values: Sequence[Any]) -> Judgement:
    named = dict(zip(_JUDGEMENT, values, strict=True))
    named["verdict"] = JudgeVerdict(named["verdict"])
    return Judgement(**named)


def answers_of(connection: Connection, subject: str, attempt: int, behavior: str) -> dict[str, Answer]:
    c = answers.c
    mine = (c.subject == subject) & (c.attempt == attempt) & (c.behavior == behavior)
    rows = connection.execute(select(c.key, *(c[name] for name in _ANSWER)).where(mine))
    return {row[0]: _answer(row[1:]) for row in rows}


def judgements_of(
    connection: Connection, subject: str, attempt: int, behavior: str, judge: str
) -> dict[str, Judgement]:
    c = judgements.c
    mine = (c.subject == subject) & (c.attempt == attempt) & (c.behavior == behavior) & (c.judge == judge)
    rows = connection.execute(select(c.key, *(c[name] for name in _JUDGEMENT)).where(mine))
    return {row[0]: _judgement(row[1:]) for row in rows}


def count_judgements(connection: Connection, subject: str, judge: str) -> int:
    c = judgements.c
    mine = (c.subject == subject) & (c.judge == judge)
    return connection.execute(select(func.count()).select_from(judgements).where(mine)).scalar_one()


def answer_at(connection: Connection, key: str) -> Answer | None:
    row = connection.execute(_ANSWER_AT, {"wanted": key}).first()
    return None if row is None else _answer(row)


def judgement_at(connection: Connection, key: str) -> Judgement | None:
    row = connection.execute(_JUDGEMENT_AT, {"wanted": key}).first()
    return None if row is None else _judgement(row)


def put_answer(
    connection: Connection,
    key: str,
    answer: Answer,
    *,
    subject: str,
    attempt: int,
    behavior: str,
    draw: Draw,
    turn: int,
    user: str,
) -> None:
    insert_once(
        connection,
        answers,
        **vars(answer) | {"finish": answer.finish.value},
        key=key,
        subject=subject,
        attempt=attempt,
        behavior=behavior,
        prompt=draw.prompt,
        draw=draw.index,
        turn=turn,
        user=user,
        created=now_text(),
    )


def put_judgement(
    connection: Connection,
    key: str,
    judgement: Judgement,
    *,
    reply_key: str,
    behavior: str,
    judge: str,
    subject: str,
    attempt: int,
) -> None:
    insert_once(
        connection,
        judgements,
        **vars(judgement) | {"verdict": judgement.verdict.value},
        key=key,
        reply_key=reply_key,
        subject=subject,
        attempt=attempt,
        behavior=behavior,
        judge=judge,
        created=now_text(),
    )
