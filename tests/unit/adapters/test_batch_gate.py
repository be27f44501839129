"""The gate that asks through batches: what it submits, and what it makes of what comes back."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import (
    ClustergateError,
    EndpointDown,
    EndpointRejected,
    ParameterDropped,
    RequestRefused,
    TransientFault,
)
from clustergate.nouns.model import Answer
from tests.unit.adapters.batch_house import KEYS, Outcome, Provider, a_gate, ask_all, run, said, until
from tests.unit.adapters.scripted_provider import a_request


def test_what_is_asked_together_goes_into_one_batch(file: str) -> None:
    """One batch for all; each caller gets the answer to its own line; what has no key is asked directly."""
    provider, counted = Provider(), itertools.count()

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            asks = (gate.ask(a_request(), lambda: next(counted), key) for key in KEYS)
            answers = await asyncio.gather(*asks)
            assert (await gate.ask(a_request())).text == "direct"
            return [answer.text for answer in answers]

    assert run(work()) == KEYS
    assert [len(lines) for _, lines in provider.batches.values()] == [8]
    assert (next(counted), provider.direct) == (8, 1)


@pytest.mark.parametrize(("limits", "sizes"), [({"most_lines": 3}, [3, 3, 2]), ({"most_bytes": 450}, [4, 4])])
def test_no_batch_is_larger_than_its_provider_takes(file: str, limits: dict[str, int], sizes: list[int]) -> None:
    """By requests and by bytes: the rest goes into further batches."""
    provider = Provider()
    vars(provider).update(limits)

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert [answer.text for answer in run(work())] == KEYS
    assert [len(lines) for _, lines in provider.batches.values()] == sizes


def test_another_try_of_one_key_is_another_line(file: str) -> None:
    """`#2` asks anew, under a name that providers take."""
    provider = Provider()

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, [KEYS[0], f"{KEYS[0]}#2"])

    first, second = (answer.text for answer in run(work()))
    assert first == KEYS[0] != second
    assert all(len(line) == 64 and line.isalnum() for line in provider.sent)


# ---------------------------------------------------------------- what lines come to


def test_lines_that_may_be_asked_again(file: str) -> None:
    """A fault of a line sends it again in the next batch, three times in all; a refused parameter each time."""

    def say(line: str, tries: int) -> Outcome | None:
        if line == KEYS[1] and tries < 3:
            return TransientFault("expired")
        if line == KEYS[2]:
            return TransientFault("expired again")
        if line == KEYS[3] and tries < 5:
            return ParameterDropped("temperature")
        if line == KEYS[4] and tries == 1:
            return None  # not in the results at all
        if line == KEYS[5]:
            return RequestRefused("too long")
        return said(line, tries)

    provider = Provider(say)

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, store):
            came = await ask_all(gate, KEYS[:6])
            assert store.batches.open_lines("acc") == {KEYS[0], KEYS[1], KEYS[3], KEYS[4]}
            return came

    came = run(work())
    assert [type(one) for one in came] == [Answer, Answer, TransientFault, Answer, Answer, RequestRefused]
    assert [provider.sent[key] for key in KEYS[:6]] == [1, 3, 3, 5, 2, 1]
    assert "expired again" in str(came[2])


def test_a_rejected_line_ends_the_run(file: str) -> None:
    """An unknown model or a key that was withdrawn: everybody is told, and nothing more is sent."""
    provider = Provider(lambda line, tries: EndpointRejected("unknown model") if line == KEYS[1] else said(line, tries))

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            came = await ask_all(gate, KEYS[:3])
            with pytest.raises(EndpointRejected):
                await gate.ask(a_request(), key=KEYS[4])
            with pytest.raises(EndpointRejected):
                gate.check()
            return came

    assert {type(one) for one in run(work())} == {Answer, EndpointRejected}
    assert len(provider.batches) == 1


def test_a_server_without_batches_ends_the_run(file: str) -> None:
    """The refusal of a submission is everybody's; nothing goes to the endpoint directly."""
    provider = Provider()
    provider.script = [EndpointRejected("takes no batches")]

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert {str(one) for one in run(work())} == {"takes no batches"}
    assert provider.direct == 0


def test_a_broken_store_is_told_to_those_who_wait(file: str) -> None:
    """What goes wrong behind the scenes leaves nobody waiting."""

    async def work() -> list[Any]:
        async with a_gate(file, Provider()) as (gate, store):
            store.close()
            return await ask_all(gate, KEYS[:2])

    assert all(isinstance(one, ClustergateError) for one in run(work()))


def test_a_batch_that_is_too_much_at_once_is_halved(file: str) -> None:
    """Requests of a batch that did not fit beside others go into smaller ones, one at a time; it counts as no try."""
    provider = Provider()
    too_much = TransientFault("enqueued token limit", rate_limited=True)
    provider.script = [BatchState(answered=0, total=8, ended=True, refusal=too_much)]

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert [answer.text for answer in run(work())] == KEYS
    assert [len(lines) for _, lines in provider.batches.values()] == [8, 4, 4]


# ---------------------------------------------------------------- faults about batches


def test_faults_while_polling_are_waited_out(file: str) -> None:
    """A fault says nothing of the batch: the next look is the same one."""
    provider = Provider()

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            provider.open.clear()
            asking = asyncio.ensure_future(ask_all(gate, KEYS[:2]))
            await until(lambda: bool(provider.batches))
            provider.script = [TransientFault("503"), TransientFault("429", rate_limited=True, retry_after=0.01)]
            await until(lambda: not provider.script)
            provider.open.set()
            return await asking

    assert [answer.text for answer in run(work())] == KEYS[:2]
    assert len(provider.batches) == 1


def test_an_endpoint_that_gives_nothing_but_faults(file: str) -> None:
    """It is down in the end; the batch stays in the store, and the next run takes its answers."""
    provider = Provider()

    async def first() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            provider.open.clear()
            asking = asyncio.ensure_future(ask_all(gate, KEYS[:2]))
            await until(lambda: bool(provider.batches))
            provider.script = [TransientFault("503")] * 1000
            return await asking

    assert {type(one) for one in run(first())} == {EndpointDown}
    provider.script, provider.open = [], asyncio.Event()
    provider.open.set()

    async def second() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS[:2])

    assert [answer.text for answer in run(second())] == KEYS[:2]
    assert set(provider.sent.values()) == {1}


@pytest.mark.parametrize("met", ["lost", TransientFault("503"), TransientFault("429", rate_limited=True)])
def test_a_submission_that_meets_a_fault(file: str, met: Exception | str) -> None:
    """Was it taken before the fault, it is found by its tag; was it not, it is submitted again: once in all."""
    provider = Provider()
    provider.script = [met]

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert [answer.text for answer in run(work())] == KEYS
    assert set(provider.sent.values()) == {1}


def test_an_endpoint_that_takes_no_submission(file: str) -> None:
    """Listings work and every submission meets a fault: it is down in the end, and nothing is submitted for ever."""
    provider = Provider()
    provider.script = [TransientFault("500")] * 1000

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS[:2])

    assert {type(one) for one in run(work())} == {EndpointDown}
    assert not provider.batches
