"""What a request may cost, counted before it is sent, and what it did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clustergate.adapters.store import SqlStore
from clustergate.nouns.model import Answer, Finish, Message, Model, Request
from clustergate.run.spending import Purse, RunBudget

MODEL = Model(name="m", provider="openai", id="m", base_url=None, api_key_env="K", usd_per_million=(10.0, 40.0))
ASKED = Request(messages=(Message("user", "x" * 1800),), temperature=1.0, max_tokens=1000)
MOST = (1000 * 10 + 1000 * 40) / 1e6
"""1,800 bytes are counted as 900 tokens, with 100 for the form of the request; the answer as its most."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with closing(SqlStore(str(tmp_path / "s.sqlite"))) as opened:
        yield opened


def answer(read: int | None, written: int | None) -> Answer:
    return Answer(text="a", finish=Finish.STOP, input_tokens=read, output_tokens=written)


def test_the_most_is_counted_first_and_the_cost_takes_its_place(store: SqlStore) -> None:
    """0.05 USD before; 500 and 100 tokens cost 0.009; tokens that nobody told stay at their most; 429 costs nothing."""
    budget = RunBudget(store, "r", MODEL, None, 1.0)
    for told, cost in [(answer(500, 100), 0.009), (answer(None, 100), 0.014), (answer(None, None), MOST), (None, 0.0)]:
        before = store.spent_usd("r")
        assert asyncio.run(budget.spend(ASKED)) is None
        assert store.spent_usd("r") == pytest.approx(before + MOST)
        asyncio.run(budget.settle(ASKED, told))
        assert store.spent_usd("r") == pytest.approx(before + cost)


def test_a_batch_is_half_the_price(store: SqlStore) -> None:
    """Before and after: what is set aside, and what 500 and 100 tokens cost (0.009 USD by themselves)."""
    budget = RunBudget(store, "r", MODEL, None, 1.0, batch=True)
    assert asyncio.run(budget.reserve(ASKED)) is None
    assert store.spent_usd("r") == pytest.approx(MOST / 2)
    assert budget.may_free
    asyncio.run(budget.settle(ASKED, answer(500, 100)))
    assert store.spent_usd("r") == pytest.approx(0.009 / 2)
    assert not budget.may_free


def test_who_does_not_wait_is_told_the_ceiling(store: SqlStore) -> None:
    """Nothing is counted then; the words are those of one who waits."""
    budget = RunBudget(store, "r", MODEL, 1, 0.06)
    assert [asyncio.run(budget.reserve(ASKED)) for _ in range(2)] == [None, "requests"]
    poor = RunBudget(store, "p", MODEL, None, 0.01)
    assert asyncio.run(poor.reserve(ASKED)) == "usd"
    assert (store.spent("r"), store.spent_usd("p")) == (1, 0.0)
    assert "--max-requests" in budget.spent("requests")
    assert "0.01 USD that --max-usd allows" in poor.spent("usd")


def test_what_is_used_up_is_said(store: SqlStore) -> None:
    """Money before requests are, and the other way round; a request that would pass a ceiling is not counted."""
    poor = RunBudget(store, "r", MODEL, 10, 0.12)
    assert [asyncio.run(poor.spend(ASKED)) for _ in range(2)] == [None, None]
    poor.keep()
    poor.keep()
    assert "0.12 USD that --max-usd allows" in str(asyncio.run(poor.spend(ASKED)))
    assert (store.spent("r"), store.spent_usd("r")) == (2, pytest.approx(0.1))
    few = RunBudget(store, "few", MODEL, 1, 5.0)
    assert asyncio.run(few.spend(ASKED)) is None
    assert "--max-requests" in str(asyncio.run(few.spend(ASKED)))


def test_several_models_spend_from_one_purse(store: SqlStore) -> None:
    """Target and judges have prices of their own, and one budget; a simulated model costs nothing."""
    purse = Purse()
    dear, free = (RunBudget(store, "r", model, None, 0.06, purse) for model in (MODEL, _free()))
    assert asyncio.run(dear.spend(ASKED)) is None
    assert asyncio.run(free.spend(ASKED)) is None
    assert purse.open == 2
    asyncio.run(free.settle(ASKED, answer(10**6, 10**6)))
    assert store.spent_usd("r") == pytest.approx(MOST)
    dear.keep()
    assert purse.open == 0
    assert asyncio.run(dear.spend(ASKED)) is not None


def test_who_finds_no_room_waits_for_those_in_flight(store: SqlStore) -> None:
    """What is set aside is mostly given back: a small budget is not spent by what is only on its way."""
    budget = RunBudget(store, "r", MODEL, None, 0.08)

    async def run() -> str | None:
        assert await budget.spend(ASKED) is None
        waiting = asyncio.ensure_future(budget.spend(ASKED))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await budget.settle(ASKED, answer(10, 10))
        return await waiting

    assert asyncio.run(run()) is None


def _free() -> Model:
    return Model(name="s", provider="openai", id="s", base_url=None, api_key_env="K", simulated=True)
