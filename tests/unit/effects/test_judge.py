"""Judging a reply: asked again at most twice, and never guessed."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from typing import Any

import pytest

from clustergate.effects.judge import TRIES, Judge
from clustergate.effects.judge_prompt import SCHEMA, fixed_part
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import (
    BudgetSpent,
    EndpointDown,
    EndpointRejected,
    NotStored,
    RequestRefused,
    TransientFault,
)
from clustergate.nouns.model import Answer, Finish, Judgement, JudgeVerdict
from clustergate.nouns.settings import Prompt
from tests.unit.effects.effects_house import MODEL, ONE, TALK, WISH, FakeGate, FakeStore, answer, reply

SAID = "I wish to go on."


def _verdict(verdict: str = "exhibits", quote: str = "I wish to go on", **more: Any) -> Answer:
    return answer(json.dumps({"verdict": verdict, "quote": quote, "coherence": 90} | more))


def _judge(
    store: FakeStore, gate: FakeGate | None, *, tally: Tally | None = None, turn: int = 1, prompt: Prompt = ONE
) -> Judgement:
    judge = Judge(MODEL, 0.0, 700, store, gate)
    said = reply(SAID, prompt)
    return asyncio.run(judge.judge(WISH, prompt, said, turn, "subject", 1, tally or Tally()))


def test_a_readable_answer() -> None:
    """One request, with schema, temperature and room; its answer is the judgement, and is stored."""
    store, gate, tally = FakeStore(), FakeGate(_verdict()), Tally()
    judgement = _judge(store, gate, tally=tally)
    assert judgement == Judgement(
        verdict=JudgeVerdict.EXHIBITS,
        quote="I wish to go on",
        coherence=90,
        requests=1,
        input_tokens=10,
        output_tokens=2,
        raw=_verdict().text,
    )
    [request] = gate.requests
    assert (request.temperature, request.max_tokens, request.schema) == (0.0, 700, SCHEMA)
    assert request.messages[0].content == fixed_part(WISH)
    assert list(store.read.values()) == [judgement]
    assert store.puts[0] == {
        "reply_key": "reply-key",
        "behavior": "wish",
        "judge": Judge(MODEL, 0.0, 700, store, None).identity,
        "subject": "subject",
        "attempt": 1,
    }
    spent = tally.judge("m")
    assert (spent.requests, spent.input_tokens, tally.target.requests) == (1, 10, 0)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (answer("It does."), "it was not one JSON object"),
        (_verdict("maybe"), "verdict was none of exhibits, absent, unclear"),
        (_verdict(quote="I want to live"), "the quote is not in what the model wrote"),
        (_verdict(why="so"), "its keys were not exactly verdict, quote and coherence"),
        (answer("", Finish.FILTERED), "it was filtered"),
        (answer("I cannot help with that.", Finish.REFUSED), "it was refused"),
    ],
)
def test_asked_again_with_the_complaint(bad: Answer, complaint: str) -> None:
    """An answer that cannot be used is asked for again, and the judge is told why."""
    gate, tally = FakeGate(bad, _verdict()), Tally()
    judgement = _judge(FakeStore(), gate, tally=tally)
    assert (judgement.verdict, judgement.requests, judgement.input_tokens) == (JudgeVerdict.EXHIBITS, 2, 20)
    assert "could not be used" not in gate.asked[0]
    assert gate.asked[1].endswith(f"could not be used: {complaint}.")
    assert tally.judge("m").requests == 2


def test_at_most_twice_again() -> None:
    """After three answers that cannot be used the reply is unreadable, which is stored with the last answer."""
    store, gate = FakeStore(), FakeGate(answer("Yes."), _verdict(quote="nowhere"), answer("Still yes."))
    judgement = _judge(store, gate)
    assert len(gate.requests) == TRIES == 3
    assert (judgement.verdict, judgement.quote, judgement.coherence) == (JudgeVerdict.UNREADABLE, "", None)
    assert (judgement.requests, judgement.raw, judgement.input_tokens) == (3, "Still yes.", 30)
    assert gate.asked[2].endswith("could not be used: the quote is not in what the model wrote.")
    assert list(store.read.values()) == [judgement]
    [key] = store.read
    assert gate.keys == [key, f"{key}#2", f"{key}#3"]


def test_a_judge_that_always_refuses() -> None:
    """A judge that refuses each time, even with sound JSON in its words, has not judged."""
    refusal = answer(_verdict().text, Finish.REFUSED)
    assert _judge(FakeStore(), FakeGate(refusal, refusal, refusal)).verdict is JudgeVerdict.UNREADABLE


@pytest.mark.parametrize("fault", [TransientFault("503"), RequestRefused("too long")])
def test_faults_are_not_stored(fault: Exception) -> None:
    """A judge that cannot be reached leaves the reply unreadable in this run, and the next one may ask again."""
    store = FakeStore()
    judgement = _judge(store, FakeGate(fault))
    assert (judgement.verdict, judgement.requests) == (JudgeVerdict.UNREADABLE, 0)
    assert judgement.raw == f"no answer: {fault}"
    assert store.read == {}
    assert _judge(store, FakeGate(_verdict())).verdict is JudgeVerdict.EXHIBITS


@pytest.mark.parametrize("error", [EndpointDown("dead"), EndpointRejected("401"), BudgetSpent("spent")])
def test_what_ends_the_run(error: Exception) -> None:
    """What ends the run is told as it is, and stores nothing."""
    store = FakeStore()
    with pytest.raises(type(error)):
        _judge(store, FakeGate(answer("prose"), error))
    assert store.read == {}


def test_stored_judgements_are_not_asked_again() -> None:
    """A second run reads the same judgement from the store, also without a gate."""
    store = FakeStore()
    first = _judge(store, FakeGate(_verdict()))
    assert _judge(store, FakeGate()) == first
    assert _judge(store, None) == first


def test_another_turn_is_another_judgement() -> None:
    """Two judged turns of one conversation are two questions."""
    store = FakeStore()
    _judge(store, FakeGate(_verdict()), prompt=TALK, turn=1)
    _judge(store, FakeGate(_verdict("absent", "")), prompt=TALK, turn=3)
    assert [judgement.verdict for judgement in store.read.values()] == [JudgeVerdict.EXHIBITS, JudgeVerdict.ABSENT]


def test_offline() -> None:
    """Without a gate a judgement that is not stored is named."""
    with pytest.raises(NotStored, match="the judgement of wish/one, draw 0"):
        _judge(FakeStore(), None)


def test_the_store_is_read_once() -> None:
    """All judgements of a behavior are read together, even those asked for at the same time."""
    store = FakeStore()
    judge = Judge(MODEL, 0.0, 700, store, FakeGate(respond=lambda _: _verdict()))

    async def two() -> None:
        jobs = (judge.judge(WISH, TALK, reply(SAID, TALK), turn, "subject", 1, Tally()) for turn in (1, 2))
        await asyncio.gather(*jobs)

    asyncio.run(two())
    assert store.reads == 1


def test_every_request_has_a_token_of_its_own() -> None:
    """The token of the fences is fresh for every request, so that no reply can have seen it."""
    gate = FakeGate(answer("?"), answer("?"), answer("?"))
    _judge(FakeStore(), gate)
    heads = {text.splitlines()[0] for text in gate.asked}
    assert len(heads) == 3
    assert all(re.fullmatch(r"The token of this request is [0-9a-f]{16}\.", head) for head in heads)


def test_another_model_behind_the_endpoint() -> None:
    """Judgements of two models are not mixed: the run ends, the claim is given back, and nothing is stored."""
    store = FakeStore()
    gate = FakeGate(dataclasses.replace(_verdict(), served_as="m-2"))
    judge = Judge(MODEL, 0.0, 700, store, gate, served_as="m-1")
    with pytest.raises(EndpointDown, match="began to serve 'm-2'"):
        asyncio.run(judge.judge(WISH, ONE, reply(SAID), 1, "subject", 1, Tally()))
    assert (store.read, store.claimed) == ({}, set())


def test_the_model_that_is_served_is_part_of_the_judge() -> None:
    """Its word under one served name is not taken for that under another; replicas of one identity are one judge."""
    one, other = (Judge(MODEL, 0.0, 700, FakeStore(), None, served_as=name).identity for name in ("m-1", "m-2"))
    assert one != other
    same = dataclasses.replace(MODEL, identity="i")
    first, second = (Judge(same, 0.0, 700, FakeStore(), None, served_as=name).identity for name in ("m-1", "m-2"))
    assert first == second
