"""A request that waits for its place in a batch, and then for the batch."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from clustergate.adapters.batch import Batch
from clustergate.adapters.patient import Budget
from clustergate.nouns.model import Answer, Request


class BatchBudget(Budget, Protocol):
    """As Budget, for requests that do not wait for room one by one."""

    async def reserve(self, request: Request) -> str | None:
        """Count one request before it is sent; or which ceiling it would pass: `requests`, `usd`."""

    def spent(self, ceiling: str) -> str:
        """What is used up, in a sentence for the reader."""

    @property
    def may_free(self) -> bool:
        """Whether requests are in flight that may cost less than was counted for them."""


@dataclass(eq=False)
class Asked:
    """Somebody waits for `answer`; one of None sends the request directly.

    `key` is that of Gatekeeper.ask. `batch` is the one it is in; `tries` those that left it without an answer; `paid`
    from when our budget has counted it until it knows what it cost.
    """

    key: str
    request: Request
    on_try: Callable[[], None] | None
    answer: asyncio.Future[Answer | None]
    tries: int = 0
    batch: Batch | None = None
    paid: bool = False

    @property
    def line(self) -> str:
        """Its name in a batch: providers take 64 letters, digits, `-` and `_`, of which the key alone has as many."""
        return hashlib.sha256(self.key.encode()).hexdigest() if "#" in self.key else self.key

    @property
    def stored_as(self) -> str:
        """The store's key of what it is asked for."""
        return self.key.partition("#")[0]

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
