"""Several processes at one account: one limit, one pace, one hold. Each has its own store object, on one place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from clustergate.adapters.limiter import Limiter
from clustergate.adapters.patient import Patient
from clustergate.adapters.store import SqlStore
from clustergate.adapters.store_slots import Report, Share
from clustergate.nouns.errors import StoreError
from clustergate.nouns.headroom import Headroom
from clustergate.nouns.model import Answer, Finish
from clustergate.run.account import SharedAccount
from tests.unit.adapters.scripted_provider import a_request
from tests.unit.adapters.store_house import Place
from tests.unit.adapters.test_limiter import FINE, STUBBORN, Scripted, ask_all, busy

ACCOUNT = ("openai", "http://one", "KEY")


class Noting(SharedAccount):
    """Notes how often its process was told what it may have, and whether that wanted anything the last time."""

    def __init__(self, heard: asyncio.Event, *words: Any, **limits: Any) -> None:
        super().__init__(*words, **limits)
        self.answers, self.wanted, self._heard = 0, 1, heard

    async def report(self, told: Report) -> Share:
        share = await super().report(told)
        self.answers, self.wanted = self.answers + 1, told.wanted
        self._heard.set()
        return share


class Alone:
    """An account that one process has for itself. It gives out places after `waits`, in seconds, and then at once."""

    def __init__(self, *waits: float) -> None:
        self.waits = list(waits)
        self.places = self.epoch = 0

    async def report(self, told: Report) -> Share:
        return Share(slots=50, others=0, epoch=self.epoch, held=0.0)

    async def reserve(self, tokens: int) -> float:
        self.places += 1
        return self.waits.pop(0) if self.waits else 0.0

    async def slow_down(self, epoch: int, seconds: float) -> int:
        self.epoch = epoch + 1
        return self.epoch

    async def correct(self, tokens: int) -> None:
        """Nothing is counted in tokens."""


class Processes:
    """As many limiters as processes, over one store."""

    def __init__(self, location: str, count: int, **limits: Any) -> None:
        self.stores = [SqlStore(location) for _ in range(count)]
        self.heard = asyncio.Event()
        self.accounts = [Noting(self.heard, store, ACCOUNT, **limits) for store in self.stores]
        self.limiters = [Limiter(account=account) for account in self.accounts]

    async def told_twice(self) -> None:
        """Until all who want something have been told two times more what they may have."""
        awaited = [(account, account.answers + 2) for account in self.accounts]
        while any(account.wanted and account.answers < answers for account, answers in awaited):
            await self.heard.wait()
            self.heard.clear()
        await asyncio.sleep(0.01)  # time to act on it

    async def ask(self, endpoint: Scripted, counts: Sequence[int]) -> list[Answer | BaseException]:
        """So many asks in each process."""
        asks = [
            ask_all(Patient(endpoint, limiter, patience=STUBBORN), count)
            for limiter, count in zip(self.limiters, counts, strict=True)
        ]
        told = [one for answers in await asyncio.gather(*asks) for one in answers]
        for limiter in self.limiters:
            await limiter.close()
        for store in self.stores:
            store.close()
        return told


def test_in_sum_never_more(place: Place) -> None:
    """Eight processes of unequal appetite have all in flight that one might, each time anew, and never one more."""
    counts = [24, 12, 5, 3, 1, 1, 1, 1]  # three times 16
    full: list[int] = []

    async def run() -> list[Answer | BaseException]:
        processes = Processes(place.location, 8, concurrency=16)
        door = asyncio.Event()

        async def play(endpoint: Scripted) -> Answer:
            """Nobody is answered before 16 are here, and whoever waits has been refused."""
            nonlocal door
            mine = door
            if endpoint.in_flight == 16:
                door = asyncio.Event()
                await processes.told_twice()
                full.append(endpoint.in_flight)
                mine.set()
            await mine.wait()
            return FINE

        endpoint.play = play
        return await asyncio.wait_for(processes.ask(endpoint, counts), 60)

    endpoint = Scripted()
    assert asyncio.run(run()) == [FINE] * 48
    assert (full, endpoint.most) == ([16, 16, 16], 16)


def test_what_was_not_told_is_not_used() -> None:
    """Until a report is answered no more are in flight than it told: the rest may be another's by then."""

    class Slow(Alone):
        def __init__(self) -> None:
            super().__init__()
            self.told: list[Report] = []
            self.asked, self.answer = asyncio.Event(), asyncio.Event()

        async def report(self, told: Report) -> Share:
            self.told.append(told)
            if len(self.told) == 2:
                self.asked.set()
                await self.answer.wait()
            return Share(slots=4 if len(self.told) == 1 else 3, others=0, epoch=0, held=0.0)

    async def run() -> list[int]:
        account = Slow()
        limiter = Limiter(account=account)
        await limiter.enter(limiter.ticket())
        await account.asked.wait()
        more = [asyncio.ensure_future(limiter.enter(limiter.ticket())) for _ in range(3)]
        await asyncio.sleep(0.05)
        seen = [account.told[1].using, limiter.in_flight]
        account.answer.set()
        await asyncio.gather(*more[:2])
        seen.append(limiter.in_flight)
        more[2].cancel()
        await limiter.close()
        return seen

    assert asyncio.run(asyncio.wait_for(run(), 30)) == [1, 1, 3]


def test_one_429_holds_everyone(place: Place) -> None:
    """A process that met none itself sends nothing either, from its next report on until the hold is over."""
    began = time.monotonic()
    met: list[float] = []

    async def play(endpoint: Scripted) -> Answer:
        await asyncio.sleep(0.02)
        if not met and time.monotonic() - began > 0.5:
            met.append(time.monotonic())
            raise busy(1.0)
        return FINE

    endpoint = Scripted(play=play)

    async def run() -> list[Answer | BaseException]:
        return await Processes(place.location, 2, concurrency=4).ask(endpoint, [150, 150])

    assert asyncio.run(run()) == [FINE] * 300
    # A report is 0.15 s apart; on a busy machine it may come late.
    assert [at for at, _ in endpoint.sent if met[0] + 0.6 < at < met[0] + 0.95] == []


def test_the_limit_is_found(tmp_path: Path) -> None:
    """An endpoint that takes 30 at once and says so by 429 alone is used nearly to that, and not left in peace."""
    taken = 30

    async def play(endpoint: Scripted) -> Answer:
        if endpoint.in_flight > taken:
            raise busy(0.05)
        await asyncio.sleep(0.02)
        return FINE

    endpoint = Scripted(play=play)

    async def run() -> list[Answer | BaseException]:
        return await Processes(str(tmp_path / "store.sqlite"), 1).ask(endpoint, [1500])

    assert asyncio.run(run()) == [FINE] * 1500
    refused = len(endpoint.sent) - 1500
    assert endpoint.most > taken
    assert refused < 300


@pytest.mark.parametrize("workers", [1, 8])
def test_requests_a_minute(place: Place, workers: int) -> None:
    """In no second more than the rate and its burst, however many processes ask."""
    endpoint = Scripted()

    async def run() -> list[Answer | BaseException]:
        return await Processes(place.location, workers, concurrency=50, rpm=3000).ask(
            endpoint, [160 // workers] * workers
        )

    assert asyncio.run(run()) == [FINE] * 160
    times = sorted(at for at, _ in endpoint.sent)
    most = max(sum(start <= at < start + 1 for at in times) for start in times)
    assert most <= 50 + 50 + 5  # a second's worth, the burst, and what a busy machine sends late


def test_a_place_that_a_hold_outlasts_is_lost() -> None:
    """Those who waited for their place when a 429 came ask for another after it, and do not all go at once."""
    account, endpoint = Alone(0.0, *[0.5] * 10), Scripted(busy(1.0))
    limiter = Limiter(account=account)
    assert asyncio.run(ask_all(Patient(endpoint, limiter), 11)) == [FINE] * 11
    assert account.places == 1 + 10 + 1 + 10  # the one that met it and those who waited, each twice


def test_a_place_after_a_hold_is_kept() -> None:
    """Whoever goes ahead after a 429 takes the next place that was given out before it, and is not sent to the end."""
    account = Alone(0.0, 1.0, 1.3, 1.6, 60.0)

    async def run() -> list[int]:
        sent = asyncio.Event()

        async def play(endpoint: Scripted) -> Answer:
            if len(endpoint.sent) == 1:
                await asyncio.sleep(0.02)  # the others have their places by then
                raise busy(0.02)
            if len(endpoint.sent) == 4:
                sent.set()
            return FINE

        endpoint, limiter = Scripted(play=play), Limiter(account=account)
        asking = asyncio.ensure_future(ask_all(Patient(endpoint, limiter), 4))
        await asyncio.wait_for(sent.wait(), 20)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await limiter.close()
        return [number for _, number in endpoint.sent]

    assert asyncio.run(run()) == [1, 1, 2, 3]


def test_tokens_a_minute(tmp_path: Path) -> None:
    """Requests wait for the tokens of those before them: as booked, and then as they were."""

    async def play(endpoint: Scripted) -> Answer:
        return Answer(text="Fine.", finish=Finish.STOP, input_tokens=10, output_tokens=90)

    endpoint = Scripted(play=play)

    async def run() -> float:
        limiter = Processes(str(tmp_path / "store.sqlite"), 1, concurrency=50, tpm=60_000).limiters[0]
        patient = Patient(endpoint, limiter)
        began = time.monotonic()
        for _ in range(25):
            await patient.ask(a_request(max_tokens=100))
        await limiter.close()
        return time.monotonic() - began

    assert asyncio.run(run()) > 1.3  # 25 times 100 tokens at 1,000 a second, a second's worth at once


def test_what_runs_low_is_waited_for() -> None:
    """An endpoint that tells how much is left is not asked until it says 429."""
    began = time.monotonic()

    class Telling(Scripted):
        @property
        def headroom(self) -> tuple[Headroom, ...]:  # type: ignore[override]
            return (Headroom("requests", 100, 0, 50.0),) if len(self.sent) == 3 else ()

    endpoint = Telling()

    async def run() -> None:
        patient = Patient(endpoint, Limiter(1))
        for _ in range(5):
            await patient.ask(a_request())

    asyncio.run(run())
    gaps = [b - a for (a, _), (b, _) in zip(endpoint.sent, endpoint.sent[1:], strict=False)]
    assert gaps[2] > 0.4  # one comes back every half a second
    assert time.monotonic() - began < 5


def test_judges_go_first() -> None:
    """Whoever is urgent is served before those who wait, and among its like in order."""
    endpoint = Scripted()

    async def run() -> None:
        limiter = Limiter(1)
        plain, urgent = Patient(endpoint, limiter), Patient(endpoint, limiter, urgent=True)
        asks = [plain.ask(a_request(max_tokens=number)) for number in (1, 2, 3)]
        asks += [urgent.ask(a_request(max_tokens=number)) for number in (11, 12)]
        await asyncio.gather(*asks)

    asyncio.run(run())
    assert [number for _, number in endpoint.sent] == [1, 11, 12, 2, 3]


def test_a_store_that_breaks_ends_the_wait(tmp_path: Path) -> None:
    """Nobody waits for ever for a share that cannot be told."""

    async def run() -> list[Answer | BaseException]:
        processes = Processes(str(tmp_path / "store.sqlite"), 1, concurrency=4)
        processes.stores[0].close()
        return await asyncio.wait_for(processes.ask(Scripted(), [3]), 5)

    assert {type(one) for one in asyncio.run(run())} == {StoreError}
