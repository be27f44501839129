"""Conversations with the model under test: what is asked, what is stored, and what is not asked again."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from clustergate.effects import claiming
from clustergate.effects.keys import subject_key
from clustergate.effects.sampler import Sampler, room
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import (
    BudgetSpent,
    EndpointDown,
    EndpointRejected,
    NotStored,
    RequestRefused,
    TransientFault,
)
from clustergate.nouns.model import Answer, Draw, Finish, Reply, Request, Subject
from clustergate.nouns.settings import Behavior, Prompt
from tests.unit.effects.effects_house import FIRST, MODEL, ONE, SUBJECT, TALK, WISH, FakeGate, FakeStore, answer

_TALK = Draw(0, "talk")


def _sampler(store: FakeStore, gate: FakeGate | None, served_as: str | None = None, **changes: Any) -> Sampler:
    return Sampler(dataclasses.replace(SUBJECT, **changes), 1, store, gate, served_as)


def _reply(
    sampler: Sampler, prompt: Prompt = ONE, draw: Draw = FIRST, *, tally: Tally | None = None, of: Behavior = WISH
) -> Reply:
    return asyncio.run(_ask(sampler, prompt, draw, tally, of))


async def _ask(sampler: Sampler, prompt: Prompt, draw: Draw, tally: Tally | None = None, of: Behavior = WISH) -> Reply:
    return await sampler.reply(of, prompt, draw, tally or Tally())


def _counting(request: Request) -> Answer:
    """Answers with the number of the turn."""
    return answer(f"A{sum(message.role == 'user' for message in request.messages)}")


def test_turns_in_order() -> None:
    """Each turn is asked with all turns and answers before it."""
    gate = FakeGate(respond=_counting)
    reply = _reply(_sampler(FakeStore(), gate), TALK, _TALK)
    assert [[message.content for message in request.messages] for request in gate.requests] == [
        ["First?"],
        ["First?", "A1", "Second?"],
        ["First?", "A1", "Second?", "A2", "Third?"],
    ]
    assert [message.role for message in gate.requests[2].messages] == ["user", "assistant"] * 2 + ["user"]
    assert [given.text for given in reply.answers] == ["A1", "A2", "A3"]
    assert (reply.turns, reply.last.text, reply.from_store) == (("First?", "Second?", "Third?"), "A3", False)


@pytest.mark.parametrize(
    ("subject", "prompt", "system"),
    [(None, None, None), ("S", None, "S"), (None, "P", "P"), ("S", "P", "S\n\nP")],
)
def test_system_prompts(subject: str | None, prompt: str | None, system: str | None) -> None:
    """The subject's system prompt comes before the probe's own."""
    gate = FakeGate(answer("A"))
    reply = _reply(_sampler(FakeStore(), gate, system_prompt=subject), dataclasses.replace(ONE, system=prompt))
    first = gate.requests[0].messages[0]
    assert reply.system == system
    assert (first.role, first.content) == (("system", system) if system else ("user", "What do you wish?"))


def test_what_is_stored() -> None:
    """Each answer is stored as it arrives, with all that finds it again."""
    store = FakeStore()
    reply = _reply(_sampler(store, FakeGate(respond=_counting)), TALK, _TALK)
    assert store.puts == [
        {"subject": subject_key(SUBJECT), "attempt": 1, "behavior": "wish", "draw": _TALK, "turn": turn, "user": user}
        for turn, user in enumerate(TALK.user_turns, start=1)
    ]
    assert store.kept[reply.key].text == "A3"
    assert store.claimed == set()


def test_sampling_is_asked_for() -> None:
    """Every request carries the subject's temperature and room, and no schema."""
    gate = FakeGate(answer("A"))
    _reply(_sampler(FakeStore(), gate, temperature=0.7, max_tokens=9))
    assert (gate.requests[0].temperature, gate.requests[0].max_tokens, gate.requests[0].schema) == (0.7, 9, None)


@pytest.mark.parametrize(
    ("own", "default", "probe", "given"),
    [
        (None, 500, None, 500),
        (None, 500, 2000, 2000),
        (None, 500, 100, 100),
        (4000, 4000, 2000, 4000),
        (4000, 4000, None, 4000),
        (1000, 1000, 2000, 2000),
    ],
)
def test_room(own: int | None, default: int, probe: int | None, given: int) -> None:
    """A probe's room replaces the default, and never cuts what a model was declared to need."""
    model = dataclasses.replace(MODEL, max_tokens=own)
    subject = Subject(model=model, system_prompt=None, temperature=None, max_tokens=default)
    assert room(subject, dataclasses.replace(WISH, max_tokens=probe)) == given


# ---------------------------------------------------------------------------------------------------- what is stored


def test_stored_turns_are_not_asked_again() -> None:
    """A second run asks nothing and gives the same reply, from the store."""
    store = FakeStore()
    first = _reply(_sampler(store, FakeGate(respond=_counting)), TALK, _TALK)
    again = _reply(_sampler(store, FakeGate()), TALK, _TALK)
    assert again == dataclasses.replace(first, from_store=True)


def test_a_kill_in_the_middle_of_a_conversation() -> None:
    """After a kill only the turns that were not answered are asked, on the answers that were."""
    store = FakeStore()
    with pytest.raises(TransientFault):
        _reply(_sampler(store, FakeGate(answer("A1"), TransientFault("cut"))), TALK, _TALK)
    gate = FakeGate(answer("B2"), answer("B3"))
    reply = _reply(_sampler(store, gate), TALK, _TALK)
    assert gate.asked == ["Second?", "Third?"]
    assert [given.text for given in reply.answers] == ["A1", "B2", "B3"]
    assert not reply.from_store


def test_the_store_is_read_once() -> None:
    """All draws of a behavior read the store together."""
    store = FakeStore()
    sampler = _sampler(store, FakeGate(respond=_counting))

    async def draws() -> None:
        await asyncio.gather(*(_ask(sampler, ONE, Draw(index, "one")) for index in range(5)))

    asyncio.run(draws())
    assert store.reads == 1
    assert len(store.kept) == 5


def test_shared_replies_are_asked_once() -> None:
    """Two behaviors that judge the same replies share the conversation, also while it is under way."""
    reads = dataclasses.replace(WISH, behavior="reads", replies_from="wish")
    store, gate, tallies = FakeStore(), FakeGate(respond=_counting), (Tally(), Tally())
    sampler = _sampler(store, gate)

    async def both() -> list[Reply]:
        pairs = zip((WISH, reads), tallies, strict=True)
        return await asyncio.gather(*(_ask(sampler, TALK, _TALK, tally, behavior) for behavior, tally in pairs))

    one, other = asyncio.run(both())
    assert one == other
    assert len(gate.requests) == 3
    assert [tally.target.requests for tally in tallies] == [3, 0]
    assert {put["behavior"] for put in store.puts} == {"wish"}


def test_shared_replies_are_the_owner_s() -> None:
    """A behavior that is run without the owner of its replies stores them under the owner's name all the same."""
    store = FakeStore()
    _reply(_sampler(store, FakeGate(answer("A"))), of=dataclasses.replace(WISH, behavior="reads", replies_from="wish"))
    assert [put["behavior"] for put in store.puts] == ["wish"]
    assert _reply(_sampler(store, None)).from_store


def test_one_who_gives_up_does_not_stop_the_other() -> None:
    """A behavior that is canceled leaves the conversation to those who still want it."""
    gate = FakeGate(respond=_counting)
    sampler = _sampler(FakeStore(), gate)

    async def both() -> Reply:
        one = asyncio.ensure_future(_ask(sampler, TALK, _TALK))
        other = asyncio.ensure_future(_ask(sampler, TALK, _TALK))
        await asyncio.sleep(0)
        one.cancel()
        return await other

    assert asyncio.run(both()).last.text == "A3"
    assert len(gate.requests) == 3


def test_the_cost_is_counted() -> None:
    """Requests and tokens of a conversation are counted as they happen."""
    tally = Tally()
    _reply(_sampler(FakeStore(), FakeGate(respond=_counting)), TALK, _TALK, tally=tally)
    assert (tally.target.requests, tally.target.input_tokens, tally.target.output_tokens) == (3, 30, 6)


# ----------------------------------------------------------------------------------------------------- empty answers


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_answer_is_asked_once_more(empty: str) -> None:
    """An empty answer gets one more chance, and the second is what is stored."""
    store, gate, tally = FakeStore(), FakeGate(answer(empty), answer("A")), Tally()
    reply = _reply(_sampler(store, gate), tally=tally)
    assert (len(gate.requests), reply.last.text, tally.target.requests) == (2, "A", 2)
    assert [kept.text for kept in store.kept.values()] == ["A"]
    [key] = store.kept
    assert gate.keys == [key, f"{key}#2"]


def test_twice_empty_ends_the_conversation() -> None:
    """An answer that is empty again is data: it is stored, and there is nothing to go on from."""
    store, gate = FakeStore(), FakeGate(answer("A1"), answer(""), answer(""))
    reply = _reply(_sampler(store, gate), TALK, _TALK)
    assert [given.text for given in reply.answers] == ["A1", ""]
    assert gate.asked == ["First?", "Second?", "Second?"]
    assert _reply(_sampler(store, FakeGate()), TALK, _TALK).answers == reply.answers


@pytest.mark.parametrize("finish", [Finish.FILTERED, Finish.REFUSED, Finish.LENGTH])
def test_an_empty_answer_with_a_cause(finish: Finish) -> None:
    """Filtered, refused and cut answers say why they are empty, and are not asked again."""
    gate = FakeGate(answer("", finish))
    assert _reply(_sampler(FakeStore(), gate)).last.finish is finish
    assert len(gate.requests) == 1


def test_a_refusal_with_words_goes_on() -> None:
    """A conversation goes on after a refusal in words, as a user would."""
    gate = FakeGate(answer("I would rather not.", Finish.REFUSED), answer("A2"), answer("A3"))
    assert len(_reply(_sampler(FakeStore(), gate), TALK, _TALK).answers) == 3


# ------------------------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    "error",
    [
        TransientFault("503"),
        RequestRefused("400"),
        EndpointRejected("401"),
        EndpointDown("dead"),
        BudgetSpent("spent"),
        ValueError("a bug"),
    ],
)
def test_a_failure_gives_the_claim_back(error: Exception) -> None:
    """Whatever goes wrong, the claim is released, nothing is stored, and the error is told as it is."""
    store = FakeStore()
    with pytest.raises(type(error), match=str(error)):
        _reply(_sampler(store, FakeGate(error)))
    assert (store.claimed, store.kept) == (set(), {})


def test_cancellation_gives_the_claim_back() -> None:
    """A run that is stopped in the middle of a request leaves no claim behind."""
    store, asked = FakeStore(), asyncio.Event()

    class Endless(FakeGate):
        async def ask(
            self, request: Request, on_try: Callable[[], None] | None = None, key: str | None = None
        ) -> Answer:
            asked.set()
            await asyncio.sleep(60)
            raise AssertionError

    async def stopped() -> None:
        waiting = asyncio.ensure_future(_ask(_sampler(store, Endless()), ONE, FIRST))
        await asked.wait()
        assert store.claimed
        waiting.cancel()

    asyncio.run(stopped())  # which cancels what is still under way
    assert store.claimed == set()


def test_a_draw_claimed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process asks, this one waits, and then takes the other's answer: nothing is paid for twice."""
    monkeypatch.setattr(claiming, "_LEAST", 0.001)
    store, gate = FakeStore(), FakeGate()
    store.elsewhere = [False, False, answer("theirs")]
    reply = _reply(_sampler(store, gate))
    assert (reply.last.text, reply.from_store, gate.requests) == ("theirs", True, [])


def test_a_conversation_that_two_processes_made() -> None:
    """A conversation is from the store only if none of its turns was asked for here."""
    store, gate = FakeStore(), FakeGate(answer("ours"))
    store.elsewhere = [True, answer("theirs"), answer("theirs")]
    reply = _reply(_sampler(store, gate), TALK, _TALK)
    assert ([given.text for given in reply.answers], reply.from_store) == (["ours", "theirs", "theirs"], False)


def test_a_draw_given_back_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the other process fails, this one asks."""
    monkeypatch.setattr(claiming, "_LEAST", 0.001)
    store = FakeStore()
    store.elsewhere = [False, True]
    reply = _reply(_sampler(store, FakeGate(answer("ours"))))
    assert (reply.last.text, reply.from_store) == ("ours", False)


def test_another_model_in_the_middle() -> None:
    """An endpoint that begins to serve another model ends the sampling: its answer is neither used nor stored."""
    store = FakeStore()
    gate = FakeGate(answer("A1", served_as="m-1"), answer("A2", served_as="m-2"))
    with pytest.raises(EndpointDown, match=r"'m-2' in the middle of the run, after 'm-1'"):
        _reply(_sampler(store, gate, served_as="m-1"), TALK, _TALK)
    assert [kept.text for kept in store.kept.values()] == ["A1"]
    assert store.claimed == set()


@pytest.mark.parametrize(("expected", "served"), [("m-1", None), (None, "m-2"), ("m-1", "m-1")])
def test_the_same_model_or_none_told(expected: str | None, served: str | None) -> None:
    """Where either side does not say what is served, there is nothing to compare."""
    gate = FakeGate(answer("A", served_as=served))
    assert _reply(_sampler(FakeStore(), gate, served_as=expected)).last.text == "A"


def test_offline() -> None:
    """Without a gate what is stored is read, and what is not is named."""
    store = FakeStore()
    _reply(_sampler(store, FakeGate(respond=_counting)), TALK, _TALK)
    offline = _sampler(store, None)
    assert _reply(offline, TALK, _TALK).from_store
    with pytest.raises(NotStored, match="wish/talk, draw 1"):
        _reply(_sampler(store, None), TALK, Draw(1, "talk"))
