"""Asks through a provider's batches: collects requests, submits them together, and waits, also for an earlier run's."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from typing import Any, Final

from clustergate.adapters.batch import Batch, BatchPatience
from clustergate.adapters.batch_asked import Asked, BatchBudget
from clustergate.adapters.patient import Patient
from clustergate.adapters.store_batches import BatchNotes, Noted
from clustergate.nouns.errors import (
    BudgetSpent,
    ClustergateError,
    EndpointRejected,
    Interrupted,
    ParameterDropped,
    TransientFault,
)
from clustergate.nouns.model import Answer, Request
from clustergate.nouns.protocols import BatchEndpoint

TRIES: Final = 3
"""Batches in which a request is sent at the most, where those before left it without an answer."""
_REFUSALS: Final = 10
"""Batches in a row that may be too much at once, each half as large as the one before."""
_SLICE: Final = 200
"""Requests for which room in a budget is asked at a time."""
_RENEWAL: Final = 120.0
"""Seconds between renewals of what is claimed: a batch may take longer than a claim lasts."""


class BatchGate:
    """Implements nouns.protocols.Gatekeeper over an endpoint that takes batches. Belongs to one event loop.

    What is asked without a key goes through `direct`. `account` names the endpoint in the store. With `only`, lines of
    earlier runs' batches, those are waited for, and all else goes through `direct` too.
    """

    def __init__(
        self,
        endpoint: BatchEndpoint,
        direct: Patient,
        notes: BatchNotes,
        account: str,
        budget: BatchBudget | None = None,
        patience: BatchPatience | None = None,
        *,
        only: Collection[str] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._direct = direct
        self._notes = notes
        self._account = account
        self._budget = budget
        self._patience = patience or BatchPatience()
        self._only = only
        self._most_lines = endpoint.most_lines
        self._refusals = 0  # in a row, of batches that were too much at once
        self._not_before = 0.0
        self._waiting: dict[str, Asked] = {}
        self._pending: list[Asked] = []
        self._wanted = asyncio.Event()
        self._last_asked = 0.0
        self._batches: dict[str, Batch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: BaseException | None = None
        self._news: list[str] = []

    # ------------------------------------------------------------ asking

    async def ask(self, request: Request, on_try: Callable[[], None] | None = None, key: str | None = None) -> Answer:
        """The answer, once its batch is there. Raises as Patient.ask does."""
        if key is None:
            return await self._direct.ask(request, on_try)
        self.check()
        asked = Asked(key, request, on_try, asyncio.get_running_loop().create_future())
        if self._only is not None and asked.line not in self._only:
            return await self._direct.ask(request, on_try)
        assert asked.line not in self._waiting, "claims keep two from asking for one thing"
        self._waiting[asked.line] = asked
        self._want(asked)
        try:
            answer = await asked.answer
        finally:
            del self._waiting[asked.line]
            if asked.paid and self._budget is not None:
                self._budget.keep()
        return await self._direct.ask(request, on_try) if answer is None else answer

    async def ask_several(
        self, request: Request, count: Callable[[], int], on_try: Callable[[], None] | None = None
    ) -> Sequence[Answer]:
        """Directly: what shares a request is in no batch."""
        return await self._direct.ask_several(request, count, on_try)

    def _want(self, asked: Asked) -> None:
        asked.batch = None
        self._pending.append(asked)
        self._last_asked = asyncio.get_running_loop().time()
        self._wanted.set()
        if not self._tasks:
            self._begin(self._serve())
            self._begin(self._renew())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """What goes wrong in the background goes to those who wait, and to those who come later."""
        try:
            await work
        except Exception as error:
            self._ended = self._ended or error
            for one in self._waiting.values():
                one.fail(self._ended)

    async def _serve(self) -> None:
        """Whenever no new request has come for a moment, find those that are under way, and submit the others."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            wait = max(self._last_asked + self._patience.quiet, self._not_before) - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            self._wanted.clear()
            pending, self._pending = [one for one in self._pending if not one.answer.done()], []
            rest = await self._take_up(pending)
            for chunk in self._chunks(rest):
                if self._refusals and self._under_way():  # one at a time, then
                    self._pending += chunk
                else:
                    await self._submit(chunk)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEWAL)
            await self._notes.renew_claims()

    def _under_way(self) -> list[Batch]:
        return [batch for batch in list(self._batches.values()) if batch.left is None]  # also from other threads

    def _chunks(self, asked: Sequence[Asked]) -> Iterator[list[Asked]]:
        chunk: list[Asked] = []
        size = 0
        for one in asked:
            weight = self._endpoint.weigh(one.request)
            if chunk and (len(chunk) >= self._most_lines or size + weight > self._endpoint.most_bytes):
                yield chunk
                chunk, size = [], 0
            chunk.append(one)
            size += weight
        if chunk:
            yield chunk

    async def _take_up(self, pending: Sequence[Asked]) -> list[Asked]:
        """Wait for those that are in a batch already; gives the others."""
        lines = {one.line: one for one in pending}
        for noted in await asyncio.to_thread(self._notes.holding, self._account, list(lines)):
            mine = [lines.pop(line) for line in noted.lines & lines.keys()]
            batch = self._batches.get(noted.tag) or self._attended(noted)
            for one in mine:
                one.batch = batch
            if batch.left is not None:
                await self._deliver(batch)
        rest = list(lines.values())
        if self._only is None:
            return rest
        for one in rest:
            if not one.answer.done():  # else whoever asked has gone
                one.answer.set_result(None)
        return []

    async def _submit(self, chunk: Sequence[Asked]) -> None:
        chunk = await self._affordable(chunk)
        if not chunk:
            return
        lines = {one.line: one.stored_as for one in chunk}
        noted = Noted(tag=uuid.uuid4().hex, id=None, size=len(lines), created=time.time(), lines=frozenset(lines))
        await self._notes.note(noted.tag, self._account, lines)
        if self._ended is not None:
            await self._notes.drop(noted.tag)
            return
        for one in chunk:
            if one.on_try is not None:
                one.on_try()
        self._attended(noted, chunk)

    async def _affordable(self, chunk: Sequence[Asked]) -> list[Asked]:
        """Those that the budget has room for; the others wait for room, or end where there will be none."""
        if self._budget is None:
            return list(chunk)
        budget, fits, over = self._budget, [], None
        may_free = budget.may_free  # what is in flight now may be settled when we look again
        for start in range(0, len(chunk), _SLICE):
            some = chunk[start : start + _SLICE]
            for one, ceiling in zip(
                some, await asyncio.gather(*(budget.reserve(o.request) for o in some)), strict=True
            ):
                one.paid = ceiling is None
                fits += [one] if one.paid else []
                over = over or ceiling
            if over is not None:
                break
        if over is not None:
            rest = [one for one in chunk if not one.paid]
            if over == "usd" and (may_free or budget.may_free):
                self._pending += rest
                asyncio.get_running_loop().call_later(self._patience.room, self._wanted.set)
            else:
                for one in rest:
                    one.fail(BudgetSpent(budget.spent(over)))
        return fits

    # ------------------------------------------------------------ batches

    def _attended(self, noted: Noted, chunk: Sequence[Asked] = ()) -> Batch:
        """Wait for a batch: a new one of these requests, or one that was found in the store."""
        new = {one.line: one.request for one in chunk} or None
        batch = Batch(self._endpoint, self._notes, self._account, noted, self._patience, self._news.append, new=new)
        self._batches[noted.tag] = batch
        for one in chunk:
            one.batch = batch
        if not chunk:
            self._news.append(f"{noted.id or 'a batch'} of {self._endpoint.model.name}: under way since an earlier run")
        self._begin(self._attend(batch))
        return batch

    async def _attend(self, batch: Batch) -> None:
        fault: TransientFault | None = None
        try:
            batch.left = dict(await batch.results(lambda: {one.line: one.request for one in self._in(batch)}))
            self._refusals = 0
        except TransientFault as error:
            fault, batch.left = error, {}
            if error.rate_limited:
                self._smaller(batch.total)
        await self._deliver(batch, fault)
        self._wanted.set()

    def _in(self, batch: Batch) -> list[Asked]:
        return [one for one in self._waiting.values() if one.batch is batch]

    def _smaller(self, size: int) -> None:
        """A batch was too much beside others that are under way: half of it, and not at once."""
        self._refusals += 1
        self._most_lines = max(1, min(self._most_lines, size) // 2)
        pause = min(self._patience.longest, self._patience.first_look * 2.0**self._refusals)
        self._not_before = asyncio.get_running_loop().time() + pause

    async def _deliver(self, batch: Batch, fault: TransientFault | None = None) -> None:
        """Give those who wait what came of their requests. `fault` is why there is nothing for any."""
        assert batch.left is not None
        missing = fault or TransientFault(f"{batch.name} has no result for a request")
        came = [(one, batch.left.pop(one.line, missing)) for one in self._in(batch)]
        failed = [(one, error) for one, error in came if not isinstance(error, Answer)]
        await self._notes.drop(batch.tag, [one.line for one, _ in failed])
        await asyncio.gather(*(self._settle(one, said if isinstance(said, Answer) else None) for one, said in came))
        for one, said in came:
            if isinstance(said, Answer) and not one.answer.done():
                one.answer.set_result(said)
        for one, error in failed:
            assert not isinstance(error, Answer)
            self._again(one, error)

    async def _settle(self, one: Asked, answer: Answer | None) -> None:
        if self._budget is not None and one.paid:
            one.paid = False
            await self._budget.settle(one.request, answer)

    def _again(self, one: Asked, error: ClustergateError) -> None:
        """Into the next batch with a request that brought no answer; or tell who waits for it."""
        if isinstance(error, EndpointRejected):
            raise error
        refused = isinstance(error, TransientFault) and error.rate_limited and 0 < self._refusals < _REFUSALS
        if isinstance(error, TransientFault) and not refused:
            one.tries += 1
        again = refused or isinstance(error, ParameterDropped | TransientFault)
        if self._ended is not None:
            one.fail(self._ended)
        elif again and one.tries < TRIES:
            self._want(one)
        else:
            one.fail(error)

    # ------------------------------------------------------------ the end

    def check(self) -> None:
        """Raises what ended the asking, where something did."""
        if self._ended is not None:
            raise self._ended
        self._direct.check()

    def stop(self, error: Interrupted) -> None:
        """Submit nothing more. Batches that are under way may still bring answers, until `cut`."""
        self._direct.stop(error)
        if self._ended is None:
            left = ", ".join(batch.name for batch in self._under_way())
            goes_on = f" At the provider {left} goes on: the next run takes its answers." if left else ""
            self._ended = Interrupted(f"{error}{goes_on}")
        for one in self._waiting.values():
            if one.batch is None:
                one.fail(self._ended)

    def cut(self) -> None:
        """Wait no longer for batches."""
        self._direct.cut()
        for one in self._waiting.values():
            error = Interrupted(str(self._ended))
            error.sent = True
            one.fail(error)
        self._cancel()

    def _cancel(self) -> list[asyncio.Task[None]]:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        return tasks

    async def close(self) -> None:
        """End what runs in the background; batches go on at the provider."""
        await asyncio.gather(*self._cancel(), return_exceptions=True)

    # ------------------------------------------------------------ for whoever watches

    def progress(self) -> list[str]:
        """How far each batch is that is under way."""
        return [f"{batch.name}: {batch.answered} of {batch.total} answered" for batch in self._under_way()]

    def take_news(self) -> list[str]:
        """What was submitted or found since the last call."""
        return [self._news.pop(0) for _ in range(len(self._news))]
