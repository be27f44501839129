"""Turns, retries, patience and the circuit, over scripted endpoints without a wire."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from clustergate.adapters.limiter import Limiter
from clustergate.adapters.patient import Patience, Patient
from clustergate.adapters.store_slots import Report, Share
from clustergate.nouns.errors import (
    BudgetSpent,
    EndpointDown,
    EndpointRejected,
    Interrupted,
    RequestRefused,
    TransientFault,
)
from clustergate.nouns.model import Answer, Finish, Model, Request
from tests.unit.adapters.scripted_provider import Talk, a_model, a_request, fine, refuse

FINE = Answer(text="Fine.", finish=Finish.STOP)
QUICK = Patience(per_reply=2, dead_after=0.3, first_contact=0.1, backoff_base=0.004, backoff_cap=0.02, longest_wait=1)
STUBBORN = Patience(backoff_base=0.004, backoff_cap=0.02)
Play = Callable[["Scripted"], Awaitable[Answer]]


def busy(retry_after: float | None = None) -> TransientFault:
    return TransientFault("429", rate_limited=True, retry_after=retry_after)


class Scripted:
    """An endpoint that plays its script: faults to raise in order, then FINE; or a coroutine for each request."""

    dropped: tuple[str, ...] = ()
    headroom = ()

    def __init__(self, *script: Exception, play: Play | None = None, model: Model | None = None) -> None:
        self.model = model or a_model("openai")
        self.script = list(script)
        self.play = play
        self.sent: list[tuple[float, int]] = []
        self.in_flight = self.most = 0

    async def ask(self, request: Request) -> Answer:
        self.sent.append((time.monotonic(), request.max_tokens))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            if self.play is not None:
                return await self.play(self)
            await asyncio.sleep(0.005)
            if self.script:
                raise self.script.pop(0)
            return FINE
        finally:
            self.in_flight -= 1

    async def close(self) -> None: ...


async def ask_all(patient: Patient, count: int) -> list[Answer | BaseException]:
    """`count` asks at once; number i asks for i + 1 tokens, so that the endpoint can tell them apart."""
    asks = (patient.ask(a_request(max_tokens=number + 1)) for number in range(count))
    return await asyncio.gather(*asks, return_exceptions=True)


def patient(endpoint: Scripted, limiter: Limiter | None = None, **changed: Any) -> Patient:
    said: dict[str, Any] = {"patience": QUICK, **changed}
    return Patient(endpoint, limiter or Limiter(4), **said)


def test_never_more_than_allowed() -> None:
    """However many ask, over however many patients of one account, no more than `concurrency` are in flight."""
    endpoint = Scripted(*[busy(), TransientFault("500")] * 10)
    limiter = Limiter(3)

    async def run() -> list[Answer | BaseException]:
        two = [patient(endpoint, limiter, patience=STUBBORN) for _ in range(2)]
        return [one for told in await asyncio.gather(*(ask_all(one, 20) for one in two)) for one in told]

    assert asyncio.run(run()) == [FINE] * 40
    assert endpoint.most == 3
    assert limiter.in_flight == 0


def test_all_that_is_allowed() -> None:
    """While work remains, all that is allowed is in flight."""
    endpoint = Scripted()

    async def run() -> float:
        began = time.monotonic()
        await ask_all(patient(endpoint, Limiter(50)), 500)
        return time.monotonic() - began

    assert asyncio.run(run()) < 1.5  # 10 times 5 ms on a fast machine, 2.5 s one by one
    assert endpoint.most == 50


def test_first_come_first_served() -> None:
    """Turns go out in the order of asking."""
    endpoint = Scripted()
    asyncio.run(ask_all(patient(endpoint, Limiter(2)), 12))
    assert [number for _, number in endpoint.sent] == list(range(1, 13))


def test_rate_limit_holds_everyone() -> None:
    """After a 429 nobody is sent before Retry-After is over, and whoever met it goes first."""
    endpoint = Scripted(busy(0.2))
    asyncio.run(ask_all(patient(endpoint, Limiter(1)), 4))
    assert [number for _, number in endpoint.sent] == [1, 1, 2, 3, 4]
    assert endpoint.sent[1][0] - endpoint.sent[0][0] >= 0.2


def test_no_thundering_herd() -> None:
    """After a hold one goes ahead alone, and the rest follow in growing numbers."""

    async def run() -> list[int]:
        open_again = asyncio.get_running_loop().time() + 0.1
        first = True
        waves: list[int] = []

        async def play(endpoint: Scripted) -> Answer:
            nonlocal first
            if asyncio.get_running_loop().time() < open_again:
                raise busy(0.15) if first else busy()
            waves.append(endpoint.in_flight)
            await asyncio.sleep(0.01)
            return FINE

        endpoint = Scripted(play=play)
        assert await ask_all(patient(endpoint, Limiter(16)), 60) == [FINE] * 60
        return waves

    waves = asyncio.run(run())
    assert waves[:2] == [1, 1]
    assert max(waves[:7]) <= 4
    assert max(waves) == 16


def test_429s_in_flight_together_are_one() -> None:
    """Many 429s of one moment are one hold, not one after the other."""
    endpoint = Scripted(*[busy(0.3)] * 8)

    async def run() -> float:
        began = time.monotonic()
        assert await ask_all(patient(endpoint, Limiter(8)), 8) == [FINE] * 8
        return time.monotonic() - began

    assert asyncio.run(run()) < 1.5  # one by one 2.4 s


def test_held_time_does_not_count() -> None:
    """Waiting for a turn is not charged to a reply: a hold longer than its time does not fail it."""
    endpoint = Scripted(busy(0.5))
    slow = Patience(per_reply=0.4)
    assert asyncio.run(ask_all(patient(endpoint, Limiter(1), patience=slow), 3)) == [FINE] * 3


def test_answers_do_not_wait_for_stragglers() -> None:
    """What was sent before a 429 and takes its time does not keep the line from moving on after the hold."""

    async def run() -> float:
        async def play(endpoint: Scripted) -> Answer:
            number = len(endpoint.sent)
            if number == 1:
                await asyncio.sleep(30)
            elif number == 2:
                raise busy(0.05)
            return FINE

        one = patient(Scripted(play=play), Limiter(2))
        began = time.monotonic()
        straggler = asyncio.ensure_future(one.ask(a_request()))
        await asyncio.sleep(0)
        assert await ask_all(one, 5) == [FINE] * 5
        took = time.monotonic() - began
        straggler.cancel()
        return took

    assert asyncio.run(run()) < 5


def test_transient_faults_are_retried_and_counted() -> None:
    """Faults are asked again; each request sent is counted, spent and told before it is sent."""
    endpoint = Scripted(TransientFault("500"), TransientFault("cut"), busy())
    spent: list[int] = []

    settled: list[Answer | str | None] = []

    class Purse:
        async def spend(self, request: Request) -> str | None:
            spent.append(len(endpoint.sent))
            return None

        async def settle(self, request: Request, answer: Answer | None) -> None:
            settled.append(answer)

        def keep(self) -> None:
            settled.append("kept")

    async def run() -> tuple[Patient, list[int]]:
        told: list[int] = []
        one = patient(endpoint, budget=Purse())
        assert await one.ask(a_request(), lambda: told.append(len(endpoint.sent))) == FINE
        return one, told

    one, told = asyncio.run(run())
    assert (one.requests, one.retries, one.in_flight) == (4, 3, 0)
    assert told == spent == [0, 1, 2, 3]
    # A 429 is not charged and the answer is; what other faults cost nobody knows: they stay counted at their most.
    assert settled == ["kept", "kept", None, FINE]


def test_time_of_one_reply() -> None:
    """When its time is up, the last fault is raised; it names what happened last, and others go on."""
    endpoint = Scripted(*[TransientFault(f"fault {number}") for number in range(1000)])
    short = Patience(per_reply=0.5, backoff_base=0.1, first_contact=60)

    async def run() -> tuple[BaseException, float]:
        began = time.monotonic()
        (told,) = await ask_all(patient(endpoint, patience=short), 1)
        assert isinstance(told, BaseException)
        return told, time.monotonic() - began

    told, took = asyncio.run(run())
    assert isinstance(told, TransientFault)
    cut = re.match(r"model 'subject' gave no answer within the 0\.\d+ s that it had", str(told))  # a last, short try
    assert cut or str(told) == f"fault {len(endpoint.sent) - 1}"
    assert took < 2


def test_a_try_is_cut_at_the_deadline() -> None:
    """A try that would outlast its reply's time is cut off, as a fault."""

    async def play(endpoint: Scripted) -> Answer:
        await asyncio.sleep(5)
        return FINE

    short = Patience(per_reply=0.1, first_contact=60)
    (told,) = asyncio.run(ask_all(patient(Scripted(play=play), patience=short), 1))
    assert isinstance(told, TransientFault)
    assert "'subject' gave no answer within the 0.1 s" in str(told)


def test_a_request_that_is_not_to_take_long() -> None:
    """`within` cuts a try before model and reply would, and an endpoint that never answered is down by then."""

    async def play(endpoint: Scripted) -> Answer:
        await asyncio.sleep(5)
        return FINE

    async def run() -> Answer:
        return await patient(Scripted(play=play), patience=Patience(first_contact=0.05)).ask(a_request(within=0.1))

    with pytest.raises(EndpointDown, match=r"'subject' gave no answer within the 0\.1 s"):
        asyncio.run(run())


def test_refused_request_is_not_retried() -> None:
    """A malformed request is asked once; the endpoint lives, and the others go on."""
    endpoint = Scripted(RequestRefused("400"))
    told = asyncio.run(ask_all(patient(endpoint, Limiter(1)), 2))
    assert isinstance(told[0], RequestRefused)
    assert told[1] == FINE
    assert len(endpoint.sent) == 2


def test_rejection_breaks_the_circuit() -> None:
    """After one rejection all who wait, and all who come later, get the same at once, and nothing more is sent."""
    endpoint = Scripted(EndpointRejected("401, the key"))

    async def run() -> list[Answer | BaseException]:
        one = patient(endpoint, Limiter(1))
        return [*await ask_all(one, 5), *await ask_all(one, 1)]

    told = asyncio.run(run())
    assert [(type(one), str(one)) for one in told] == [(EndpointRejected, "401, the key")] * 6
    assert len(endpoint.sent) == 1


def test_what_is_in_flight_may_still_answer() -> None:
    """A rejection of one request does not throw away the answer to another that was sent before."""

    async def play(endpoint: Scripted) -> Answer:
        if len(endpoint.sent) == 2:
            raise EndpointRejected("401")
        await asyncio.sleep(0.05)
        return FINE

    told = asyncio.run(ask_all(patient(Scripted(play=play), Limiter(2)), 2))
    assert told[0] == FINE
    assert isinstance(told[1], EndpointRejected)


def test_first_contact() -> None:
    """An endpoint that has never answered is down after a few seconds, with its last fault in the message."""
    endpoint = Scripted(*[TransientFault("connection refused")] * 1000)

    async def run() -> tuple[list[Answer | BaseException], float]:
        began = time.monotonic()
        return await ask_all(patient(endpoint, Limiter(2)), 6), time.monotonic() - began

    told, took = asyncio.run(run())
    assert {type(one) for one in told} == {EndpointDown}
    assert all("connection refused" in str(one) for one in told)
    assert 0.1 < took < 2


def test_rate_limit_is_a_sign_of_life() -> None:
    """429s do not make an endpoint down before it is dead by the longer measure."""
    endpoint = Scripted(busy(0.2), busy(0.1))
    assert asyncio.run(ask_all(patient(endpoint), 1)) == [FINE]


def test_dead_endpoint() -> None:
    """An endpoint that answered once and then gives faults alone is down after `dead_after`; hung requests are cut."""

    async def run() -> tuple[list[Answer | BaseException], float]:
        async def play(endpoint: Scripted) -> Answer:
            number = len(endpoint.sent)
            if number == 1:
                return FINE
            if number == 3:
                await asyncio.sleep(30)
            await asyncio.sleep(0.005)
            raise TransientFault("503, overloaded")

        one = patient(Scripted(play=play))
        assert await one.ask(a_request()) == FINE
        await asyncio.sleep(0.4)  # idle: being asked nothing is no fault
        began = time.monotonic()
        return await ask_all(one, 6), time.monotonic() - began

    told, took = asyncio.run(run())
    assert {type(one) for one in told} == {EndpointDown}
    assert all("503, overloaded" in str(one) for one in told)
    assert 0.3 < took < 5


def test_not_dead_while_more_are_under_way_than_failed() -> None:
    """One fault of a slow endpoint does not make it down: the others in flight may be answered yet."""

    async def play(endpoint: Scripted) -> Answer:
        number = len(endpoint.sent)
        await asyncio.sleep(0.2 if number == 1 else 0.4)
        if number == 1:
            raise TransientFault("503")
        return FINE

    assert asyncio.run(ask_all(patient(Scripted(play=play)), 4)) == [FINE] * 4


def test_fake_clock() -> None:
    """`dead_after` is measured by the clock that is given: 44 s of faults are borne, 46 s are not."""
    now = 0.0

    async def run(until: float) -> Answer | BaseException:
        nonlocal now
        now = 0.0

        async def play(endpoint: Scripted) -> Answer:
            nonlocal now
            number = len(endpoint.sent)
            if number == 1:
                return FINE
            if number < 6:
                return await fail()
            now = until
            return await fail() if number == 6 else FINE

        async def fail() -> Answer:
            raise TransientFault("503")

        still = Patience(backoff_base=0.0)
        one = Patient(Scripted(play=play), Limiter(1), patience=still, clock=lambda: now, draw=lambda: 0.0)
        await one.ask(a_request())
        (told,) = await ask_all(one, 1)
        return told

    assert asyncio.run(run(44.0)) == FINE
    assert isinstance(asyncio.run(run(46.0)), EndpointDown)


def test_asked_to_wait_too_long() -> None:
    """A Retry-After beyond patience is EndpointDown at once, and says what was asked for."""
    endpoint = Scripted(busy(3600))
    told = asyncio.run(ask_all(patient(endpoint, Limiter(1)), 3))
    assert {type(one) for one in told} == {EndpointDown}
    assert "asks to wait 3600 s" in str(told[0])
    assert len(endpoint.sent) == 1


def test_budget() -> None:
    """When the budget is spent nothing more is sent, and the turn is given back."""
    endpoint = Scripted()
    limiter = Limiter(2)

    class Purse:
        left = 3

        async def spend(self, request: Request) -> str | None:
            self.left -= 1
            return None if self.left >= 0 else "--max-requests is used up"

        async def settle(self, request: Request, answer: Answer | None) -> None:
            pass

        def keep(self) -> None:
            pass

    told = asyncio.run(ask_all(patient(endpoint, limiter, budget=Purse()), 6))
    assert [type(one).__name__ for one in told] == ["Answer"] * 3 + ["BudgetSpent"] * 3
    assert isinstance(told[-1], BudgetSpent)
    assert "--max-requests" in str(told[-1])
    assert (len(endpoint.sent), limiter.in_flight) == (3, 0)


def test_pace() -> None:
    """Each request waits for its place in the schedule; a 429 pushes the schedule back, a 500 does not."""
    endpoint = Scripted(TransientFault("500"), busy(0.05))

    class Schedule:
        places = 0
        pushed: list[float] = []  # noqa: RUF012  one test, one schedule

        async def report(self, told: Report) -> Share:
            return Share(slots=1, others=0, epoch=len(self.pushed), held=0.0)

        async def reserve(self, tokens: int) -> float:
            self.places += 1
            return 0.02

        async def slow_down(self, epoch: int, seconds: float) -> int:
            self.pushed.append(seconds)
            return epoch + 1

        async def correct(self, tokens: int) -> None:
            """Nothing is counted in tokens."""

    pace = Schedule()
    assert asyncio.run(ask_all(patient(endpoint, Limiter(account=pace)), 3)) == [FINE] * 3
    assert (pace.places, pace.pushed) == (5, [0.05])
    gaps = [later[0] - sooner[0] for sooner, later in zip(endpoint.sent, endpoint.sent[1:], strict=False)]
    assert min(gaps) >= 0.02


def test_cancelled_asks_give_their_turns_back() -> None:
    """Cancelling asks, waiting or in flight, leaks no turn."""
    endpoint = Scripted()
    limiter = Limiter(2)

    async def run() -> Answer:
        one = patient(endpoint, limiter)
        asks = [asyncio.ensure_future(one.ask(a_request())) for _ in range(6)]
        await asyncio.sleep(0.001)
        for ask in asks:
            ask.cancel()
        await asyncio.gather(*asks, return_exceptions=True)
        assert (limiter.in_flight, one.in_flight) == (0, 0)
        return await one.ask(a_request())

    assert asyncio.run(run()) == FINE


def test_patience_for_slow_models() -> None:
    """Unless told otherwise, a model with a time-out of 600 s is given time for more than one try."""
    assert Patient(Scripted(), Limiter(1))._patience.per_reply == 180
    slow = Scripted(model=a_model("openai", timeout=600.0))
    assert Patient(slow, Limiter(1))._patience.per_reply == 900


@pytest.mark.parametrize(("tries", "most"), [(1, 0.5), (2, 1.0), (4, 4.0), (10, 20.0), (10_000, 20.0)])
def test_backoff(tries: int, most: float) -> None:
    """Full jitter: uniform from 0 to 0.5 s, doubled with each try up to 20 s."""
    assert Patience().backoff(tries, lambda: 1.0) == most
    assert Patience().backoff(tries, lambda: 0.0) == 0


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_over_the_wire(talk: Callable[..., Talk], provider: str) -> None:
    """Over real HTTP: a 500, a cut connection, HTML and a 429 are asked again, and the answer comes."""

    async def cut(http: web.Request, body: dict[str, Any]) -> web.Response:
        assert http.transport is not None
        http.transport.close()
        return web.Response()

    limited = refuse(provider, "slow down", 429)
    limited.headers["Retry-After-Ms"] = "20"
    script = [refuse(provider, "oops", 500), cut, web.Response(text="<html>"), limited, fine(provider)]
    seen = talk(provider, script, through=lambda endpoint: Patient(endpoint, Limiter(2), patience=STUBBORN))
    assert seen.answer.text == "Fine."
    assert len(seen.bodies) == 5


def test_stop_ends_every_wait_and_cut_what_is_in_flight() -> None:
    """Those who wait for a turn are told at once; one in flight may still be answered, until it is cut."""

    async def slow(_: Scripted) -> Answer:
        await asyncio.sleep(30)
        return FINE

    endpoint, limiter = Scripted(play=slow), Limiter(1)

    async def run() -> tuple[list[BaseException], float]:
        one = patient(endpoint, limiter)
        asking = [asyncio.ensure_future(one.ask(a_request())) for _ in range(3)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        one.stop(Interrupted("the time is over"))
        await asyncio.wait(asking, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.05)
        in_flight = [task for task in asking if not task.done()]
        assert (len(asking) - len(in_flight), len(in_flight)) == (2, 1)
        one.cut()
        found = await asyncio.gather(*asking, return_exceptions=True)
        with pytest.raises(Interrupted):
            await one.ask(a_request())
        with pytest.raises(Interrupted):
            one.check()
        return [error for error in found if isinstance(error, BaseException)], time.monotonic() - began

    errors, seconds = asyncio.run(run())
    assert [type(error) for error in errors] == [Interrupted] * 3
    assert sorted(error.sent for error in errors if isinstance(error, Interrupted)) == [False, False, True]
    assert (len(endpoint.sent), limiter.in_flight) == (1, 0)
    assert seconds < 10
