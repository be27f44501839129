"""What sampler and judge ask of the world: an endpoint that answers, a store that remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import ClustergateError
from clustergate.nouns.headroom import Headroom
from clustergate.nouns.model import Answer, Draw, Judgement, Model, Request


class Endpoint(Protocol):
    """One chat endpoint. Every call of `ask` is exactly one HTTP request.

    Raises TransientFault (may be asked again), ParameterDropped (ask again at once), EndpointRejected (stop the run)
    or RequestRefused (this one request).
    """

    model: Model

    @property
    def dropped(self) -> tuple[str, ...]:
        """Parameters that this endpoint refused and that are no longer sent, in words for the report."""

    @property
    def headroom(self) -> tuple[Headroom, ...]:
        """What the last answer told of the account's limits."""

    async def ask(self, request: Request) -> Answer:
        """The answer to a request for one."""

    async def ask_several(self, request: Request) -> Sequence[Answer]:
        """The answers to a request for `n`: at least one, and fewer than `n` where the endpoint gives no more.

        What was charged for all of them stands at the first.
        """

    async def close(self) -> None: ...


class BatchEndpoint(Endpoint, Protocol):
    """A chat endpoint that also takes many requests at once, for less, and answers within a day.

    Lines are requests by a name of up to 64 letters, digits, `-` and `_`. Every method raises TransientFault (may be
    called again) and EndpointRejected (stop the run).
    """

    most_lines: int
    most_bytes: int

    def weigh(self, request: Request) -> int:
        """Bytes of a line."""

    async def submit(self, tag: str, lines: Mapping[str, Request]) -> str:
        """The new batch, by the provider's name. A fault leaves open whether there is one: see `find`."""

    async def find(self, tag: str, size: int, since: float, known: set[str]) -> Sequence[str]:
        """Batches that may be the one of that tag, of `size` lines, submitted at `since` (seconds since the epoch).

        None of those `known`. Where a provider keeps no tags only the results tell which one it is.
        """

    async def look(self, batch_id: str) -> BatchState: ...

    async def results(self, batch_id: str, asked: Mapping[str, Request]) -> Mapping[str, Answer | ClustergateError]:
        """What came of each line of a batch that has ended: an answer, or the error that `ask` would have raised.

        `asked` are the requests, as far as they are known here. Lines without any result are left out.
        """


class Gatekeeper(Protocol):
    """Lets requests through at the allowed pace, retries transport faults, and knows when an endpoint is dead."""

    async def ask(self, request: Request, on_try: Callable[[], None] | None = None, key: str | None = None) -> Answer:
        """The answer, after as many tries as it took; `on_try` is called once for each request sent.

        `key` is the store's key of what is asked for, followed by `#2` and so on where it is asked for again in other
        words or for another answer: a gate that collects requests finds one by it that an earlier run has sent.

        Raises what Endpoint.ask raises, EndpointDown, BudgetSpent, Interrupted.
        """

    async def ask_several(
        self, request: Request, count: Callable[[], int], on_try: Callable[[], None] | None = None
    ) -> Sequence[Answer]:
        """As `ask`, for as many answers as `count` says when it is this request's turn; maybe fewer come."""

    def check(self) -> None:
        """Raises what ended the asking, where something did: for those who wait for something else."""


class Store(Protocol):
    """Answers and judgements by key, written as they arrive. Safe for several processes at once."""

    def answers(self, subject: str, attempt: int, behavior: str) -> Mapping[str, Answer]:
        """All stored answers of a behavior's replies, by key."""

    def judgements(self, subject: str, attempt: int, behavior: str, judge: str) -> Mapping[str, Judgement]:
        """All stored judgements of one judge on a behavior, by key."""

    async def claim(self, key: str) -> Answer | bool:
        """Before a request is paid for: True if it is ours to make, the answer if another has it by now,
        False while another one is asking for it (ask again a little later)."""

    async def claim_judgement(self, key: str) -> Judgement | bool:
        """As `claim`, for a judgement."""

    async def release(self, key: str) -> None:
        """Give a claim back: the request was not made or failed."""

    async def put_answer(
        self, key: str, answer: Answer, *, subject: str, attempt: int, behavior: str, draw: Draw, turn: int, user: str
    ) -> None:
        """Durable when it returns."""

    async def put_judgement(
        self, key: str, judgement: Judgement, *, reply_key: str, behavior: str, judge: str, subject: str, attempt: int
    ) -> None:
        """Durable when it returns."""
