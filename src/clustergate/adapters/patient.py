"""Asks an endpoint until it answers: tries again what may pass, counts what it may cost, and knows a dead endpoint."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, NoReturn, Protocol

from clustergate.adapters.limiter import Limiter, averaged
from clustergate.nouns.errors import (
    BudgetSpent,
    EndpointDown,
    EndpointRejected,
    Interrupted,
    ParameterDropped,
    RequestRefused,
    TransientFault,
)
from clustergate.nouns.model import Answer, Request
from clustergate.nouns.protocols import Endpoint

_BYTES_A_TOKEN: Final = 4
"""About what tokenizers have in English."""


class Budget(Protocol):
    """Requests and money left, over all processes."""

    async def spend(self, request: Request) -> str | None:
        """Count one request before it is sent, at the most that it may cost; or say what is used up."""

    async def settle(self, request: Request, answer: Answer | None) -> None:
        """What it did cost; None for a request that is not charged."""

    def keep(self) -> None:
        """A request of which nobody knows what it cost: it stays counted at its most."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to go on with an endpoint that gives faults. All in seconds."""

    per_reply: float = 180.0
    """All tries of one reply together; its waiting for a turn does not count."""
    dead_after: float = 45.0
    """Without one success, once `dead_tries` tries have failed. A wait that the endpoint asked for comes on top."""
    dead_tries: int = 5
    first_contact: float = 8.0
    """As `dead_after`, until the first success ever; 429 is a sign of life."""
    backoff_base: float = 0.5
    backoff_cap: float = 20.0
    longest_wait: float = 120.0
    """An endpoint that asks to wait longer is as good as down."""

    def backoff(self, tries: int, draw: Callable[[], float]) -> float:
        """Full jitter before try number `tries` + 1; `draw` is uniform in [0, 1)."""
        return draw() * min(self.backoff_cap, self.backoff_base * 2.0 ** min(tries - 1, 30))


class Patient:
    """Implements nouns.protocols.Gatekeeper over one endpoint. Several may share a limiter.

    `patience` that is not given leaves a slow model room for more than one try. Who is `urgent` comes before all others
    at the limiter: a judge, whose word may make further replies needless. `requests` counts what was sent,
    `retries` those of them that repeat one, `in_flight` those without an answer yet.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        limiter: Limiter,
        budget: Budget | None = None,
        patience: Patience | None = None,
        *,
        urgent: bool = False,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._endpoint = endpoint
        self._limiter = limiter
        self._budget = budget
        self._patience = patience or Patience(per_reply=max(Patience.per_reply, 1.5 * endpoint.model.timeout))
        self._urgent = urgent
        self._clock = clock
        self._draw = draw
        self._usual: float | None = None  # tokens of an answer, on average
        self.requests = 0
        self.retries = 0
        self.in_flight = 0
        self._circuit: EndpointDown | EndpointRejected | Interrupted | None = None
        self._stoppable: set[asyncio.Timeout] = set()
        self._sent: set[asyncio.Timeout] = set()
        self._succeeded = False
        self._failures = 0  # since the last success, as are the next two
        self._failing_since = 0.0
        self._asked_wait = 0.0

    async def ask(self, request: Request, on_try: Callable[[], None] | None = None, key: str | None = None) -> Answer:
        """The answer, after as many tries as it took; `on_try` is called once for each request sent.

        Raises the last TransientFault when the time of one reply is up, RequestRefused, BudgetSpent; EndpointDown,
        EndpointRejected or Interrupted, which everyone who waits or comes later is given too.
        """
        return (await self.ask_several(request, lambda: 1, on_try))[0]

    async def ask_several(
        self, request: Request, count: Callable[[], int], on_try: Callable[[], None] | None = None
    ) -> Sequence[Answer]:
        """As `ask`, for as many answers as `count` says when it is this request's turn; maybe fewer come."""
        ticket = self._limiter.ticket(urgent=self._urgent)
        used, tries = 0.0, 0
        while True:
            self.check()
            booked = self._tokens(request)
            async with self._may_stop():
                epoch = await self._limiter.enter(ticket, booked)
            answered, began, open_ = False, self._clock(), False
            try:
                request = replace(request, n=count())
                await self._spend(request, on_try, again=tries > 0)
                open_ = True
                began = self._clock()
                answers = await self._try(request, self._patience.per_reply - used)
                answered, open_ = True, False
                await self._settle(request, answers[0])
                await self._heard(request, answers[0], booked)
                return answers
            except TransientFault as fault:
                tries += 1
                answered = not fault.rate_limited
                if fault.rate_limited:  # what else went wrong may have been charged
                    open_ = False
                    await self._settle(request, None)
                delay = await self._after(fault, epoch, tries, began)
                used += self._clock() - began
                if used + delay >= self._patience.per_reply:
                    raise
            except ParameterDropped:
                # Each parameter is dropped once, so this ends. It was an answer, and it was counted as a request.
                tries, answered, delay = tries + 1, True, 0.0
                self._lives()
                open_ = False
                await self._settle(request, None)
            except RequestRefused:
                answered, open_ = True, False
                self._lives()
                await self._settle(request, None)
                raise
            except EndpointRejected as error:
                self._break(error)
            finally:
                if open_ and self._budget is not None:
                    self._budget.keep()
                self._limiter.leave(epoch, answered=answered)
            if delay > 0:
                async with self._may_stop():
                    await asyncio.sleep(delay)
                used += delay

    def _tokens(self, request: Request) -> int:
        """Tokens that a request will take, as far as one can tell before: for the pace, not for the budget."""
        return request.size // _BYTES_A_TOKEN + round(min(self._usual or math.inf, request.max_tokens))

    async def _heard(self, request: Request, answer: Answer, booked: int) -> None:
        """Learn from an answer how long answers are, and what the account has left."""
        taken = None if answer.output_tokens is None else (answer.input_tokens or 0) + answer.output_tokens
        self._limiter.heard(self._endpoint.headroom, taken)
        if answer.output_tokens is not None:
            self._usual = averaged(self._usual, answer.output_tokens / request.n)
        if taken is not None:
            await self._limiter.correct(taken - booked)

    async def _spend(self, request: Request, on_try: Callable[[], None] | None, *, again: bool) -> None:
        self.check()
        if self._budget is not None and (spent := await self._budget.spend(request)) is not None:
            raise BudgetSpent(spent)
        if self._circuit is not None:  # it broke while the budget was asked
            if self._budget is not None:
                self._budget.keep()
            self.check()
        self.requests += 1
        self.retries += again
        if on_try is not None:
            on_try()

    async def _settle(self, request: Request, answer: Answer | None) -> None:
        if self._budget is not None:
            await self._budget.settle(request, answer)

    async def _try(self, request: Request, left: float) -> Sequence[Answer]:
        self.in_flight += 1
        seconds = min(left, left if request.within is None else request.within)
        try:
            async with asyncio.timeout(seconds) as limit:
                self._sent.add(limit)
                try:
                    answers: Sequence[Answer]
                    if request.n == 1:
                        answers = (await self._endpoint.ask(request),)
                    else:
                        answers = await self._endpoint.ask_several(request)
                finally:
                    self._sent.discard(limit)
        except TimeoutError:
            self._told_cut()  # because the endpoint is dead, or the run ends?
            name = self._endpoint.model.name
            raise TransientFault(f"model {name!r} gave no answer within the {seconds:.3g} s that it had") from None
        finally:
            self.in_flight -= 1
        self._lives()
        return answers

    def _lives(self) -> None:
        self._succeeded = True
        self._failures, self._asked_wait = 0, 0.0

    async def _after(self, fault: TransientFault, epoch: int, tries: int, began: float) -> float:
        """Seconds that this request has to wait by itself. A 429 holds everyone instead. Raises EndpointDown."""
        self.check()
        patience, asked = self._patience, fault.retry_after
        if asked is not None and asked > patience.longest_wait:
            self._break(EndpointDown(f"the endpoint asks to wait {asked:.0f} s: {fault}"))
        self._failing_since = began if self._failures == 0 else min(began, self._failing_since)
        self._failures += 1
        self._asked_wait = max(self._asked_wait, asked or 0.0)
        self._judge(fault)
        if not fault.rate_limited:
            return max(asked or 0.0, patience.backoff(tries, self._draw))
        await self._limiter.hold(epoch, asked, lambda strikes: patience.backoff(strikes, self._draw))
        return 0.0

    def _judge(self, fault: TransientFault) -> None:
        """Is the endpoint dead? Not while more requests are in flight than have failed: they may be answered yet."""
        if self._failures < self.in_flight:
            return
        silent, patience = self._clock() - self._failing_since, self._patience
        if not self._succeeded and not fault.rate_limited and silent > patience.first_contact:
            self._break(EndpointDown(f"no answer yet after {silent:.0f} s; last: {fault}"), cut=True)
        if self._failures >= patience.dead_tries and silent > patience.dead_after + self._asked_wait:
            tries = f"{self._failures} requests in {silent:.0f} s"
            self._break(EndpointDown(f"nothing but faults, {tries}; last: {fault}"), cut=True)

    def check(self) -> None:
        """Raises what broke the circuit, where something did."""
        if self._circuit is not None:
            raise type(self._circuit)(str(self._circuit))

    def _told_cut(self) -> None:
        try:
            self.check()
        except Interrupted as error:
            error.sent = True
            raise

    def stop(self, error: Interrupted) -> None:
        """Send nothing more, and end every wait. What is in flight may still bring an answer, until `cut`."""
        self._open(error)

    def cut(self) -> None:
        """Wait no longer for what is in flight."""
        self._end(self._sent)

    def _break(self, error: EndpointDown | EndpointRejected, *, cut: bool = False) -> NoReturn:
        """End every wait; with `cut` what is in flight too, which otherwise may bring an answer that was paid for."""
        if self._open(error) and cut:
            self.cut()
        raise error

    def _open(self, error: EndpointDown | EndpointRejected | Interrupted) -> bool:
        """Open the circuit; False where it was open."""
        if self._circuit is not None:
            return False
        self._circuit = error
        self._end(self._stoppable)
        return True

    def _end(self, limits: set[asyncio.Timeout]) -> None:
        now = asyncio.get_running_loop().time()
        for limit in list(limits):
            limit.reschedule(now)

    @asynccontextmanager
    async def _may_stop(self) -> AsyncIterator[None]:
        """A wait that ends at once when the circuit breaks."""
        try:
            async with asyncio.timeout(None) as limit:
                self._stoppable.add(limit)
                try:
                    yield
                finally:
                    self._stoppable.discard(limit)
        except TimeoutError:
            self.check()
            raise
