"""Draws that ask the same at the same moment share a request, where the endpoint gives several answers to one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from clustergate.nouns.model import Answer, Request
from clustergate.nouns.protocols import Gatekeeper


@dataclass
class _Group:
    """Those who wait for an answer to one question, and the requests on their way to fetch some."""

    waiting: deque[asyncio.Future[Answer]] = field(default_factory=deque)
    carriers: set[asyncio.Task[None]] = field(default_factory=set)
    idle: int = 0
    """Carriers that have not had their turn yet."""


class Sharing:
    """Asks through a gate, for at most `several` answers a request. Each answer goes to exactly one who asked."""

    def __init__(self, gate: Gatekeeper, several: int) -> None:
        self._gate = gate
        self._several = several
        self._groups: dict[Request, _Group] = {}

    def check(self) -> None:
        self._gate.check()

    async def ask(self, request: Request, on_try: Callable[[], None] | None = None, key: str | None = None) -> Answer:
        """As Gatekeeper.ask. `on_try` is called for the requests that this call caused to be sent."""
        if self._several == 1:
            return await self._gate.ask(request, on_try, key)
        group = self._groups.setdefault(request, _Group())
        mine: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        group.waiting.append(mine)
        self._send_carriers(request, group, on_try)
        return await mine

    def _send_carriers(self, request: Request, group: _Group, on_try: Callable[[], None] | None) -> None:
        """As many as are needed to fetch an answer for everyone who waits."""
        while len(group.waiting) > group.idle * self._several:
            group.idle += 1
            carrier = asyncio.ensure_future(self._carry(request, group, on_try))
            group.carriers.add(carrier)
            carrier.add_done_callback(lambda done: self._back(request, group, done))

    def _back(self, request: Request, group: _Group, carrier: asyncio.Task[None]) -> None:
        """Whoever waits has a carrier: with the last one the group has done its work."""
        group.carriers.discard(carrier)
        if not group.carriers:
            del self._groups[request]

    async def _carry(self, request: Request, group: _Group, on_try: Callable[[], None] | None) -> None:
        """One request for as many as wait when its turn has come."""
        mine: list[asyncio.Future[Answer]] = []
        begun = False

        def board() -> int:
            nonlocal begun
            if not begun:
                begun = True
                group.idle -= 1
                while group.waiting and len(mine) < self._several:
                    waiter = group.waiting.popleft()
                    if not waiter.done():  # else whoever asked has gone
                        mine.append(waiter)
            if not mine:
                raise asyncio.CancelledError
            return len(mine)

        try:
            answers = await self._gate.ask_several(request, board, on_try)
        except BaseException as error:
            if not begun:
                group.idle -= 1
                mine = [group.waiting.popleft() for _ in range(min(self._several, len(group.waiting)))]
            for waiter in mine:
                if not waiter.done():
                    waiter.cancel() if isinstance(error, asyncio.CancelledError) else waiter.set_exception(error)
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        for waiter, answer in zip(mine, answers, strict=False):
            if not waiter.done():
                waiter.set_result(answer)
        # Fewer came than were asked for: the rest asks again.
        group.waiting.extendleft(reversed([waiter for waiter in mine[len(answers) :] if not waiter.done()]))
        self._send_carriers(request, group, on_try)
