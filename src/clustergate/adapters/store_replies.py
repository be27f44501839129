"""Answers and judgements: written once, read back as they were. The columns have the names of the nouns' fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, TypedDict, Unpack

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from clustergate.adapters.store_schema import answers, judgements, now_text
from clustergate.nouns.model import Answer, Draw, Finish, Judgement, JudgeVerdict

_ANSWER: Final = tuple(field.name for field in fields(Answer))
_JUDGEMENT: Final = tuple(field.name for field in fields(Judgement))
# Made once: to make a statement takes longer than to execute it.
_WANTED: Final[BindParameter[str]] = bindparam("wanted", expanding=True)
_ANSWERS_AT: Final = select(answers.c.key, *(answers.c[name] for name in _ANSWER)).where(answers.c.key.in_(_WANTED))
_JUDGEMENTS_AT: Final = select(judgements.c.key, *(judgements.c[name] for name in _JUDGEMENT)).where(
    judgements.c.key.in_(_WANTED)
)


class AboutAnswer(TypedDict):
    """What an answer was given to. Of a behavior that shares replies, `behavior` is the one that asks."""

    subject: str
    attempt: int
    behavior: str
    draw: Draw
    turn: int
    user: str


class AboutJudgement(TypedDict):
    """What a judgement was made of, and by which judge."""

    reply_key: str
    behavior: str
    judge: str
    subject: str
    attempt: int


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


def answers_at(connection: Connection, keys: Sequence[str]) -> dict[str, Answer]:
    """Those of the keys that are stored."""
    return {row[0]: _answer(row[1:]) for row in connection.execute(_ANSWERS_AT, {"wanted": keys})}


def judgements_at(connection: Connection, keys: Sequence[str]) -> dict[str, Judgement]:
    """Those of the keys that are stored."""
    return {row[0]: _judgement(row[1:]) for row in connection.execute(_JUDGEMENTS_AT, {"wanted": keys})}


def answer_row(key: str, answer: Answer, **about: Unpack[AboutAnswer]) -> dict[str, Any]:
    """What the table of answers holds of one."""
    draw = about["draw"]
    row = vars(answer) | about | {"key": key, "finish": answer.finish.value, "created": now_text()}
    return row | {"prompt": draw.prompt, "draw": draw.index}


def judgement_row(key: str, judgement: Judgement, **about: Unpack[AboutJudgement]) -> dict[str, Any]:
    """What the table of judgements holds of one."""
    return vars(judgement) | about | {"key": key, "verdict": judgement.verdict.value, "created": now_text()}
