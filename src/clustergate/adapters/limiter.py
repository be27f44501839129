"""Lets requests through as an account allows: turns, first come, first served, and a hold after a 429."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from clustergate.adapters.store_slots import Report, Share
from clustergate.nouns.errors import StoreError
from clustergate.nouns.headroom import Headroom

_BEAT: Final = 0.15
"""Seconds between two reports of a process to the others."""
_WEIGHT: Final = 0.1
"""Of the latest number in a running average."""


def averaged(before: float | None, latest: float) -> float:
    """A running average, in which what is long ago counts ever less."""
    return latest if before is None else (1 - _WEIGHT) * before + _WEIGHT * latest


class Account(Protocol):
    """What all processes that ask at one account know together."""

    async def report(self, told: Report) -> Share:
        """Say what is in flight and wanted; learn what may be."""

    async def slow_down(self, epoch: int, seconds: float) -> int:
        """A 429 was met: tell everyone. The epoch from now on."""

    async def reserve(self, tokens: int) -> float:
        """Book the next place for a request that will take so many tokens; the seconds until it."""

    async def correct(self, tokens: int) -> None:
        """So many more tokens were taken than booked, or fewer."""


class Limiter:
    """Turns at one account (provider, base URL, key), first come, first served, but that judges go first.

    `slots` requests are in flight at most: `concurrency` of them, or with an `account` what its processes agree on.
    After a 429 nobody gets a turn until the hold is over; then one goes ahead, and every answer lets one more in
    flight than before, so that those who waited do not all fall on the endpoint at once. Belongs to the event loop
    that it is first used on.
    """

    def __init__(self, concurrency: int = 0, account: Account | None = None) -> None:
        self.slots = concurrency
        self.in_flight = 0
        self._account = account
        self._window = math.inf
        self._waiting: list[tuple[tuple[bool, int], asyncio.Future[int]]] = []
        self._tickets = itertools.count()
        self._epoch = 0
        self._turned = asyncio.Event()  # when the next epoch begins
        self._places: list[float] = []  # in the schedule, when a 429 came before them
        self._shared_epoch: int | None = None  # as the others count; unknown until the first report
        self._fresh = 0  # in flight since the epoch began; what was sent before it may take its time
        self._strikes = 0  # 429s in a row; those that were in flight together count once
        self._held_until = 0.0
        self._low_until = 0.0
        self._others = 0
        self._tokens: float | None = None
        self._answers = 0
        self._full = False
        self._told = math.inf  # in flight, as was said in a report that is not answered yet
        self._alarm: asyncio.TimerHandle | None = None
        self._reporting: asyncio.Task[None] | None = None

    def ticket(self, *, urgent: bool = False) -> tuple[bool, int]:
        """A place in the line. Who comes back with an old ticket is served before those who came later."""
        return not urgent, next(self._tickets)

    async def enter(self, ticket: tuple[bool, int], tokens: int = 0) -> int:
        """Wait for a turn. Returns its epoch, for `leave` and `hold`; 429s begin a new one. Raises StoreError."""
        while True:
            epoch = await self._turn(ticket)
            try:
                if self._account is not None:
                    await self._place(self._account, tokens)
            except BaseException:
                self.leave(epoch, answered=False)
                raise
            if epoch == self._epoch:
                return epoch
            self.leave(epoch, answered=False)  # a 429 came in between: back into the line

    async def _place(self, account: Account, tokens: int) -> None:
        """Wait for a place in the schedule of all processes. A 429 ends the wait; the place is left to others here.

        One that a hold outlasts is lost: those who waited for theirs would otherwise all go at once after it.
        """
        loop, turned = asyncio.get_running_loop(), self._turned
        while self._places and self._places[0] < loop.time():
            heapq.heappop(self._places)
        if self._places:
            place = heapq.heappop(self._places)
        else:
            wait = await account.reserve(tokens)
            place = loop.time() + wait
        if place > loop.time():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(place):
                    await turned.wait()
                    heapq.heappush(self._places, place)

    async def _turn(self, ticket: tuple[bool, int]) -> int:
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (ticket, turn))
        if self._account is not None and self._reporting is None:
            self._reporting = asyncio.ensure_future(self._report(self._account))
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
        self._answers += answered
        if epoch == self._epoch:
            self._fresh -= 1
            if answered:
                self._strikes = 0
                self._window += 1
        self._admit()

    async def correct(self, tokens: int) -> None:
        """So many more tokens were taken than `enter` was told, or fewer."""
        if self._account is not None and tokens:
            await self._account.correct(tokens)

    async def hold(self, epoch: int, asked: float | None, guess: Callable[[int], float]) -> None:
        """A request of `epoch` met a 429: no turns for the seconds `asked` for, or `guess(429s in a row)`.

        Call before `leave`. 429s that were in flight together are one; only what they ask for can add to the hold.
        """
        first = epoch == self._epoch
        if first:
            self._begin_epoch()
            self._strikes += 1
            # An endpoint that keeps saying 'at once' is not taken at its word for ever.
            seconds = asked if asked and self._strikes == 1 else max(asked or 0.0, guess(self._strikes))
        else:
            seconds = asked or 0.0
        until = asyncio.get_running_loop().time() + seconds
        longer = until > self._held_until
        self._held_until = max(until, self._held_until)
        if self._account is not None and (first or longer):
            known = await self._account.slow_down(self._shared_epoch or 0, seconds)
            self._shared_epoch = max(known, self._shared_epoch or 0)

    def heard(self, rooms: Sequence[Headroom], tokens: int | None) -> None:
        """What an answer told of the account's limits, and the tokens it took: where they run low, turns wait."""
        if tokens is not None:
            self._tokens = averaged(self._tokens, tokens)
        # What is in flight already is not in the endpoint's count yet.
        pending = self.in_flight + self._others
        wait = max((room.wait(pending, self._tokens) for room in rooms), default=0.0)
        self._low_until = asyncio.get_running_loop().time() + wait if wait else 0.0

    def _begin_epoch(self) -> None:
        self._epoch += 1
        self._turned.set()
        self._turned = asyncio.Event()
        self._window, self._fresh = 1, 0

    async def _report(self, account: Account) -> None:
        """Tell the others what is wanted here, as long as something is."""
        try:
            while True:
                wanted = self.in_flight + len(self._waiting)
                told = Report(using=self.in_flight, wanted=wanted, answers=self._answers, full=self._full)
                self._answers, self._full = 0, False
                # Until the answer is here: what was not said to be in use may have been given to another process.
                self._told = self.in_flight
                share = await account.report(told)
                self._told = math.inf
                self._take(share)
                if not wanted and not self._waiting and not self.in_flight:
                    return
                await asyncio.sleep(_BEAT)
        except StoreError as error:
            waiting, self._waiting = self._waiting, []
            for _, turn in waiting:
                if not turn.done():
                    turn.set_exception(error)
        finally:
            self._reporting, self._told = None, math.inf

    def _take(self, share: Share) -> None:
        self.slots, self._others = share.slots, share.others
        if self._shared_epoch is None or share.epoch > self._shared_epoch:
            if self._shared_epoch is not None:  # a 429 that another process met just now
                self._begin_epoch()
            self._shared_epoch = share.epoch
            self._held_until = max(self._held_until, asyncio.get_running_loop().time() + share.held)
        self._admit()

    def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            if self.in_flight >= self.slots:
                self._full = True
                return
            if self._fresh >= self._window or self.in_flight >= self._told:
                return
            held = max(self._held_until, self._low_until) - loop.time()
            if held > 0:
                if self._alarm is not None:
                    self._alarm.cancel()
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

    async def close(self) -> None:
        """Report no more."""
        if self._reporting is not None:
            self._reporting.cancel()
            await asyncio.gather(self._reporting, return_exceptions=True)
