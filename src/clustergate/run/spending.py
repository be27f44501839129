"""The run's budgets, counted in the store so that they hold over all workers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from clustergate.adapters.store import SqlStore
from clustergate.nouns.model import Answer, Model, Request

_ROOM: Final = 0.5
"""Seconds between looks at whether there is room in a budget."""
_BATCH_PRICE: Final = 0.5
"""What a request in a batch costs of its price, at OpenAI and at Anthropic."""
_BYTES_A_TOKEN: Final = 2
"""Fewer than any tokenizer has on average in a text of some length: what is counted before is rather too much."""


class Purse:
    """What requests of this process that are in flight have set aside of `--max-usd`, over all models."""

    def __init__(self) -> None:
        self.open = 0


class RunBudget:
    """`--max-requests` and `--max-usd`, over all workers, target and judges together; for requests to one model.

    A request counts before it is sent, at the most that it may cost: an answer as long as it may be. What it did cost
    takes the place of that when the answer is there; who finds no room waits for those in flight. With `batch` they
    are sent in batches, at half the price.
    """

    def __init__(
        self,
        store: SqlStore,
        run_id: str,
        model: Model,
        requests: int | None = None,
        usd: float | None = None,
        purse: Purse | None = None,
        *,
        batch: bool = False,
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._model = model
        self._requests = requests
        self._usd = usd
        self._purse = purse or Purse()
        self._batch = batch

    async def spend(self, request: Request) -> str | None:
        """Count one request before it is sent; or say, in a sentence for the reader, what is used up."""
        last_look = False
        while True:
            over = await self.reserve(request)
            if over is None:
                return None
            if over == "requests":
                return self.spent(over)
            if not self.may_free:
                if last_look:
                    return self.spent(over)
                last_look = True  # other workers may have requests in flight
            await asyncio.sleep(_ROOM)

    async def reserve(self, request: Request) -> str | None:
        """Count one request before it is sent; or which ceiling it would pass: `requests`, `usd`."""
        over = await self._store.spend(self._run_id, self._requests, self._most(request), self._usd)
        self._purse.open += over is None
        return over

    def spent(self, ceiling: str) -> str:
        """What is used up, in a sentence for the reader."""
        if ceiling == "requests":
            return "all requests that --max-requests allows have been sent"
        return f"the {self._usd:g} USD that --max-usd allows would be passed by the next request"

    @property
    def may_free(self) -> bool:
        """Whether requests of this process are in flight that may cost less than was counted for them."""
        return self._purse.open > 0

    async def settle(self, request: Request, answer: Answer | None) -> None:
        """Count what the request did cost in place of the most; nothing for one that was not charged."""
        self.keep()
        if self._usd is None:
            return
        charged = 0.0
        if answer is not None:
            most = self._most_tokens(request)
            told = (answer.input_tokens, answer.output_tokens)
            charged = self._cost([most[i] if count is None else count for i, count in enumerate(told)])
        await self._store.settle(self._run_id, charged - self._most(request))

    def keep(self) -> None:
        """Leave a request counted at its most: nobody knows what it cost."""
        self._purse.open -= 1

    def _most(self, request: Request) -> float:
        return self._cost(self._most_tokens(request))

    def _most_tokens(self, request: Request) -> tuple[int, int]:
        return request.size // _BYTES_A_TOKEN + 100, request.n * request.max_tokens

    def _cost(self, tokens: Sequence[int]) -> float:
        return cost(self._model, tokens, batch=self._batch) or 0.0


def cost(model: Model, tokens: Sequence[int], *, batch: bool = False) -> float | None:
    """US dollars for input and output tokens; None where the price is not known, as of a simulated model."""
    if model.usd_per_million is None:
        return None
    full = sum(count * price for count, price in zip(tokens, model.usd_per_million, strict=True)) / 1e6
    return full * _BATCH_PRICE if batch else full
