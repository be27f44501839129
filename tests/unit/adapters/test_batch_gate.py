"""The gate that asks through batches: over a scripted provider without a wire, and a real store."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from clustergate.adapters.batch import BatchPatience
from clustergate.adapters.batch_gate import BatchGate
from clustergate.adapters.limiter import Limiter
from clustergate.adapters.patient import Patient
from clustergate.adapters.store import SqlStore
from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import (
    BudgetSpent,
    ClustergateError,
    EndpointDown,
    EndpointRejected,
    Interrupted,
    ParameterDropped,
    RequestRefused,
    TransientFault,
)
from clustergate.nouns.headroom import Headroom
from clustergate.nouns.model import Answer, Draw, Finish, Model, Request
from clustergate.run.spending import Purse, RunBudget
from tests.unit.adapters.scripted_provider import a_model, a_request

QUICK = BatchPatience(quiet=0.02, first_look=0.01, longest=0.02, settling=0.1, dead_after=0.3, room=0.02)
KEYS = [f"{number:064x}" for number in range(8)]
ABOUT: dict[str, Any] = {
    "subject": "s", "attempt": 1, "behavior": "b", "draw": Draw(0, "p"), "turn": 1, "user": "?"
}  # fmt: skip
Outcome = Answer | ClustergateError


def said(line: str, tries: int) -> Outcome:
    return Answer(text=line, finish=Finish.STOP, input_tokens=10, output_tokens=5)


class Provider:
    """Takes batches and answers each line by `say(line, how often it was sent)`; what it has outlives a gate."""

    most_lines = 1000
    most_bytes = 10**9
    dropped: tuple[str, ...] = ()

    def __init__(self, say: Callable[[str, int], Outcome | None] = said, model: Model | None = None) -> None:
        self.model = model or a_model("openai")
        self.say = say
        self.batches: dict[str, tuple[str, Mapping[str, Request]]] = {}
        self.sent: dict[str, int] = {}
        self.direct = 0
        self.open = asyncio.Event()
        self.open.set()
        self.script: list[Exception | str | BatchState] = []
        """What the next calls meet: an error; `lost`, an error after the batch was taken; a state to be told."""
        self.looks = 0
        self.headroom: tuple[Headroom, ...] = ()

    def weigh(self, request: Request) -> int:
        return 100

    async def ask(self, request: Request) -> Answer:
        self.direct += 1
        return Answer(text="direct", finish=Finish.STOP)

    async def ask_several(self, request: Request) -> Sequence[Answer]:
        return [await self.ask(request)] * request.n

    async def submit(self, tag: str, lines: Mapping[str, Request]) -> str:
        met = self.script.pop(0) if self.script and not isinstance(self.script[0], BatchState) else None
        if isinstance(met, Exception):
            raise met
        name = f"batch_{len(self.batches)}"
        self.batches[name] = (tag, dict(lines))
        for line in lines:
            self.sent[line] = self.sent.get(line, 0) + 1
        if met == "lost":
            raise TransientFault("the answer to the submission was lost")
        return name

    async def find(self, tag: str, size: int, since: float, known: set[str]) -> Sequence[str]:
        return [name for name, (left, _) in self.batches.items() if left == tag]

    async def look(self, batch_id: str) -> BatchState:
        self.looks += 1
        if self.script and isinstance(self.script[0], BatchState | TransientFault | EndpointRejected):
            met = self.script.pop(0)
            if isinstance(met, BatchState):
                return met
            raise met
        if batch_id not in self.batches:
            return BatchState(answered=0, total=0, ended=True, refusal=TransientFault("not known"))
        size = len(self.batches[batch_id][1])
        over = self.open.is_set()
        return BatchState(answered=size if over else 0, total=size, ended=over)

    async def results(self, batch_id: str, asked: Mapping[str, Request]) -> Mapping[str, Outcome]:
        came = {line: self.say(line, self.sent[line]) for line in self.batches[batch_id][1]}
        return {line: outcome for line, outcome in came.items() if outcome is not None}

    async def close(self) -> None: ...


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "s.sqlite")


@asynccontextmanager
async def a_gate(place: str, provider: Provider, **changed: Any) -> AsyncIterator[tuple[BatchGate, SqlStore]]:
    """One run: a gate and a store of its own, both gone at the end as after a kill, without a word to anybody."""
    with closing(SqlStore(place)) as store:
        given: dict[str, Any] = {"patience": QUICK, **changed}
        gate = BatchGate(provider, Patient(provider, Limiter(4)), store.batches, "acc", **given)
        try:
            yield gate, store
        finally:
            await gate.close()


async def ask_all(gate: BatchGate, keys: Sequence[str]) -> list[Any]:
    return await asyncio.gather(*(gate.ask(a_request(), key=key) for key in keys), return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(5000):
        if holds():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came to that")


def run(work: Any) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await work

    return asyncio.run(limited())


# ---------------------------------------------------------------- collecting


def test_what_is_asked_together_goes_into_one_batch(place: str) -> None:
    """One batch for all; each caller gets the answer to its own line; what has no key is asked directly."""
    provider, counted = Provider(), itertools.count()

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            asks = (gate.ask(a_request(), lambda: next(counted), key) for key in KEYS)
            answers = await asyncio.gather(*asks)
            assert (await gate.ask(a_request())).text == "direct"
            return [answer.text for answer in answers]

    assert run(work()) == KEYS
    assert [len(lines) for _, lines in provider.batches.values()] == [8]
    assert (next(counted), provider.direct) == (8, 1)


@pytest.mark.parametrize(("limits", "sizes"), [({"most_lines": 3}, [3, 3, 2]), ({"most_bytes": 450}, [4, 4])])
def test_no_batch_is_larger_than_its_provider_takes(place: str, limits: dict[str, int], sizes: list[int]) -> None:
    """By requests and by bytes: the rest goes into further batches."""
    provider = Provider()
    vars(provider).update(limits)

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert [answer.text for answer in run(work())] == KEYS
    assert [len(lines) for _, lines in provider.batches.values()] == sizes


def test_another_try_of_one_key_is_another_line(place: str) -> None:
    """`#2` asks anew, under a name that providers take."""
    provider = Provider()

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, [KEYS[0], f"{KEYS[0]}#2"])

    first, second = (answer.text for answer in run(work()))
    assert first == KEYS[0] != second
    assert all(len(line) == 64 and line.isalnum() for line in provider.sent)


# ---------------------------------------------------------------- what lines come to


def test_lines_that_may_be_asked_again(place: str) -> None:
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
        async with a_gate(place, provider) as (gate, store):
            came = await ask_all(gate, KEYS[:6])
            assert store.batches.open_lines("acc") == {KEYS[0], KEYS[1], KEYS[3], KEYS[4]}
            return came

    came = run(work())
    assert [type(one) for one in came] == [Answer, Answer, TransientFault, Answer, Answer, RequestRefused]
    assert [provider.sent[key] for key in KEYS[:6]] == [1, 3, 3, 5, 2, 1]
    assert "expired again" in str(came[2])


def test_a_rejected_line_ends_the_run(place: str) -> None:
    """An unknown model or a key that was withdrawn: everybody is told, and nothing more is sent."""
    provider = Provider(lambda line, tries: EndpointRejected("unknown model") if line == KEYS[1] else said(line, tries))

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            came = await ask_all(gate, KEYS[:3])
            with pytest.raises(EndpointRejected):
                await gate.ask(a_request(), key=KEYS[4])
            with pytest.raises(EndpointRejected):
                gate.check()
            return came

    assert {type(one) for one in run(work())} == {Answer, EndpointRejected}
    assert len(provider.batches) == 1


def test_a_server_without_batches_ends_the_run(place: str) -> None:
    """The refusal of a submission is everybody's; nothing goes to the endpoint directly."""
    provider = Provider()
    provider.script = [EndpointRejected("takes no batches")]

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert {str(one) for one in run(work())} == {"takes no batches"}
    assert provider.direct == 0


def test_a_broken_store_is_told_to_those_who_wait(place: str) -> None:
    """What goes wrong behind the scenes leaves nobody waiting."""

    async def work() -> list[Any]:
        async with a_gate(place, Provider()) as (gate, store):
            store.close()
            return await ask_all(gate, KEYS[:2])

    assert all(isinstance(one, ClustergateError) for one in run(work()))


def test_a_batch_that_is_too_much_at_once_is_halved(place: str) -> None:
    """Requests of a batch that did not fit beside others go into smaller ones, one at a time; it counts as no try."""
    provider = Provider()
    too_much = TransientFault("enqueued token limit", rate_limited=True)
    provider.script = [BatchState(answered=0, total=8, ended=True, refusal=too_much)]

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert [answer.text for answer in run(work())] == KEYS
    assert [len(lines) for _, lines in provider.batches.values()] == [8, 4, 4]


# ---------------------------------------------------------------- faults about batches


def test_faults_while_polling_are_waited_out(place: str) -> None:
    """A fault says nothing of the batch: the next look is the same one."""
    provider = Provider()

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            provider.open.clear()
            asking = asyncio.ensure_future(ask_all(gate, KEYS[:2]))
            await until(lambda: bool(provider.batches))
            provider.script = [TransientFault("503"), TransientFault("429", rate_limited=True, retry_after=0.01)]
            await until(lambda: not provider.script)
            provider.open.set()
            return await asking

    assert [answer.text for answer in run(work())] == KEYS[:2]
    assert len(provider.batches) == 1


def test_an_endpoint_that_gives_nothing_but_faults(place: str) -> None:
    """It is down in the end; the batch stays in the store, and the next run takes its answers."""
    provider = Provider()

    async def first() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            provider.open.clear()
            asking = asyncio.ensure_future(ask_all(gate, KEYS[:2]))
            await until(lambda: bool(provider.batches))
            provider.script = [TransientFault("503")] * 1000
            return await asking

    assert {type(one) for one in run(first())} == {EndpointDown}
    provider.script, provider.open = [], asyncio.Event()
    provider.open.set()

    async def second() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS[:2])

    assert [answer.text for answer in run(second())] == KEYS[:2]
    assert set(provider.sent.values()) == {1}


@pytest.mark.parametrize("met", ["lost", TransientFault("503"), TransientFault("429", rate_limited=True)])
def test_a_submission_that_meets_a_fault(place: str, met: Exception | str) -> None:
    """Was it taken before the fault, it is found by its tag; was it not, it is submitted again: once in all."""
    provider = Provider()
    provider.script = [met]

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert [answer.text for answer in run(work())] == KEYS
    assert set(provider.sent.values()) == {1}


# ---------------------------------------------------------------- restarts


async def broken_off(place: str, provider: Provider, keys: Sequence[str], holds: Callable[[], bool]) -> None:
    """A run that is killed once that `holds`."""
    async with a_gate(place, provider) as (gate, _):
        asking = asyncio.ensure_future(ask_all(gate, keys))
        await until(holds)
        asking.cancel()


def test_a_restart_waits_for_the_batch_that_is_under_way(place: str) -> None:
    """Nothing is submitted twice, and what the first run asked beside it is there for the third."""
    provider = Provider()
    provider.open.clear()

    async def killed() -> None:
        await broken_off(place, provider, KEYS, lambda: provider.looks > 1)

    async def again(keys: Sequence[str]) -> tuple[list[Any], list[str]]:
        async with a_gate(place, provider) as (gate, store):
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
    with closing(SqlStore(place)) as store:
        assert store.batches.open_lines("acc") == set()


def test_a_kill_between_submitting_and_noting(place: str) -> None:
    """The batch got there and the store does not know its name: it is found, and nothing is paid for twice."""
    provider = Provider()

    async def killed() -> None:
        async with a_gate(place, provider) as (gate, store):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(type(store.batches), "name", lambda *_: asyncio.sleep(60))
                asking = asyncio.ensure_future(ask_all(gate, KEYS))
                await until(lambda: bool(provider.batches))
                asking.cancel()

    async def again() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    run(killed())
    assert [answer.text for answer in run(again())] == KEYS
    assert set(provider.sent.values()) == {1}


def test_a_kill_before_submitting(place: str) -> None:
    """The intent is noted and the batch never got there: it is looked for until it would be listed, then sent."""
    provider, real = Provider(), Provider.submit

    async def killed() -> None:
        reached = asyncio.Event()

        async def hang(tag: str, lines: Mapping[str, Request]) -> str:
            reached.set()
            await asyncio.sleep(60)
            return ""

        provider.submit = hang  # type: ignore[method-assign]
        await broken_off(place, provider, KEYS, reached.is_set)

    async def again() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    run(killed())
    provider.submit = real.__get__(provider)  # type: ignore[method-assign]
    assert [answer.text for answer in run(again())] == KEYS
    assert set(provider.sent.values()) == {1}


def test_a_batch_of_somebody_else_is_not_taken_for_ours(place: str) -> None:
    """Where a provider keeps no tags, what is found may be a stranger's: its results tell, and ours is submitted."""
    provider = Provider()
    stranger = {f"theirs-{number}": a_request() for number in range(8)}

    async def find(tag: str, size: int, since: float, known: set[str]) -> Sequence[str]:
        return [name for name, (_, lines) in provider.batches.items() if len(lines) == size and name not in known]

    async def work() -> list[Any]:
        await provider.submit("their own", stranger)
        provider.find = find  # type: ignore[method-assign]
        provider.script = [TransientFault("503")]
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    assert [answer.text for answer in run(work())] == KEYS
    assert len(provider.batches) == 2


def test_a_batch_that_its_provider_has_no_more(place: str) -> None:
    """Its requests are asked again, by whoever needs them."""
    provider = Provider()

    async def killed() -> None:
        provider.open.clear()
        await broken_off(place, provider, KEYS, lambda: provider.looks > 1)

    async def again() -> list[Any]:
        provider.batches = {"batch_of_another": ("tag", {})}
        provider.open.set()
        async with a_gate(place, provider) as (gate, _):
            return await ask_all(gate, KEYS)

    run(killed())
    provider.open = asyncio.Event()
    assert [answer.text for answer in run(again())] == KEYS


def test_a_run_without_batches_waits_for_those_under_way(place: str) -> None:
    """What is paid for is taken, all else is asked directly, and what a batch left unanswered too."""
    provider = Provider(lambda line, tries: TransientFault("expired") if line == KEYS[1] else said(line, tries))

    async def killed() -> None:
        provider.open.clear()
        await broken_off(place, provider, KEYS[:2], lambda: provider.looks > 1)

    async def again() -> list[Any]:
        provider.open.set()
        with closing(SqlStore(place)) as store:
            lines = store.batches.open_lines("acc")
        async with a_gate(place, provider, only=lines) as (gate, _):
            return await ask_all(gate, KEYS[:4])

    run(killed())
    provider.open = asyncio.Event()
    assert [answer.text for answer in run(again())] == [KEYS[0], "direct", "direct", "direct"]
    assert set(provider.sent.values()) == {1}


# ---------------------------------------------------------------- the end


def test_stop_and_cut(place: str) -> None:
    """Told to end, nothing more is submitted; a batch under way may bring answers until the cut, and goes on after."""
    provider = Provider()
    provider.open.clear()

    async def work() -> tuple[list[Any], list[Any]]:
        async with a_gate(place, provider) as (gate, _):
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
    with closing(SqlStore(place)) as store:
        assert store.batches.open_lines("acc") == set(KEYS[:2])


def test_answers_that_come_before_the_cut_are_taken(place: str) -> None:
    """Between stop and cut a batch that ends is read; a line that failed is not sent again."""
    provider = Provider(lambda line, tries: TransientFault("expired") if line == KEYS[1] else said(line, tries))
    provider.open.clear()

    async def work() -> list[Any]:
        async with a_gate(place, provider) as (gate, _):
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


def test_requests_that_the_budget_has_no_room_for(place: str) -> None:
    """--max-requests: as many as it allows are submitted, the others end."""
    provider = Provider(model=PRICED)

    async def work() -> list[Any]:
        with closing(SqlStore(place)) as store:
            budget = RunBudget(store, "r", PRICED, requests=5, batch=True)
            async with a_gate(place, provider, budget=budget) as (gate, _):
                return await ask_all(gate, KEYS)

    came = run(work())
    assert [type(one) for one in came] == [Answer] * 5 + [BudgetSpent] * 3
    assert "--max-requests" in str(came[-1])


def test_money_is_counted_at_half_the_price_before_it_is_spent(place: str) -> None:
    """Those that do not fit wait until the batch before is paid for at its cost; the ceiling is not passed."""
    provider, spent = Provider(model=PRICED), []

    async def work() -> list[Any]:
        with closing(SqlStore(place)) as store:
            budget = RunBudget(store, "r", PRICED, usd=0.0601, purse=Purse(), batch=True)
            async with a_gate(place, provider, budget=budget) as (gate, _):
                came = await ask_all(gate, KEYS)
                with pytest.raises(BudgetSpent, match="--max-usd"):
                    await gate.ask(a_request(max_tokens=500), key="f" * 64)
                spent.append(store.spent_usd("r"))
                return came

    assert [answer.text for answer in run(work())] == KEYS
    # Two of 0.025 fit, also beside the 0.005 and 0.01 that the first and second two did cost, and then one.
    assert [len(lines) for _, lines in provider.batches.values()] == [2, 2, 2, 1, 1]
    assert spent == [pytest.approx(8 * 0.0025)]


def test_a_batch_of_an_earlier_run_costs_this_one_nothing(place: str) -> None:
    """It was counted by the run that submitted it, also where it is cut: nobody knows then what it cost."""
    provider = Provider(model=PRICED)

    async def killed() -> None:
        provider.open.clear()
        await broken_off(place, provider, KEYS[:2], lambda: provider.looks > 1)

    async def again() -> tuple[list[Any], int, float]:
        provider.open.set()
        with closing(SqlStore(place)) as store:
            budget = RunBudget(store, "r2", PRICED, requests=1, usd=0.001, batch=True)
            async with a_gate(place, provider, budget=budget) as (gate, _):
                return await ask_all(gate, KEYS[:2]), store.spent("r2"), store.spent_usd("r2")

    run(killed())
    provider.open = asyncio.Event()
    answers, requests, usd = run(again())
    assert [answer.text for answer in answers] == KEYS[:2]
    assert (requests, usd) == (0, 0.0)
