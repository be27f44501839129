"""The one thread of a process that writes: what waits together is committed together."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from clustergate.adapters.store_opening import OpenStore, for_writing
from clustergate.nouns.errors import StoreError

T = TypeVar("T")

_BATCH: Final = 1000


@dataclass(frozen=True)
class _Job:
    work: Callable[[Connection], Any]
    future: Future[Any]


class Writer:
    """Runs functions of a connection in transactions, many in one where many wait.

    A function may run twice (its first transaction was rolled back), so it must do nothing but use its connection.
    """

    def __init__(self, store: OpenStore) -> None:
        self._store = store
        self._engine = for_writing(store.engine)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        # A daemon: a process that ends without `close` is not held up. No write that was waited for is lost by it.
        self._thread = threading.Thread(target=self._serve, name="clustergate-store", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a write. The future is done after the commit, and fails with StoreError."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # a caller that gives up waiting does not undo a reply that was paid for
        with self._lock:
            if self._closed:
                raise StoreError(f"the store {self._store.name} has been closed")
            self._queue.put(_Job(work, future))
        return future

    def wait(self, work: Callable[[Connection], T]) -> T:
        """Write, and block until it is committed. Raises StoreError."""
        return self.submit(work).result()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Write, and return when it is committed. Raises StoreError."""
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Finish what is queued, and take no more."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get())  # never blocks: nobody else takes from the queue
            self._commit([job for job in batch if job is not None])
            if batch[-1] is None:
                return

    def _commit(self, jobs: Sequence[_Job]) -> None:
        begun = False
        try:
            with self._engine.begin() as connection:
                begun = True
                results = [job.work(connection) for job in jobs]
        except Exception as error:  # it goes to those who wait; the thread must outlive it
            if begun and len(jobs) > 1:  # one of them failed: the others must not fail with it
                for job in jobs:
                    self._commit([job])
                return
            for job in jobs:
                fault = self._store.fault(error) if isinstance(error, SQLAlchemyError) else error
                job.future.set_exception(fault)
        else:
            for job, result in zip(jobs, results, strict=True):
                job.future.set_result(result)
