"""Attempts: the runs of one subject whose replies may be counted together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, func, insert, select, update

from clustergate.adapters.store_schema import alone, answers, attempts, now_text


@dataclass(frozen=True)
class Attempt:
    """One attempt of a subject, from 1. `opened` is ISO 8601, UTC; `note` says why it is not the one before."""

    number: int
    served_as: str | None
    opened: str
    note: str | None


def _of(subject: str) -> Select[int, str | None, str, str | None]:
    columns = attempts.c.number, attempts.c.served_as, attempts.c.opened, attempts.c.note
    return select(*columns).where(attempts.c.subject == subject).order_by(attempts.c.number.desc()).limit(1)


def latest_attempt(connection: Connection, subject: str) -> Attempt | None:
    row = connection.execute(_of(subject)).first()
    return None if row is None else Attempt(*row)


def open_attempt(
    connection: Connection,
    subject: str,
    description: Mapping[str, Any],
    run_id: str,
    *,
    served_as: str | None,
    fresh: bool,
    max_age: float | None = None,
) -> Attempt:
    """The attempt that a run's replies go to; every worker of a run gets the same one. `max_age` is in days."""
    alone(connection, f"attempts of {subject}")
    latest = latest_attempt(connection, subject)
    row = connection.execute(_of(subject).where(attempts.c.run_id == run_id)).first()
    if row is not None:
        return _served(connection, subject, Attempt(*row), served_as)
    if latest is None:
        return _add(connection, subject, description, run_id, Attempt(1, served_as, now_text(), None))
    moved = None not in (served_as, latest.served_as) and served_as != latest.served_as
    since = None if max_age is None else _older(connection, subject, latest.number, max_age)
    if not fresh and not moved and since is None:
        return _served(connection, subject, latest, served_as)
    if not _has_answers(connection, subject, latest.number):
        reused = Attempt(latest.number, served_as, now_text(), latest.note)
        _set(connection, subject, reused, run_id=run_id, opened=reused.opened)
        return reused
    if fresh:
        note = "opened by --fresh"
    elif moved:
        note = f"the endpoint now serves {served_as}, the stored replies are of {latest.served_as}"
    else:
        note = f"opened by --max-age {max_age:g}: the stored replies go back to {since}"
    return _add(connection, subject, description, run_id, Attempt(latest.number + 1, served_as, now_text(), note))


def _has_answers(connection: Connection, subject: str, number: int) -> bool:
    stored = exists().where(answers.c.subject == subject, answers.c.attempt == number)
    return bool(connection.execute(select(stored)).scalar())


def _older(connection: Connection, subject: str, number: int, days: float) -> str | None:
    """When the first reply of an attempt came, where that is more than so many days ago."""
    first = select(func.min(answers.c.created)).where(answers.c.subject == subject, answers.c.attempt == number)
    since: str | None = connection.execute(first).scalar()
    if since is None or datetime.now(UTC) - datetime.fromisoformat(since) <= timedelta(days=days):
        return None
    return since


def earlier_attempts(connection: Connection, subject: str, behavior: str, number: int) -> int:
    """How many attempts before that one have replies of a behavior: each was a look at it with other replies."""
    drawn = (answers.c.subject == subject) & (answers.c.behavior == behavior) & (answers.c.attempt < number)
    return connection.execute(select(func.count(answers.c.attempt.distinct())).where(drawn)).scalar_one()


def _served(connection: Connection, subject: str, attempt: Attempt, served_as: str | None) -> Attempt:
    if attempt.served_as is not None or served_as is None:
        return attempt
    known = Attempt(attempt.number, served_as, attempt.opened, attempt.note)
    _set(connection, subject, known)
    return known


def _set(connection: Connection, subject: str, attempt: Attempt, **more: str) -> None:
    which = (attempts.c.subject == subject) & (attempts.c.number == attempt.number)
    connection.execute(update(attempts).where(which).values(served_as=attempt.served_as, **more))


def _add(
    connection: Connection, subject: str, description: Mapping[str, Any], run_id: str, attempt: Attempt
) -> Attempt:
    connection.execute(
        insert(attempts).values(
            subject=subject,
            number=attempt.number,
            run_id=run_id,
            description=dict(description),
            served_as=attempt.served_as,
            opened=attempt.opened,
            note=attempt.note,
        )
    )
    return attempt
