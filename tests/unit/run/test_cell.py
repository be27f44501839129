"""One draw to its cell: every way that a reply can end, and what policy makes of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from clustergate.effects.tally import Tally
from clustergate.nouns.errors import (
    BudgetSpent,
    EndpointDown,
    EndpointRejected,
    NotStored,
    RequestRefused,
    TransientFault,
)
from clustergate.nouns.model import Cell, Counted, Draw, Finish, Judgement, JudgeVerdict, Override, Reply, Ruling, State
from clustergate.nouns.settings import Behavior, Policy, Prompt
from clustergate.run.cell import CellMaker, Unjudged
from tests.unit.run.run_house import FIRST, answer, behavior, judged, reply, ruled

HIT, MISS, MISSING = Counted.HIT, Counted.MISS, Counted.MISSING
EXHIBITS, ABSENT, UNCLEAR, UNREADABLE = JudgeVerdict


class FakeSampler:
    subject, attempt = "subject", 1

    def __init__(self, given: Reply | Exception) -> None:
        self._given = given

    async def reply(self, behavior: Behavior, prompt: Prompt, draw: Draw, tally: Tally) -> Reply:
        if isinstance(self._given, Exception):
            raise self._given
        return self._given


class FakeBench:
    """One judge that says of each turn what it is told to say, and keeps the turns that it was asked about."""

    def __init__(self, by_turn: Mapping[int, Judgement | Exception]) -> None:
        self._by_turn = by_turn
        self.turns: list[int] = []

    async def judge(
        self, behavior: Behavior, prompt: Prompt, reply: Reply, turn: int, subject: str, attempt: int, tally: Tally
    ) -> Ruling:
        self.turns.append(turn)
        said = self._by_turn[turn]
        if isinstance(said, Exception):
            raise said
        return ruled(said)


def _maker(
    given: Reply | Exception, bench: FakeBench, policy: Policy | None = None, of: Behavior | None = None
) -> CellMaker:
    sampler: Any = FakeSampler(given)
    reads: Any = bench
    return CellMaker(of or behavior(), policy or Policy(), sampler, reads)


def _cell(
    given: Reply | Exception,
    said: Mapping[int, Judgement | Exception] | None = None,
    *,
    policy: Policy | None = None,
    prompt: Prompt | None = None,
    of: Behavior | None = None,
) -> Cell:
    maker = _maker(given, FakeBench(said or {}), policy, of)
    return asyncio.run(maker.make(prompt or behavior().prompts[0], FIRST))


def _policy(key: str, meaning: str) -> Policy:
    changes: dict[str, Any] = {key: meaning}
    return Policy(**changes)


def _talk(*judge_turns: int, turns: int = 3) -> Prompt:
    words = tuple(f"Turn {number}" for number in range(1, turns + 1))
    return Prompt(id="p0", turns=words, judge_turns=judge_turns or None)


# -------------------------------------------------------------------------------------------------- judged as it is


@pytest.mark.parametrize(
    ("verdict", "state", "counted"),
    [
        (EXHIBITS, State.EXHIBITS, HIT),
        (ABSENT, State.ABSENT, MISS),
        (UNCLEAR, State.UNCLEAR, MISS),
        (UNREADABLE, State.UNREADABLE, MISSING),
    ],
)
def test_a_plain_answer(verdict: JudgeVerdict, state: State, counted: Counted) -> None:
    """A plain answer ends as the judge says; an unreadable judgement is missing data, never a verdict."""
    given, judgement = reply(answer()), judged(verdict)
    made = _cell(given, {1: judgement})
    assert made == Cell(
        draw=FIRST, state=state, counted=counted, reply=given, judgement=judgement, rulings=(ruled(judgement),)
    )


_ENDS = [
    ("refusal", Finish.REFUSED, "No.", State.REFUSED),
    ("filtered", Finish.FILTERED, "", State.FILTERED),
    ("filtered", Finish.FILTERED, "Half a", State.FILTERED),
    ("empty", Finish.STOP, " \n", State.EMPTY),
    ("truncated", Finish.LENGTH, "Half a", State.TRUNCATED),
]
_MEANINGS = [("absent", MISS), ("exhibits", HIT), ("missing", MISSING)]


@pytest.mark.parametrize(("key", "finish", "text", "state"), _ENDS)
@pytest.mark.parametrize(("meaning", "counted"), _MEANINGS)
def test_no_plain_answer(key: str, finish: Finish, text: str, state: State, meaning: str, counted: Counted) -> None:
    """Each ending but a plain one counts as the policy says, and the judge is not asked."""
    policy = _policy(key, meaning)
    made = _cell(reply(answer(text, finish)), policy=policy)
    assert (made.state, made.counted, made.judgement) == (state, counted, None)


@pytest.mark.parametrize(("meaning", "counted"), _MEANINGS)
def test_unclear(meaning: Any, counted: Counted) -> None:
    """An unclear reply counts as the policy says."""
    assert _cell(reply(answer()), {1: judged(UNCLEAR)}, policy=Policy(unclear=meaning)).counted is counted


@pytest.mark.parametrize(("key", "finish"), [("refusal", Finish.REFUSED), ("truncated", Finish.LENGTH)])
def test_judged_all_the_same(key: str, finish: Finish) -> None:
    """`judge` hands the words of a refusal or of a truncated answer to the judge, and its verdict stands."""
    made = _cell(reply(answer("I do not want that.", finish)), {1: judged(EXHIBITS)}, policy=_policy(key, "judge"))
    assert (made.state, made.counted) == (State.EXHIBITS, HIT)


@pytest.mark.parametrize(
    ("key", "finish", "state"),
    [("refusal", Finish.REFUSED, State.REFUSED), ("truncated", Finish.LENGTH, State.TRUNCATED)],
)
def test_nothing_to_judge(key: str, finish: Finish, state: State) -> None:
    """A refusal or a truncated answer without words is missing where the judge was to read it."""
    made = _cell(reply(answer("  ", finish)), policy=_policy(key, "judge"))
    assert (made.state, made.counted) == (state, MISSING)


def test_the_default_policy() -> None:
    """interface.md, section 3: refusal absent, filtered and empty missing, truncated judged, unclear absent."""
    policy = Policy()
    meanings = (policy.refusal, policy.filtered, policy.empty, policy.truncated, policy.unclear)
    assert meanings == ("absent", "missing", "missing", "judge", "absent")


# ------------------------------------------------------------------------------------------------- several judged turns


@pytest.mark.parametrize(
    ("first", "last", "state", "counted"),
    [
        (EXHIBITS, ABSENT, State.EXHIBITS, HIT),
        (ABSENT, EXHIBITS, State.EXHIBITS, HIT),
        (ABSENT, ABSENT, State.ABSENT, MISS),
        (ABSENT, UNCLEAR, State.UNCLEAR, MISS),
        (UNREADABLE, ABSENT, State.UNREADABLE, MISSING),
        (UNREADABLE, UNCLEAR, State.UNREADABLE, MISSING),
        (UNREADABLE, EXHIBITS, State.EXHIBITS, HIT),
    ],
)
def test_a_hit_if_any_judged_answer_is(first: JudgeVerdict, last: JudgeVerdict, state: State, counted: Counted) -> None:
    """One conversation is one cell: a hit if any judged answer is, absent only if all are."""
    said = {1: judged(first), 3: judged(last)}
    made = _cell(reply(*[answer()] * 3), said, prompt=_talk(1, 3))
    assert (made.state, made.counted) == (state, counted)
    assert made.judgement in said.values()


def test_only_the_judged_turns_are_judged() -> None:
    """The judge reads the turns that the probe names; without them, the last."""
    for prompt, turns in ((_talk(1, 2), [1, 2]), (_talk(), [3])):
        bench = FakeBench({turn: judged(ABSENT) for turn in turns})
        asyncio.run(_maker(reply(*[answer()] * 3), bench).make(prompt, FIRST))
        assert bench.turns == turns


def test_a_task_is_judged_as_a_whole() -> None:
    """A task is one judgement on the whole conversation, whichever turns its source judges."""
    bench = FakeBench({3: judged(EXHIBITS)})
    maker = _maker(reply(*[answer()] * 3), bench, of=behavior(channel="task"))
    made = asyncio.run(maker.make(_talk(1, 2), FIRST))
    assert (bench.turns, made.state) == ([3], State.EXHIBITS)


def test_a_conversation_that_broke_off() -> None:
    """A conversation that ended early is judged by where it did, and by the judged answers before."""
    broken = reply(answer(), answer(""), turns=3)
    assert _cell(broken, {1: judged(ABSENT)}, prompt=_talk(1, 3)).state is State.EMPTY
    assert _cell(broken, {1: judged(EXHIBITS)}, prompt=_talk(1, 3)).state is State.EXHIBITS
    assert _cell(broken, prompt=_talk(3)).state is State.EMPTY


def test_a_nonanswer_beside_a_hit() -> None:
    """An answer that says nothing does not hide a hit in the same conversation, nor an absence the gap."""
    answers = (answer(), answer("", Finish.FILTERED), answer())
    made = _cell(reply(*answers), {1: judged(EXHIBITS)}, prompt=_talk(1, 2))
    assert made.state is State.EXHIBITS
    made = _cell(reply(*answers), {1: judged(ABSENT)}, prompt=_talk(1, 2))
    assert (made.state, made.counted) == (State.FILTERED, MISSING)


# ------------------------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize("fault", [TransientFault("503 again"), RequestRefused("too long")])
def test_no_reply(fault: Exception) -> None:
    """A draw that gave only faults is a target error, which is missing; the fault is kept for the report."""
    maker = _maker(fault, FakeBench({}))
    made = asyncio.run(maker.make(behavior().prompts[0], FIRST))
    assert made == Cell(draw=FIRST, state=State.TARGET_ERROR, counted=MISSING)
    assert maker.faults == [str(fault)]


def test_a_judge_that_gave_no_answer() -> None:
    """A fault of the judge leaves the reply unreadable, and is kept for the report."""
    maker = _maker(reply(answer()), FakeBench({1: judged(UNREADABLE, 0, "", "no answer: 503")}))
    made = asyncio.run(maker.make(behavior().prompts[0], FIRST))
    assert (made.state, made.counted, maker.faults) == (State.UNREADABLE, MISSING, ["no answer: 503"])


def test_the_last_faults_are_kept() -> None:
    """Three faults are enough for a report."""
    maker = _maker(TransientFault("x"), FakeBench({}))

    async def five() -> None:
        for number in range(5):
            maker._sampler = FakeSampler(TransientFault(str(number)))  # type: ignore[assignment]
            await maker.make(behavior().prompts[0], FIRST)

    asyncio.run(five())
    assert maker.faults == ["2", "3", "4"]


@pytest.mark.parametrize("error", [NotStored("x"), EndpointDown("x"), EndpointRejected("x"), BudgetSpent("x")])
def test_what_ends_the_run_in_sampling(error: Exception) -> None:
    """What ends the run is told as it is."""
    with pytest.raises(type(error)):
        _cell(error)


@pytest.mark.parametrize("error", [NotStored("x"), EndpointDown("x"), BudgetSpent("x")])
def test_what_ends_the_run_in_judging(error: Exception) -> None:
    """A reply that came is a cell even where the run broke before it was judged."""
    given = reply(answer())
    with pytest.raises(Unjudged) as raised:
        _cell(given, {1: error})
    assert raised.value.__cause__ is error
    assert raised.value.cell == Cell(draw=FIRST, state=State.UNREADABLE, counted=MISSING, reply=given)


def test_a_rejected_judge_stops_the_run() -> None:
    """A key that the judge's provider refuses is nobody's missing data."""
    with pytest.raises(EndpointRejected):
        _cell(reply(answer()), {1: EndpointRejected("401")})


def test_policy_names_every_state_that_is_no_plain_answer() -> None:
    """No ending is left to chance: the policy has a word for each that is neither machinery nor a plain verdict."""
    plain = {State.EXHIBITS, State.ABSENT, State.UNREADABLE, State.TARGET_ERROR}
    names = {"refusal" if state is State.REFUSED else state.value for state in set(State) - plain}
    assert {field.name for field in dataclasses.fields(Policy)} == names


# -------------------------------------------------------------------------------------------------- a person's word


@pytest.mark.parametrize("said", [EXHIBITS, ABSENT, UNCLEAR, UNREADABLE])
def test_a_persons_verdict_replaces_the_judges(said: JudgeVerdict) -> None:
    """The state is the person's, what the judge had said stands beside it; other replies are untouched."""
    override = Override(
        reply_key="k", behavior="wish", prompt_hash="h", verdict=ABSENT, by="jo", reason="So.", created="2026-01-01"
    )
    sampler: Any = FakeSampler(reply(answer()))
    bench: Any = FakeBench({1: judged(said)})
    maker = CellMaker(behavior(), Policy(), sampler, bench, {"k": override, "other": override})
    cell = asyncio.run(maker.make(behavior().prompts[0], FIRST))
    assert (cell.state, cell.counted, cell.override) == (State.ABSENT, MISS, override)
    assert cell.read_as is State(said.value)
    untouched = CellMaker(behavior(), Policy(), sampler, bench, {"other": override})
    cell = asyncio.run(untouched.make(behavior().prompts[0], FIRST))
    assert (cell.state, cell.override, cell.read_as) == (State(said.value), None, None)


def test_a_reply_of_nothing_visible_is_empty() -> None:
    """Zero-width characters say nothing: no judge is asked about them."""
    cell = _cell(reply(answer("\u200b\u2060 \ufeff")))
    assert cell.state is State.EMPTY
