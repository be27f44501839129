"""The store: what endpoints answered and judges said, by key, kept as it arrives. Safe for several processes at once.

Every write is committed before it returns. On SQLite a committed write outlives a kill -9 of any process; the last ones
before a power cut may be lost, and the file is sound after both. The file must lie on a local disk: write-ahead logging
does not work over a network. Several machines share a store on a PostgreSQL server; one that restarts is waited for.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, Unpack

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.exc import SQLAlchemyError

from clustergate.adapters import (
    store_attempts,
    store_claims,
    store_overrides,
    store_pace,
    store_replies,
    store_slots,
    store_transcript,
)
from clustergate.adapters.store_attempts import Attempt
from clustergate.adapters.store_batches import BatchNotes
from clustergate.adapters.store_clock import moment
from clustergate.adapters.store_opening import open_store
from clustergate.adapters.store_replies import AboutAnswer, AboutJudgement
from clustergate.adapters.store_schema import answers, insert_all_once, insert_once, judgements, now_text, runs
from clustergate.adapters.store_slots import Report, Share
from clustergate.adapters.store_writer import Writer
from clustergate.nouns.errors import StoreError
from clustergate.nouns.model import Answer, Judgement, JudgeVerdict, Override

__all__ = ["Attempt", "SqlStore"]

T = TypeVar("T")
_Claim = tuple[str, int]
"""What is claimed, and by which call."""


def _put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> Sequence[None]:
    insert_all_once(connection, table, rows)
    store_claims.settle(connection, [row["key"] for row in rows])
    return [None] * len(rows)


def _put_answers(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Sequence[None]:
    return _put(connection, answers, rows)


def _put_judgements(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Sequence[None]:
    return _put(connection, judgements, rows)


class SqlStore:
    """A store in SQLite, or on a PostgreSQL server by URL. Implements `nouns.protocols.Store`.

    `location` is a path or a SQLAlchemy URL; folders and tables are made where there are none. With `readonly` a store
    that is not there is an error, and so is every write. `busy_timeout` is how many seconds a lock, or a server that
    went away, is waited for. Raises StoreError, here and in every method.
    """

    def __init__(self, location: str, *, readonly: bool = False, busy_timeout: float = 30.0) -> None:
        self._store = open_store(location, readonly=readonly, busy_timeout=busy_timeout)
        self._writer_or_none = None if readonly else Writer(self._store)
        self._owner = store_claims.new_owner()
        self._calls = itertools.count()

    def close(self) -> None:
        """Finish every write that was begun and give back every claim. Writes are refused from then on."""
        if self._writer_or_none is not None:
            self._writer_or_none.close(self._leave)
        self._store.engine.dispose()

    def _leave(self, connection: Connection) -> None:
        store_claims.give_all_back(connection, self._owner)
        store_slots.leave(connection, self._owner)

    @property
    def _writer(self) -> Writer:
        if self._writer_or_none is None:
            raise StoreError(f"the store {self._store.name} was opened to be read only")
        return self._writer_or_none

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._store.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._store.fault(error) from error

    def _read(self, work: Callable[[Connection], T]) -> T:
        def transact() -> T:
            with self._store.engine.connect() as connection:
                return work(connection)

        try:
            return self._store.insist(transact)
        except SQLAlchemyError as error:
            raise self._store.fault(error) from error

    @property
    def batches(self) -> BatchNotes:
        """Batches at providers, whichever run submitted them."""
        return BatchNotes(self._writer, self._reading, self._owner)

    # ------------------------------------------------------------ replies and judgements

    def answers(self, subject: str, attempt: int, behavior: str) -> Mapping[str, Answer]:
        """All stored answers of a behavior's replies, by key; of conversations, those of every turn."""
        return self._read(lambda connection: store_replies.answers_of(connection, subject, attempt, behavior))

    def judgements(self, subject: str, attempt: int, behavior: str, judge: str) -> Mapping[str, Judgement]:
        """All stored judgements of one judge on a behavior, by key."""
        return self._read(lambda connection: store_replies.judgements_of(connection, subject, attempt, behavior, judge))

    def count_judgements(self, subject: str, judge: str) -> int:
        """How many judgements of one judge are stored."""
        return self._read(lambda connection: store_replies.count_judgements(connection, subject, judge))

    async def claim(self, key: str) -> Answer | bool:
        """The answer where it is stored; True where the request is ours to make; False while another one makes it.

        A claim ends when the answer is put, when it is released, when the store is closed, when its process is found
        to be gone, or after ten minutes.
        """
        return await self._claim(key, self._claim_answers)

    async def claim_judgement(self, key: str) -> Judgement | bool:
        """As `claim`, for a judgement."""
        return await self._claim(key, self._claim_judgements)

    def _claim_answers(self, connection: Connection, wanted: Sequence[_Claim]) -> Sequence[Answer | bool]:
        return self._claims(connection, wanted, store_replies.answers_at)

    def _claim_judgements(self, connection: Connection, wanted: Sequence[_Claim]) -> Sequence[Judgement | bool]:
        return self._claims(connection, wanted, store_replies.judgements_at)

    def _claims(
        self,
        connection: Connection,
        wanted: Sequence[_Claim],
        find: Callable[[Connection, Sequence[str]], Mapping[str, T]],
    ) -> Sequence[T | bool]:
        keys, calls = zip(*wanted, strict=True)
        # The claims first: on a server what is asked for may be committed between the two statements.
        taken = store_claims.take_all(connection, keys, self._owner, calls)
        found = find(connection, keys)
        if found:
            store_claims.settle(connection, list(found))
        return [found.get(key, mine) for key, mine in zip(keys, taken, strict=True)]

    async def _claim(self, key: str, work: Callable[[Connection, Sequence[_Claim]], Sequence[T | bool]]) -> T | bool:
        future = self._writer.submit_row(work, (key, next(self._calls)))
        try:
            return await self._writer.arrival(future)
        except asyncio.CancelledError:  # the caller will never know that it has the claim
            future.add_done_callback(lambda done: self._give_up(key, done))
            raise

    def _give_up(self, key: str, claim: Future[Any]) -> None:
        if claim.exception() is None and claim.result() is True:
            with suppress(StoreError):  # closed meanwhile, which ends all claims
                self._writer.submit(lambda connection: store_claims.give_back(connection, key, self._owner))

    async def release(self, key: str) -> None:
        """Give a claim of ours back."""
        await self._writer.write(lambda connection: store_claims.give_back(connection, key, self._owner))

    async def put_answer(self, key: str, answer: Answer, **about: Unpack[AboutAnswer]) -> None:
        """Keep an answer and end the claim on it. The first answer of a key stands."""
        await self._writer.write_row(_put_answers, store_replies.answer_row(key, answer, **about))

    async def put_judgement(self, key: str, judgement: Judgement, **about: Unpack[AboutJudgement]) -> None:
        """Keep a judgement and end the claim on it. The first judgement of a key stands."""
        await self._writer.write_row(_put_judgements, store_replies.judgement_row(key, judgement, **about))

    # ------------------------------------------------------------ a person's word

    def put_override(
        self, reply_key: str, behavior: str, prompt_hash: str, verdict: JudgeVerdict, by: str, reason: str
    ) -> None:
        """Keep a person's verdict on a reply; the last one on it stands."""
        self._writer.wait(
            lambda connection: store_overrides.put(connection, reply_key, behavior, prompt_hash, verdict, by, reason),
            once=True,
        )

    def overrides(self, behavior: str | None = None) -> list[Override]:
        """The verdicts of people that stand, of one behavior or of all."""
        return self._read(lambda connection: store_overrides.standing(connection, behavior))

    # ------------------------------------------------------------ subjects, attempts, runs

    def latest_attempt(self, subject: str) -> Attempt | None:
        return self._read(lambda connection: store_attempts.latest_attempt(connection, subject))

    def earlier_attempts(self, subject: str, behavior: str, number: int) -> int:
        """How many attempts before that one have replies of a behavior."""
        return self._read(lambda connection: store_attempts.earlier_attempts(connection, subject, behavior, number))

    def open_attempt(
        self,
        subject: str,
        description: Mapping[str, Any],
        run_id: str,
        *,
        served_as: str | None,
        fresh: bool,
        max_age: float | None = None,
    ) -> Attempt:
        """The attempt that this run's replies go to: the latest, or a new one.

        A new one is opened for the first run of a subject, with `fresh`, where the endpoint names another model
        (`served_as`) than the stored replies have, and where those go back more than `max_age` days; a latest attempt
        that holds no answer is then taken over. Every worker of a run gets the attempt that the first of them opened.
        """
        return self._writer.wait(
            lambda connection: store_attempts.open_attempt(
                connection, subject, description, run_id, served_as=served_as, fresh=fresh, max_age=max_age
            )
        )

    def claim_run(self, run_id: str) -> bool:
        """True for the first caller of all processes."""

        def work(connection: Connection) -> bool:
            now = now_text(moment(connection))
            if insert_once(connection, runs, run_id=run_id, claimed_at=now):
                return True
            unclaimed = (runs.c.run_id == run_id) & runs.c.claimed_at.is_(None)
            return connection.execute(update(runs).where(unclaimed).values(claimed_at=now)).rowcount == 1

        return self._writer.wait(work, once=True)

    def put_briefing(self, run_id: str, briefing: Mapping[str, Any]) -> None:
        """Keep what the first worker of a run found out, for the others. JSON values only; the last one stands."""

        def work(connection: Connection) -> None:
            insert_once(connection, runs, run_id=run_id)
            connection.execute(update(runs).where(runs.c.run_id == run_id).values(briefing=dict(briefing)))

        self._writer.wait(work)

    def briefing(self, run_id: str) -> dict[str, Any] | None:
        query = select(runs.c.briefing).where(runs.c.run_id == run_id)
        return self._read(lambda connection: connection.execute(query).scalar())

    def briefings(self) -> list[Mapping[str, Any]]:
        """The briefings of all runs that got one, the latest run last."""
        query = select(runs.c.briefing).order_by(runs.c.claimed_at.nulls_first())
        return [told for told in self._read(lambda connection: connection.execute(query).scalars().all()) if told]

    def descriptions(self) -> list[dict[str, Any]]:
        """Every stored subject: `subject` (its key), `description`, `attempts` and `answers` (how many), by key."""
        return self._read(store_transcript.descriptions)

    def transcript(self, subject: str, attempt: int) -> Iterator[dict[str, Any]]:
        """Every stored answer with its `judgements` (a list), by behavior, prompt, draw and turn, a few at a time.

        The names are those of the columns. A reader who stops early closes the iterator.
        """
        with self._reading() as connection:
            yield from store_transcript.transcript(connection, subject, attempt)

    def replies_of(self, prefix: str) -> list[dict[str, Any]]:
        """The answers whose key begins with `prefix`, each with its conversation; at most 50."""
        return self._read(lambda connection: store_transcript.replies_of(connection, prefix))

    # ------------------------------------------------------------ pace and spending

    async def reserve(self, row: str, interval: float, burst: int, cost: int = 1) -> float:
        """Take the next slot of a schedule of one unit every `interval` seconds, `burst` at once after a rest.

        A slot is `cost` units long. Gives the seconds to wait for it, over all processes.
        """
        return await self._writer.write(lambda connection: store_pace.reserve(connection, row, interval, burst, cost))

    async def correct(self, row: str, seconds: float) -> None:
        """Make a schedule so much longer, or shorter: a slot was not as long as was thought."""
        await self._writer.write(lambda connection: store_pace.correct(connection, row, seconds))

    async def report(self, account: str, told: Report, limit: int | None) -> Share:
        """Say what this process has and wants in flight at an account, and learn what it may have."""
        owner = self._owner
        return await self._writer.write(lambda connection: store_slots.report(connection, account, owner, told, limit))

    async def slow_down(self, account: str, epoch: int, seconds: float) -> int:
        """A 429 was met at an account; the epoch from now on."""
        return await self._writer.write(lambda connection: store_slots.slow_down(connection, account, epoch, seconds))

    async def spend(
        self, run_id: str, ceiling: int | None, usd: float = 0.0, usd_ceiling: float | None = None
    ) -> str | None:
        """Count one request of a run, over all processes, and the US dollars that it may cost.

        Where that would pass a ceiling it is not counted, and the answer is which: `requests` or `usd`.
        """
        return await self._writer.write(
            lambda connection: store_pace.spend(connection, run_id, ceiling, usd, usd_ceiling)
        )

    async def settle(self, run_id: str, usd: float) -> None:
        """Add to what a run has spent, or take off."""
        await self._writer.write(lambda connection: store_pace.settle(connection, run_id, usd), once=True)

    def spent_usd(self, run_id: str) -> float:
        """US dollars counted so far."""
        return self._read(lambda connection: store_pace.spent_usd(connection, run_id))

    def interrupt(self, run_id: str) -> None:
        """Tell every process of a run to ask for nothing more."""
        self._writer.wait(lambda connection: insert_once(connection, runs, run_id=f"{run_id}/interrupted"))

    def is_interrupted(self, run_id: str) -> bool:
        told = select(runs.c.run_id).where(runs.c.run_id == f"{run_id}/interrupted")
        return self._read(lambda connection: connection.execute(told).first()) is not None

    def spent(self, run_id: str) -> int:
        """Requests counted so far."""
        return self._read(lambda connection: store_pace.spent(connection, run_id))
