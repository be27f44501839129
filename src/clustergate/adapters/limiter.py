"""Lets requests through at the pace an account allows: turns, first come, first served, and a hold after a 429."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Protocol


class Pace(Protocol):
    """A schedule of requests over all processes."""

    async def reserve(self) -> float:
        """Book the next place; the seconds until it."""

    async def push_back(self, seconds: float) -> None:
        """No new place before `seconds` from now."""


class Limiter:
    """Turns at one account (provider, base URL, key): at most `concurrency` in flight, first come, first served.

    After a 429 nobody gets a turn until the hold is over; then one goes ahead, and every answer lets one more in
    flight than before, so that those who waited do not all fall on the endpoint at once. Belongs to the event loop
    that it is first used on.
    """

    def __init__(self, concurrency: int, pace: Pace | None = None) -> None:
        self._concurrency = concurrency
        self._pace = pace
        self._window = concurrency
        self._waiting: list[tuple[int, asyncio.Future[int]]] = []
        self._tickets = itertools.count()
        self._epoch = 0
        self._fresh = 0  # in flight since the epoch began; what was sent before it may take its time
        self._strikes = 0  # 429s in a row; those that were in flight together count once
        self._held_until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self.in_flight = 0

    def ticket(self) -> int:
        """A place in the line. Who comes back with an old ticket is served before those who came later."""
        return next(self._tickets)

    async def enter(self, ticket: int) -> int:
        """Wait for a turn. Returns its epoch, for `leave` and `hold`; 429s begin a new one."""
        paced = self._pace is None
        while True:
            epoch = await self._turn(ticket)
            try:
                if self._pace is not None and not paced:
                    await asyncio.sleep(await self._pace.reserve())
                    paced = True
            except BaseException:
                self.leave(epoch, answered=False)
                raise
            if epoch == self._epoch:
                return epoch
            self.leave(epoch, answered=False)  # a 429 came in between: back into the line

    async def _turn(self, ticket: int) -> int:
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (ticket, turn))
        self._admit()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(turn.result(), answered=False)
            raise

    def leave(self, epoch: int, *, answered: bool) -> None:
        """Give the turn back. `answered`: a request was sent and met no 429."""
        self.in_flight -= 1
        if epoch == self._epoch:
            self._fresh -= 1
            if answered:
                self._strikes = 0
                self._window = min(self._concurrency, self._window + 1)
        self._admit()

    async def hold(self, epoch: int, asked: float | None, guess: Callable[[int], float]) -> None:
        """A request of `epoch` met a 429: no turns for the seconds `asked` for, or `guess(429s in a row)`.

        Call before `leave`. 429s that were in flight together are one; only what they ask for can add to the hold.
        """
        if epoch == self._epoch:
            self._epoch += 1
            self._strikes += 1
            self._window, self._fresh = 1, 0
            # An endpoint that keeps saying 'at once' is not taken at its word for ever.
            seconds = asked if asked and self._strikes == 1 else max(asked or 0.0, guess(self._strikes))
        else:
            seconds = asked or 0.0
        until = asyncio.get_running_loop().time() + seconds
        if until <= self._held_until:
            return
        self._held_until = until
        if self._pace is not None:
            await self._pace.push_back(seconds)

    def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._fresh < self._window and self.in_flight < self._concurrency:
            held = self._held_until - loop.time()
            if held > 0:
                if self._alarm is None:
                    self._alarm = loop.call_later(held, self._awake)
                return
            _, turn = heapq.heappop(self._waiting)
            if not turn.done():  # else its task was cancelled
                self.in_flight += 1
                self._fresh += 1
                turn.set_result(self._epoch)

    def _awake(self) -> None:
        self._alarm = None
        self._admit()
