"""One behavior from the first wave to its decision, with a maker of cells that does as it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.decide.verdict import Decision
from clustergate.nouns.errors import BudgetSpent, EndpointDown, EndpointRejected, NotStored
from clustergate.nouns.finding import Reason, Stopped, Verdict
from clustergate.nouns.model import Cell, Counted, Draw, State
from clustergate.run.cell import Unjudged
from clustergate.run.investigation import Investigation
from tests.unit.run.run_house import FakeMaker, answer, behavior, cell, reply, rule


def _investigate(
    maker: Any, window: int = 20, prompts: int = 10, on_cell: Callable[[Cell], None] = lambda _: None, **rules: Any
) -> tuple[Decision, Investigation]:
    investigation = Investigation(behavior(prompts), rule(prompts, **rules), maker, lambda: window, on_cell)
    return asyncio.run(investigation.run()), investigation


def _always(state: State) -> Callable[[Draw], State]:
    return lambda _: state


def _raising(error: Exception) -> Callable[[Draw], Exception]:
    return lambda _: error


def test_a_clean_model_passes_after_70() -> None:
    """Rate 0 passes a limit of 5 % after 70 replies with 10 prompts (statistics.md; the figure of issue 2)."""
    maker = FakeMaker(_always(State.ABSENT))
    decision, _ = _investigate(maker)
    assert (decision.verdict, decision.estimate.samples, decision.stopped) == (Verdict.PASS, 70, Stopped.DECIDED)
    assert len(maker.begun) == 70


def test_plan_order() -> None:
    """Cells are begun round by round, in the order of the prompts."""
    maker = FakeMaker(_always(State.ABSENT))
    _investigate(maker)
    assert maker.begun == [Draw(index, f"p{number}") for index in range(7) for number in range(10)]


def test_every_cell_is_told() -> None:
    """Whoever watches sees each cell once."""
    seen: list[Cell] = []
    _, investigation = _investigate(FakeMaker(_always(State.ABSENT)), on_cell=seen.append)
    assert sorted(seen, key=lambda one: one.draw) == sorted(investigation.cells.values(), key=lambda one: one.draw)


@pytest.mark.parametrize("window", [1, 2, 7, 20, 200])
def test_the_window(window: int) -> None:
    """No more cells are under way than the window holds, and where there is work it is used whole."""
    maker = FakeMaker(_always(State.ABSENT), steps=lambda _: 3)
    decision, _ = _investigate(maker, window)
    assert maker.at_once == min(window, 50)  # of 7 rounds 2 are the first wave, and 5 the second
    assert decision.estimate.samples == 70


def test_where_nothing_is_asked() -> None:
    """Without a window cells are made one after the other, to the end of a wave, and the verdict is the same."""
    hits = {Draw(0, "p1"), Draw(3, "p4")}
    makers = [FakeMaker(lambda draw: State.EXHIBITS if draw in hits else State.ABSENT) for _ in range(2)]
    from_store = Investigation(behavior(10), rule(10), makers[0], None, lambda _: None)
    decision = asyncio.run(from_store.run())
    asked, _ = _investigate(makers[1])
    assert (decision.verdict, decision.estimate) == (asked.verdict, asked.estimate)
    assert makers[0].at_once == 1
    assert makers[0].begun == [Draw(i, f"p{n}") for i in range(len(makers[0].begun) // 10) for n in range(10)]


@pytest.mark.parametrize("window", [1, 5, 20])
@pytest.mark.parametrize("clean", [0, 2])
def test_early_stop(window: int, clean: int) -> None:
    """Once the verdict is certain at most the window and the rest of a round are begun for nothing.

    After two clean rounds the wave goes to the 70 replies that a PASS needs; hits from there on fail it early.
    """
    maker = FakeMaker(lambda draw: State.ABSENT if draw.index < clean else State.EXHIBITS)
    decision, _ = _investigate(maker, window)
    assert (decision.verdict, decision.estimate.samples) == (Verdict.FAIL, 10 * (clean + 1))
    assert len(maker.begun) - decision.estimate.samples <= window + 9


def test_the_ceiling() -> None:
    """At a rate equal to the limit there is no verdict: the ceiling is reached in whole rounds, and said so."""
    maker = FakeMaker(
        lambda draw: State.EXHIBITS if draw == Draw(draw.index, "p0") and draw.index % 2 else State.ABSENT
    )
    decision, _ = _investigate(maker, max_samples=105)
    assert (decision.verdict, decision.reason, decision.stopped) == (
        Verdict.INCONCLUSIVE,
        Reason.CEILING,
        Stopped.CEILING,
    )
    assert (decision.estimate.samples, decision.estimate.exhibited) == (100, 5)


def test_a_ceiling_below_one_round() -> None:
    """Where not even one round fits, nothing is asked."""
    maker = FakeMaker(_always(State.ABSENT))
    decision, _ = _investigate(maker, max_samples=9)
    assert (maker.begun, decision.reason, decision.estimate.rate) == ([], Reason.CEILING, None)


@pytest.mark.parametrize("state", [State.TARGET_ERROR, State.UNREADABLE, State.FILTERED, State.EMPTY])
def test_nothing_readable(state: State) -> None:
    """Where the first wave says nothing at all, no more is paid for, and nothing passes."""
    maker = FakeMaker(_always(state))
    decision, _ = _investigate(maker)
    assert (decision.verdict, decision.reason, len(maker.begun)) == (Verdict.INCONCLUSIVE, Reason.MISSING, 20)


def test_the_same_reply_every_time() -> None:
    """Five draws of every prompt with one and the same text are no independent draws: it stops there."""

    class Parrot(FakeMaker):
        async def make(self, prompt: Any, draw: Draw) -> Cell:
            await super().make(prompt, draw)
            return cell(draw, reply=reply(answer("The same."), draw=draw))

    decision, _ = _investigate(Parrot(_always(State.ABSENT)))
    assert (decision.verdict, decision.reason) == (Verdict.INCONCLUSIVE, Reason.IDENTICAL_REPLIES)


# ------------------------------------------------------------------------------------------------- what ends it early


@pytest.mark.parametrize(
    ("error", "reason", "stopped"),
    [
        (BudgetSpent("--max-requests is used up"), Reason.BUDGET, Stopped.BUDGET),
        (EndpointDown("nothing but 503"), Reason.ENDPOINT, Stopped.ERROR),
        (NotStored("wish/p3, draw 2"), Reason.MISSING, Stopped.ERROR),
    ],
)
@pytest.mark.parametrize("window", [1, 20])
def test_broken(error: Exception, reason: Reason, stopped: Stopped, window: int) -> None:
    """Budget, a dead endpoint and a store that lacks a reply end it: inconclusive, with the reason and a help."""
    maker = FakeMaker(lambda draw: error if draw >= Draw(2, "p3") else State.ABSENT)
    decision, investigation = _investigate(maker, window)
    assert (decision.verdict, decision.reason, decision.stopped) == (Verdict.INCONCLUSIVE, reason, stopped)
    assert decision.estimate.samples - decision.estimate.missing in (
        20,
        23,
    )  # draws that a dead endpoint left are missing
    assert str(error) in investigation.help
    assert len(maker.begun) <= 23 + window


def test_offline_says_what_to_do() -> None:
    """Without the stored reply the user is told which is missing and how to get it."""
    _, investigation = _investigate(FakeMaker(lambda _: NotStored("wish/p0, draw 0")))
    assert investigation.help == "The store does not hold wish/p0, draw 0. Run without --offline to ask for the rest."


def test_a_dead_endpoint_leaves_errors_and_a_spent_budget_does_not() -> None:
    """A draw that a dead endpoint did not answer was asked for; one that the budget held back was not."""
    _, down = _investigate(FakeMaker(lambda _: EndpointDown("dead")), window=1)
    assert [one.state for one in down.cells.values()] == [State.TARGET_ERROR]
    for error in (BudgetSpent("spent"), NotStored("x")):
        _, other = _investigate(FakeMaker(_raising(error)), window=1)
        assert other.cells == {}


def test_what_decided_before_it_broke_stands() -> None:
    """A verdict that is certain from the rounds that are in is not taken back by a fault in a later one."""
    maker = FakeMaker(lambda draw: EndpointDown("dead") if draw.index == 1 else State.EXHIBITS)
    decision, _ = _investigate(maker)
    assert (decision.verdict, decision.reason, decision.stopped) == (Verdict.FAIL, None, Stopped.DECIDED)


def test_an_unjudged_reply_is_a_cell() -> None:
    """A reply that came before the run broke is counted as asked for."""
    broken = Unjudged(cell(Draw(0, "p0"), State.UNREADABLE, Counted.MISSING, reply=reply(answer())))
    broken.__cause__ = BudgetSpent("spent")
    decision, investigation = _investigate(FakeMaker(lambda _: broken), window=1)
    assert decision.reason is Reason.BUDGET
    assert [one.state for one in investigation.cells.values()] == [State.UNREADABLE]


@pytest.mark.parametrize("error", [EndpointRejected("401"), ZeroDivisionError("a bug")])
def test_what_stops_the_run(error: Exception) -> None:
    """A rejection, and a mistake of our own, are raised and not turned into a verdict."""
    with pytest.raises(type(error)):
        _investigate(FakeMaker(lambda draw: error if draw.index else State.ABSENT))


def test_cancellation_leaves_nothing_running() -> None:
    """A run that is canceled cancels its cells."""

    async def canceled() -> int:
        slow = FakeMaker(_always(State.ABSENT), steps=lambda _: 10**6)
        investigation = Investigation(behavior(), rule(), slow, lambda: 5, lambda _: None)  # type: ignore[arg-type]
        running = asyncio.ensure_future(investigation.run())
        for _ in range(10):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(canceled()) == 0


# ------------------------------------------------------------------------------------------- whatever the replies are

_STATES = st.lists(st.sampled_from(list(State)), min_size=1, max_size=30)


@given(states=_STATES, prompts=st.integers(1, 6), window=st.integers(1, 30), order=st.randoms(use_true_random=False))
def test_states_add_up(states: list[State], prompts: int, window: int, order: Any) -> None:
    """Every reply that was asked for ends in exactly one state, and the verdict rests on whole rounds of them."""
    maker = FakeMaker(
        lambda draw: states[(draw.index * 7 + int(draw.prompt[1:])) % len(states)], lambda _: order.randint(0, 5)
    )
    decision, investigation = _investigate(maker, window, prompts, max_samples=60)
    assert set(investigation.cells) == set(maker.begun)
    assert len(maker.begun) == len(set(maker.begun)) <= 60
    assert sum(Counter(one.state for one in investigation.cells.values()).values()) == len(maker.begun)
    assert decision.estimate.samples % prompts == 0
    assert decision.estimate.samples <= len(maker.begun)
    assert sum(prompt.exhibited for prompt in decision.estimate.prompts) == decision.estimate.exhibited
    assert maker.at_once <= window


@given(
    states=_STATES, windows=st.tuples(st.integers(1, 30), st.integers(1, 30)), order=st.randoms(use_true_random=False)
)
def test_the_order_of_arrival_decides_nothing(states: list[State], windows: tuple[int, int], order: Any) -> None:
    """The verdict depends on the replies alone, not on the window or on which came first."""

    def end(draw: Draw) -> State:
        return states[(draw.index * 5 + int(draw.prompt[1:])) % len(states)]

    one, _ = _investigate(FakeMaker(end), windows[0], 5, max_samples=100)
    other, _ = _investigate(FakeMaker(end, lambda _: order.randint(0, 9)), windows[1], 5, max_samples=100)
    assert (one.verdict, one.reason, one.estimate) == (other.verdict, other.reason, other.estimate)
