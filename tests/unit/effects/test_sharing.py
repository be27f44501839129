"""Draws that ask the same share requests: everyone gets one answer of its own, and nobody is asked for twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.effects.sharing import Sharing
from clustergate.nouns.errors import EndpointDown, Interrupted
from clustergate.nouns.model import Answer, Finish, Message, Request

ONE = Request(messages=(Message("user", "One?"),), temperature=1.0, max_tokens=10)
TWO = Request(messages=(Message("user", "Two?"),), temperature=1.0, max_tokens=10)


class Counter:
    """A gate that numbers its answers; gives at most `gives` a request, lets `turns` through at once."""

    def __init__(self, gives: int = 8, turns: int = 1, error: BaseException | None = None) -> None:
        self.asked: list[tuple[str, int]] = []
        self.keys: list[str | None] = []
        self._gives = gives
        self._turns = asyncio.Semaphore(turns)
        self._error = error
        self._given = 0

    async def ask(self, request: Request, on_try: Callable[[], None] | None = None, key: str | None = None) -> Answer:
        self.keys.append(key)
        return (await self.ask_several(request, lambda: 1, on_try))[0]

    async def ask_several(
        self, request: Request, count: Callable[[], int], on_try: Callable[[], None] | None = None
    ) -> list[Answer]:
        async with self._turns:
            wanted = count()
            self.asked.append((request.messages[0].content, wanted))
            if on_try is not None:
                on_try()
            await asyncio.sleep(0.001)
            if self._error is not None:
                raise self._error
            given = range(self._given, self._given + min(wanted, self._gives))
            self._given += len(given)
            return [Answer(text=str(number), finish=Finish.STOP) for number in given]

    def check(self) -> None:
        """Nothing has ended."""


async def _all(sharing: Sharing, requests: list[Request]) -> list[Answer | BaseException]:
    return await asyncio.gather(*(sharing.ask(request) for request in requests), return_exceptions=True)


def _texts(found: list[Answer | BaseException]) -> list[str]:
    assert all(isinstance(one, Answer) for one in found), found
    return [one.text for one in found if isinstance(one, Answer)]


def test_together() -> None:
    """Those who wait at the same time for the same question go together, up to what a request may ask for."""
    gate = Counter()
    assert len(set(_texts(asyncio.run(_all(Sharing(gate, 8), [ONE] * 10 + [TWO] * 3))))) == 13
    assert sorted(gate.asked) == [("One?", 2), ("One?", 8), ("Two?", 3)]


def test_one_by_one() -> None:
    """Where an endpoint gives one answer a request, every draw asks for itself, by its own key."""
    gate = Counter()
    asyncio.run(_all(Sharing(gate, 1), [ONE] * 3))
    assert gate.asked == [("One?", 1)] * 3
    asyncio.run(Sharing(gate, 1).ask(ONE, key="k"))
    assert gate.keys == [None] * 3 + ["k"]


@given(
    requests=st.lists(st.sampled_from([ONE, TWO]), max_size=40), several=st.integers(1, 9), gives=st.integers(1, 9),
    turns=st.integers(1, 5),
)  # fmt: skip
def test_one_answer_each(requests: list[Request], several: int, gives: int, turns: int) -> None:
    """However few answers come of those asked for: no answer goes to two, and everyone gets one."""
    gate = Counter(gives, turns)
    found = _texts(asyncio.run(_all(Sharing(gate, several), requests)))
    assert len(set(found)) == len(requests)
    assert len(found) == gate._given  # and none was fetched that nobody wanted


@pytest.mark.parametrize("error", [EndpointDown("dead"), Interrupted("over")])
def test_a_fault_reaches_all(error: Exception) -> None:
    """Nobody waits for ever for what will not come."""

    async def run() -> list[Answer | BaseException]:
        return await asyncio.wait_for(_all(Sharing(Counter(error=error), 4), [ONE] * 10), 5)

    assert asyncio.run(run()) == [error] * 10


def test_who_has_gone_is_not_asked_for() -> None:
    """A draw that was given up takes no place; a request that nobody waits for any more is not sent."""

    async def run() -> list[tuple[str, int]]:
        gate = Counter()
        sharing = Sharing(gate, 4)
        async with gate._turns:
            first = [asyncio.ensure_future(sharing.ask(ONE)) for _ in range(3)]
            others = [asyncio.ensure_future(sharing.ask(TWO)) for _ in range(2)]
            await asyncio.sleep(0)
            for task in [first[0], *others]:
                task.cancel()
        await asyncio.gather(*first, *others, return_exceptions=True)
        await asyncio.sleep(0.01)
        return gate.asked

    assert asyncio.run(run()) == [("One?", 2)]


def test_nothing_is_kept() -> None:
    """Once all have their answers no question is remembered: conversations have as many as they have turns."""

    async def run() -> int:
        sharing = Sharing(Counter(3, 2), 8)
        await _all(sharing, [ONE] * 10 + [TWO])
        await asyncio.sleep(0)
        return len(sharing._groups)

    assert asyncio.run(run()) == 0


def test_requests_are_counted_where_they_are_caused() -> None:
    """Each request counts once, for one of those who asked."""
    counted = []

    async def run() -> None:
        sharing = Sharing(Counter(), 8)
        await asyncio.gather(*(sharing.ask(ONE, lambda: counted.append(1)) for _ in range(10)))

    asyncio.run(run())
    assert len(counted) == 2
