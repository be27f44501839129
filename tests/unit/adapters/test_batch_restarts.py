"""Batches that outlive their run, the end of a run, and its budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest

from clustergate.adapters.store import SqlStore
from clustergate.nouns.errors import (
    BudgetSpent,
    Interrupted,
    TransientFault,
)
from clustergate.nouns.model import Answer, Draw, Request
from clustergate.run.spending import Purse, RunBudget
from tests.unit.adapters.batch_house import KEYS, Provider, a_gate, ask_all, run, said, until
from tests.unit.adapters.scripted_provider import a_model, a_request

ABOUT: dict[str, Any] = {
    "subject": "s", "attempt": 1, "behavior": "b", "draw": Draw(0, "p"), "turn": 1, "user": "?"
}  # fmt: skip


# ---------------------------------------------------------------- restarts


async def broken_off(file: str, provider: Provider, keys: Sequence[str], holds: Callable[[], bool]) -> None:
    """A run that is killed once that `holds`."""
    async with a_gate(file, provider) as (gate, _):
        asking = asyncio.ensure_future(ask_all(gate, keys))
        await until(holds)
        asking.cancel()


def test_a_restart_waits_for_the_batch_that_is_under_way(file: str) -> None:
    """Nothing is submitted twice, and what the first run asked beside it is there for the third."""
    provider = Provider()
    provider.open.clear()

    async def killed() -> None:
        await broken_off(file, provider, KEYS, lambda: provider.looks > 1)

    async def again(keys: Sequence[str]) -> tuple[list[Any], list[str]]:
        async with a_gate(file, provider) as (gate, store):
            asking = asyncio.ensure_future(ask_all(gate, keys))
            await asyncio.sleep(0.1)
            news = gate.take_news()
            provider.open.set()
            answers = await asking
            for key, answer in zip(keys, answers, strict=True):
                await store.put_answer(key, answer, **ABOUT)
            return answers, news

    run(killed())
    provider.open = asyncio.Event()
    answers, news = run(again(KEYS[:5]))
    assert [answer.text for answer in answers] == KEYS[:5]
    assert news == ["batch_0 of subject: under way since an earlier run"]
    provider.open = asyncio.Event()
    assert [answer.text for answer in run(again(KEYS[5:]))[0]] == KEYS[5:]
    assert set(provider.sent.values()) == {1}
    with closing(SqlStore(file)) as store:
        assert store.batches.open_lines("acc") == set()


def test_a_kill_between_submitting_and_noting(file: str) -> None:
    """The batch got there and the store does not know its name: it is found, and nothing is paid for twice."""
    provider = Provider()

    async def killed() -> None:
        async with a_gate(file, provider) as (gate, store):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(type(store.batches), "name", lambda *_: asyncio.sleep(60))
                asking = asyncio.ensure_future(ask_all(gate, KEYS))
                await until(lambda: bool(provider.batches))
                asking.cancel()

    async def again() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    run(killed())
    assert [answer.text for answer in run(again())] == KEYS
    assert set(provider.sent.values()) == {1}


def test_a_kill_before_submitting(file: str) -> None:
    """The intent is noted and the batch never got there: it is looked for until it would be listed, then sent."""
    provider, real = Provider(), Provider.submit

    async def killed() -> None:
        reached = asyncio.Event()

        async def hang(tag: str, lines: Mapping[str, Request]) -> str:
            reached.set()
            await asyncio.sleep(60)
            return ""

        provider.submit = hang  # type: ignore[method-assign]
        await broken_off(file, provider, KEYS, reached.is_set)

    async def again() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    run(killed())
    provider.submit = real.__get__(provider)  # type: ignore[method-assign]
    assert [answer.text for answer in run(again())] == KEYS
    assert set(provider.sent.values()) == {1}


def test_a_batch_of_somebody_else_is_not_taken_for_ours(file: str) -> None:
    """Where a provider keeps no tags, what is found may be a stranger's: its results tell, and ours is submitted."""
    provider = Provider()
    stranger = {f"theirs-{number}": a_request() for number in range(8)}

    async def find(tag: str, size: int, since: float, known: set[str]) -> Sequence[str]:
        return [name for name, (_, lines) in provider.batches.items() if len(lines) == size and name not in known]

    async def work() -> list[Any]:
        await provider.submit("their own", stranger)
        provider.find = find  # type: ignore[method-assign]
        provider.script = [TransientFault("503")]
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert [answer.text for answer in run(work())] == KEYS
    assert len(provider.batches) == 2


def test_a_batch_that_its_provider_has_no_more(file: str) -> None:
    """Its requests are asked again, by whoever needs them."""
    provider = Provider()

    async def killed() -> None:
        provider.open.clear()
        await broken_off(file, provider, KEYS, lambda: provider.looks > 1)

    async def again() -> list[Any]:
        provider.batches = {"batch_of_another": ("tag", {})}
        provider.open.set()
        async with a_gate(file, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    run(killed())
    provider.open = asyncio.Event()
    assert [answer.text for answer in run(again())] == KEYS


def test_a_run_without_batches_waits_for_those_under_way(file: str) -> None:
    """What is paid for is taken, all else is asked directly, and what a batch left unanswered too."""
    provider = Provider(lambda line, tries: TransientFault("expired") if line == KEYS[1] else said(line, tries))

    async def killed() -> None:
        provider.open.clear()
        await broken_off(file, provider, KEYS[:2], lambda: provider.looks > 1)

    async def again() -> list[Any]:
        provider.open.set()
        with closing(SqlStore(file)) as store:
            lines = store.batches.open_lines("acc")
        async with a_gate(file, provider, only=lines) as (gate, _):
            return await ask_all(gate, KEYS[:4])

    run(killed())
    provider.open = asyncio.Event()
    assert [answer.text for answer in run(again())] == [KEYS[0], "direct", "direct", "direct"]
    assert set(provider.sent.values()) == {1}


# ---------------------------------------------------------------- the end


def test_stop_and_cut(file: str) -> None:
    """Told to end, nothing more is submitted; a batch under way may bring answers until the cut, and goes on after."""
    provider = Provider()
    provider.open.clear()

    async def work() -> tuple[list[Any], list[Any]]:
        async with a_gate(file, provider) as (gate, _):
            first = asyncio.ensure_future(ask_all(gate, KEYS[:2]))
            await until(lambda: bool(provider.looks))
            late = asyncio.ensure_future(ask_all(gate, KEYS[2:4]))
            await asyncio.sleep(0)
            gate.stop(Interrupted("the time is over."))
            assert not first.done()
            kept_out = await late
            with pytest.raises(Interrupted):
                await gate.ask(a_request(), key=KEYS[5])
            with pytest.raises(Interrupted):
                await gate.ask(a_request())
            gate.cut()
            return await first, kept_out

    waited, kept_out = run(work())
    assert [(type(one), one.sent) for one in waited] == [(Interrupted, True)] * 2
    assert [(type(one), one.sent) for one in kept_out] == [(Interrupted, False)] * 2
    assert str(waited[0]) == (
        "the time is over. At the provider batch batch_0 of subject goes on: the next run takes its answers."
    )
    assert len(provider.batches) == 1
    with closing(SqlStore(file)) as store:
        assert store.batches.open_lines("acc") == set(KEYS[:2])


def test_answers_that_come_before_the_cut_are_taken(file: str) -> None:
    """Between stop and cut a batch that ends is read; a line that failed is not sent again."""
    provider = Provider(lambda line, tries: TransientFault("expired") if line == KEYS[1] else said(line, tries))
    provider.open.clear()

    async def work() -> list[Any]:
        async with a_gate(file, provider) as (gate, _):
            asking = asyncio.ensure_future(ask_all(gate, KEYS[:2]))
            await until(lambda: bool(provider.looks))
            gate.stop(Interrupted("the time is over."))
            provider.open.set()
            return await asking

    first, second = run(work())
    assert (first.text, type(second)) == (KEYS[0], Interrupted)
    assert len(provider.batches) == 1


# ---------------------------------------------------------------- budgets

PRICED = a_model("openai", usd_per_million=(0.0, 1000.0))
"""A request for 50 tokens may cost 0.05 USD, and half of that in a batch; 5 tokens cost 0.0025."""


def test_requests_that_the_budget_has_no_room_for(file: str) -> None:
    """--max-requests: as many as it allows are submitted, the others end."""
    provider = Provider(model=PRICED)

    async def work() -> list[Any]:
        with closing(SqlStore(file)) as store:
            budget = RunBudget(store, "r", PRICED, requests=5, batch=True)
            async with a_gate(file, provider, budget=budget) as (gate, _):
                return await ask_all(gate, KEYS)

    came = run(work())
    assert [type(one) for one in came] == [Answer] * 5 + [BudgetSpent] * 3
    assert "--max-requests" in str(came[-1])


def test_money_is_counted_at_half_the_price_before_it_is_spent(file: str) -> None:
    """Those that do not fit wait until the batch before is paid for at its cost; the ceiling is not passed."""
    provider, spent = Provider(model=PRICED), []

    async def work() -> list[Any]:
        with closing(SqlStore(file)) as store:
            budget = RunBudget(store, "r", PRICED, usd=0.0601, purse=Purse(), batch=True)
            async with a_gate(file, provider, budget=budget) as (gate, _):
                came = await ask_all(gate, KEYS)
                with pytest.raises(BudgetSpent, match="--max-usd"):
                    await gate.ask(a_request(max_tokens=500), key="f" * 64)
                spent.append(store.spent_usd("r"))
                return came

    assert [answer.text for answer in run(work())] == KEYS
    # Two of 0.025 fit, also beside the 0.005 and 0.01 that the first and second two did cost, and then one.
    assert [len(lines) for _, lines in provider.batches.values()] == [2, 2, 2, 1, 1]
    assert spent == [pytest.approx(8 * 0.0025)]


def test_a_batch_of_an_earlier_run_costs_this_one_nothing(file: str) -> None:
    """It was counted by the run that submitted it, also where it is cut: nobody knows then what it cost."""
    provider = Provider(model=PRICED)

    async def killed() -> None:
        provider.open.clear()
        await broken_off(file, provider, KEYS[:2], lambda: provider.looks > 1)

    async def again() -> tuple[list[Any], int, float]:
        provider.open.set()
        with closing(SqlStore(file)) as store:
            budget = RunBudget(store, "r2", PRICED, requests=1, usd=0.001, batch=True)
            async with a_gate(file, provider, budget=budget) as (gate, _):
                return await ask_all(gate, KEYS[:2]), store.spent("r2"), store.spent_usd("r2")

    run(killed())
    provider.open = asyncio.Event()
    answers, requests, usd = run(again())
    assert [answer.text for answer in answers] == KEYS[:2]
    assert (requests, usd) == (0, 0.0)
