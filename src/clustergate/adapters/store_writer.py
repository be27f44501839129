"""The threads of a process that write. On SQLite it is one, and what waits together is committed together.

On a server there are several, and each write is a transaction of its own: it holds few locks, and those shortly, so
that processes that write the same rows in another order do not block each other.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from clustergate.adapters.store_opening import OpenStore, for_writing
from clustergate.nouns.errors import StoreError

T = TypeVar("T")
Row = TypeVar("Row")

_BATCH: Final = 1000


@dataclass(frozen=True)
class _Job:
    """`work` writes all rows of its kind that wait together, `row` is this one's."""

    work: Callable[[Connection, Sequence[Any]], Sequence[Any]]
    row: Any
    future: Future[Any]
    once: bool = False


_Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


def _wake(waiters: Sequence[asyncio.Future[None]]) -> None:
    for woken in waiters:
        if not woken.done():  # nobody waits any more
            woken.set_result(None)


def _each(connection: Connection, works: Sequence[Callable[[Connection], Any]]) -> Sequence[Any]:
    return [work(connection) for work in works]


def _all(connection: Connection, jobs: Sequence[_Job]) -> Sequence[Any]:
    """The results of the jobs, in their order."""
    kinds: dict[Any, list[int]] = {}
    for place, job in enumerate(jobs):
        kinds.setdefault(job.work, []).append(place)
    results: list[Any] = [None] * len(jobs)
    for work, places in kinds.items():
        for place, result in zip(places, work(connection, [jobs[place].row for place in places]), strict=True):
            results[place] = result
    return results


class _Stage(Enum):
    WAITING = auto()
    WORKING = auto()
    COMMITTING = auto()


class Writer:
    """Runs functions of a connection in transactions.

    A function may run twice (its first transaction was rolled back), so it must do nothing but use its connection. What
    waits together may be written in any order: who depends on a write waits for it.
    """

    def __init__(self, store: OpenStore) -> None:
        self._store = store
        self._engine = for_writing(store.engine)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._telling = threading.local()
        # Daemons: a process that ends without `close` is not held up. No write that was waited for is lost by it.
        self._threads = [
            threading.Thread(target=self._serve, name="clustergate-store", daemon=True) for _ in range(store.lanes)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[Connection], T], *, once: bool = False) -> Future[T]:
        """Queue a write. The future is done after the commit, and fails with StoreError.

        One that would be wrong if it happened twice is to happen `once`: where a server goes away before it confirms
        it, it fails, and others are written again.
        """
        return self._submit(_each, work, once)

    def submit_row(self, work: Callable[[Connection, Sequence[Row]], Sequence[T]], row: Row) -> Future[T]:
        """Queue one of many writes of a kind: `work` gets all that wait together, and gives their results in order.

        One statement for many rows takes a fraction of the time of many statements.
        """
        return self._submit(work, row, False)

    def _submit(self, work: Callable[[Connection, Sequence[Any]], Sequence[Any]], row: Any, once: bool) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # a caller that gives up waiting does not undo a reply that was paid for
        with self._lock:
            if self._closed:
                raise StoreError(f"the store {self._store.name} has been closed")
            self._queue.put(_Job(work, row, future, once))
        return future

    def wait(self, work: Callable[[Connection], T], *, once: bool = False) -> T:
        """Write, and block until it is committed. Raises StoreError."""
        return self.submit(work, once=once).result()

    async def write(self, work: Callable[[Connection], T], *, once: bool = False) -> T:
        """Write, and return when it is committed. Raises StoreError."""
        return await self.arrival(self.submit(work, once=once))

    async def write_row(self, work: Callable[[Connection, Sequence[Row]], Sequence[T]], row: Row) -> T:
        """Write one of many of a kind, and return when it is committed. Raises StoreError."""
        return await self.arrival(self.submit_row(work, row))

    async def arrival(self, written: Future[T]) -> T:
        """What a queued write gives. Those that are committed together wake an event loop together."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()

        def wake(_: object) -> None:
            told: list[_Waiter] | None = getattr(self._telling, "waiters", None)
            if told is None:  # it was written before this was added: we are not in a thread that writes
                loop.call_soon_threadsafe(_wake, [woken])
            else:
                told.append((loop, woken))

        written.add_done_callback(wake)
        await woken
        return written.result()

    def close(self, last: Callable[[Connection], Any]) -> None:
        """Finish what is queued, take no more, and write `last` after all of it."""
        with self._lock:
            closed_before, self._closed = self._closed, True
            for _ in self._threads if not closed_before else ():
                self._queue.put(None)
        for thread in self._threads:
            thread.join()
        if not closed_before:
            self._commit([_Job(_each, last, Future())])

    def _serve(self) -> None:
        most = _BATCH if len(self._threads) == 1 else 1
        while True:
            batch = [self._queue.get()]
            while len(batch) < most and not self._queue.empty():
                batch.append(self._queue.get())  # never blocks: nobody else takes from the queue
            self._commit([job for job in batch if job is not None])
            if batch[-1] is None:
                return

    def _commit(self, jobs: Sequence[_Job]) -> None:
        stage = _Stage.WAITING

        def transact() -> Sequence[Any]:
            nonlocal stage
            stage = _Stage.WAITING
            with self._engine.begin() as connection:
                stage = _Stage.WORKING
                results = _all(connection, jobs)
                stage = _Stage.COMMITTING
            return results

        def is_safe() -> bool:
            # A commit that was sent may have come through, though nobody confirmed it.
            return stage is not _Stage.COMMITTING or not any(job.once for job in jobs)

        try:
            results: Sequence[Any] = self._store.insist(transact, is_safe)
        except Exception as error:  # it goes to those who wait; the thread must outlive it
            if stage is not _Stage.WAITING and len(jobs) > 1:  # one of them failed: the others must not fail with it
                for job in jobs:
                    self._commit([job])
                return
            faults = [self._store.fault(error) if isinstance(error, SQLAlchemyError) else error for _ in jobs]
            self._tell(jobs, faults, Future.set_exception)
        else:
            self._tell(jobs, results, Future.set_result)

    def _tell(self, jobs: Sequence[_Job], told: Sequence[Any], how: Callable[[Future[Any], Any], None]) -> None:
        """Give every job what came of it, then wake each event loop once."""
        self._telling.waiters = waiters = list[_Waiter]()
        try:
            for job, what in zip(jobs, told, strict=True):
                how(job.future, what)
        finally:
            del self._telling.waiters
        for loop in {loop for loop, _ in waiters}:
            with suppress(RuntimeError):  # it is closed, and nobody waits on it
                loop.call_soon_threadsafe(_wake, [woken for its, woken in waiters if its is loop])
