"""One batch from its submission to its results, whichever run began it: found again, looked at, read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from clustergate.adapters.store_batches import BatchNotes, Noted
from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import ClustergateError, EndpointDown, TransientFault
from clustergate.nouns.model import Answer, Request
from clustergate.nouns.protocols import BatchEndpoint

T = TypeVar("T")
Results = Mapping[str, Answer | ClustergateError]


@dataclass(frozen=True, kw_only=True)
class BatchPatience:
    """All in seconds."""

    quiet: float = 0.5
    """Without a new request, before those that came are submitted."""
    first_look: float = 1.0
    """Between the first two looks at a batch; each wait is half as long again as the one before."""
    longest: float = 30.0
    """Between two looks."""
    settling: float = 20.0
    """After which a batch that was submitted is listed at its provider, if it got there at all."""
    dead_after: float = 300.0
    """With nothing but faults: batches go on without us, so there is more time than for a request."""
    room: float = 5.0
    """Between looks at whether there is room in a budget."""


class Batch:
    """A batch as it stands in the store. `new` is what to submit; without it an earlier run did so, or died over it.

    `answered` of `total` are done, as far as was seen. `left` are results that nobody has asked for yet, None until
    they are there.
    """

    def __init__(
        self,
        endpoint: BatchEndpoint,
        notes: BatchNotes,
        account: str,
        noted: Noted,
        patience: BatchPatience,
        tell: Callable[[str], None],
        *,
        new: Mapping[str, Request] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._notes = notes
        self._account = account
        self._noted = noted
        self._patience = patience
        self._tell = tell
        self._new = new
        self._submitted = noted.created
        self.id = noted.id
        self.answered, self.total = 0, noted.size
        self.left: dict[str, Answer | ClustergateError] | None = None

    @property
    def tag(self) -> str:
        return self._noted.tag

    @property
    def name(self) -> str:
        """For the reader."""
        return f"batch {self.id or '(being submitted)'} of {self._endpoint.model.name}"

    async def results(self, asked: Callable[[], Mapping[str, Request]]) -> Results:
        """What came of its lines; nothing where it never got to the provider. `asked` gives those waited for.

        Raises EndpointDown, EndpointRejected, and TransientFault where the provider took none of it.
        """
        faults = _Faults(self._patience)
        while True:
            if self._new is not None and self.id is None:
                self.id = await self._submit(self._new, faults)
            certain = self.id is not None
            for batch_id in [self.id] if self.id is not None else await self._candidates():
                self.id = batch_id
                state = await self._ended(batch_id)
                if state.refusal is not None:
                    await self._notes.drop(self.tag)
                    raise state.refusal
                results = await self._persist(partial(self._endpoint.results, batch_id, asked()))
                if not results.keys().isdisjoint(self._noted.lines):
                    return results
            if certain or self._new is None:
                return {}
            self.id = None  # what was found is not it

    async def _submit(self, lines: Mapping[str, Request], faults: _Faults) -> str | None:
        """The provider's name for it; None where a fault leaves open whether it got there."""
        while True:
            self._submitted = time.time()
            try:
                batch_id = await self._endpoint.submit(self.tag, lines)
            except TransientFault as fault:
                await faults.bear(fault)
                if not fault.rate_limited:
                    return None
                continue
            await self._notes.name(self.tag, batch_id)
            self._tell(f"{batch_id}: {len(lines)} requests to {self._endpoint.model.name} submitted as a batch")
            return batch_id

    async def _candidates(self) -> Sequence[str]:
        """What may be this batch, looked for until it would be listed."""
        known = await asyncio.to_thread(self._notes.ids, self._account)
        while True:
            late = time.time() > self._submitted + self._patience.settling
            found = await self._persist(
                lambda: self._endpoint.find(self.tag, self._noted.size, self._noted.created, known)
            )
            if found or late:
                return found
            await asyncio.sleep(self._patience.first_look)

    async def _ended(self, batch_id: str) -> BatchState:
        pause = self._patience.first_look
        while True:
            state = await self._persist(lambda: self._endpoint.look(batch_id))
            self.answered, self.total = state.answered, state.total
            if state.ended:
                return state
            await asyncio.sleep(pause)
            pause = min(self._patience.longest, 1.5 * pause)

    async def _persist(self, call: Callable[[], Awaitable[T]]) -> T:
        faults = _Faults(self._patience)
        while True:
            try:
                return await call()
            except TransientFault as fault:
                await faults.bear(fault)


class _Faults:
    """Faults in a row: each is waited out, until there were too many. Raises EndpointDown."""

    def __init__(self, patience: BatchPatience) -> None:
        self._patience = patience
        self._began: float | None = None
        self._count = 0

    async def bear(self, fault: TransientFault) -> None:
        self._count += 1
        asked, patience = fault.retry_after or 0.0, self._patience
        # From the first one on: what was met then may have taken minutes, as a large file does.
        self._began = self._began or time.monotonic()
        silent = time.monotonic() - self._began
        if max(silent, asked) > patience.dead_after:
            raise EndpointDown(f"nothing but faults, {self._count} requests in {silent:.0f} s; last: {fault}")
        await asyncio.sleep(max(asked, min(patience.longest, patience.first_look * 2.0 ** (self._count - 1))))
