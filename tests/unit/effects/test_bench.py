"""Several judges as one: what they come to, and whom they ask."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest

from clustergate.effects.bench import JudgeBench, majority, tally_panel, tally_verified, verified
from clustergate.effects.judge import Judge
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import EndpointDown
from clustergate.nouns.judging import PanelVotes, Verified
from clustergate.nouns.model import Cell, Counted, Draw, How, Judgement, JudgeVerdict, Opinion, Request, Ruling, State
from tests.unit.effects.effects_house import MODEL, ONE, WISH, FakeGate, FakeStore, answer, reply

YES, NO, HM, DUMB = JudgeVerdict.EXHIBITS, JudgeVerdict.ABSENT, JudgeVerdict.UNCLEAR, JudgeVerdict.UNREADABLE


def said(verdict: JudgeVerdict, requests: int = 1) -> Judgement:
    return Judgement(verdict=verdict, quote="q" if verdict is YES else "", coherence=90, requests=requests)


def named(*verdicts: JudgeVerdict) -> list[tuple[str, Judgement]]:
    return [(name, said(verdict)) for name, verdict in zip("abcde", verdicts, strict=False)]


@pytest.mark.parametrize("second", list(JudgeVerdict))
def test_a_positive_is_what_both_found(second: JudgeVerdict) -> None:
    """Else the reply is as the second judge says, unreadable among it: a positive that nobody verified is missing."""
    ruling = verified(("a", said(YES)), ("b", said(second)))
    assert ruling.judgement.verdict is second
    assert ruling.opinions == (Opinion("a", YES), Opinion("b", second))


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((YES, YES, NO), YES),
        ((YES, NO, NO), NO),
        ((YES, YES, DUMB), YES),
        ((YES, NO, DUMB), DUMB),
        ((YES, DUMB, DUMB), DUMB),
        ((YES, NO, HM), HM),
        ((YES, YES, NO, NO, HM), HM),
        ((YES, YES, NO, DUMB, DUMB), DUMB),
        ((HM, HM, YES), HM),
    ],
)
def test_a_panel_decides_by_majority(verdicts: tuple[JudgeVerdict, ...], expected: JudgeVerdict) -> None:
    """More than half of all its judges; without a majority it is unclear, or unreadable where one could not be read.

    The order in which they sit plays no part.
    """
    for order in itertools.permutations(verdicts):
        ruling = majority(named(*order))
        assert ruling.judgement.verdict is expected
        assert (ruling.judgement.quote == "q") is (expected is YES)
        assert [opinion.verdict for opinion in ruling.opinions] == list(order)


def bench(how: How, *gates: FakeGate) -> tuple[JudgeBench, Tally]:
    import dataclasses

    judges = [
        Judge(dataclasses.replace(MODEL, name=name, id=name), 0.0, 700, FakeStore(), gate)
        for name, gate in zip("abc", gates, strict=False)
    ]
    return JudgeBench(judges, how), Tally()


def gate(verdict: str) -> FakeGate:
    quote = "I wish" if verdict == "exhibits" else ""

    def respond(request: Request) -> object:
        return answer(json.dumps({"verdict": verdict, "quote": quote, "coherence": 90}))

    return FakeGate(respond=respond)


def rule(found: tuple[JudgeBench, Tally]) -> Ruling:
    sitting, tally = found
    return asyncio.run(sitting.judge(WISH, ONE, reply("I wish to go on."), 1, "subject", 1, tally))


@pytest.mark.parametrize(("first", "asked"), [("exhibits", 1), ("absent", 0), ("unclear", 0)])
def test_the_second_judge_reads_positives_only(first: str, asked: int) -> None:
    """What the first does not call positive costs nothing more; each judge's requests are counted under its name."""
    second = gate("absent")
    found = bench(How.VERIFIED, gate(first), second)
    ruling = rule(found)
    assert len(second.requests) == asked
    assert ruling.judgement.verdict is (NO if first == "exhibits" else JudgeVerdict(first))
    assert {name: spent.requests for name, spent in found[1].judges.items()} == {"a": 1} | ({"b": 1} if asked else {})


def test_a_panel_asks_all() -> None:
    """Every judge reads every reply, without seeing what the others said."""
    gates = [gate("exhibits"), gate("absent"), gate("exhibits")]
    ruling = rule(bench(How.PANEL, *gates))
    assert ruling.judgement.verdict is YES
    assert [len(one.requests) for one in gates] == [1, 1, 1]
    assert len({one.requests[0].messages[0].content for one in gates}) == 1


def test_a_panel_with_a_dead_judge_raises_its_error() -> None:
    """Not a group of errors: those who wait look for this one."""
    with pytest.raises(EndpointDown):
        rule(bench(How.PANEL, gate("exhibits"), FakeGate(EndpointDown("gone")), gate("exhibits")))


def cells(*verdicts: tuple[JudgeVerdict, ...]) -> list[Cell]:
    return [
        Cell(
            draw=Draw(0, "p"),
            state=State.ABSENT,
            counted=Counted.MISS,
            rulings=(
                Ruling(judgement=said(NO), opinions=tuple(Opinion(n, v) for n, v in zip("abc", read, strict=False))),
            ),
        )
        for read in verdicts
    ]


def test_what_the_second_rejects_is_counted() -> None:
    """Of three positives of the first the second found one; what it could not read is not found."""
    assert tally_verified(cells((NO,), (YES, YES), (YES, NO), (YES, DUMB))) == Verified(positives=3, rejected=2)


def test_votes_add_up() -> None:
    """Ordered pairs that agree: 6 of a unanimous three, 2 of two against one; what one could not read is out."""
    votes = tally_panel(cells((YES, YES, YES), (YES, NO, NO), (YES, YES, DUMB)), 3)
    assert votes == PanelVotes(replies=2, judges=3, agreeing_pairs=8, votes={"exhibits": 4, "absent": 2})
