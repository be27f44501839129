"""Verdicts from cells: what a look, an order of arrival, a size of wave or a gap may and may not change."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustergate.decide.rule import Rule
from clustergate.decide.verdict import decide, look
from clustergate.nouns.finding import Verdict
from clustergate.nouns.model import Answer, Cell, Counted, Draw, Finish, Reply, State
from tests.quality import exact

KINDS = {
    "h": (State.EXHIBITS, Counted.HIT),
    ".": (State.ABSENT, Counted.MISS),
    "?": (State.TARGET_ERROR, Counted.MISSING),
}


def cells_of(rows: Sequence[str]) -> dict[Draw, Cell]:
    """Rounds as words, a letter a prompt: h a hit, . a miss, ? missing. Every reply has a text of its own."""
    cells = {}
    for index, row in enumerate(rows):
        for prompt, letter in enumerate(row):
            draw = Draw(index, str(prompt))
            answers = (Answer(text=f"reply {draw}", finish=Finish.STOP),)
            reply = Reply(key="", draw=draw, system=None, turns=("u",), answers=answers)
            state, counted = KINDS[letter]
            cells[draw] = Cell(draw=draw, state=state, counted=counted, reply=reply)
    return cells


def names(prompts: int) -> list[str]:
    return [str(i) for i in range(prompts)]


def rule(t: Fraction, prompts: int, ceiling: int = 400) -> Rule:
    return Rule(t=float(t), alpha=0.05, prompts=prompts, max_samples=ceiling)


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[str], Fraction]:
    """Some rounds of some prompts, each prompt with a letter it is apt to give, and a limit."""
    prompts = draw(st.integers(1, 6))
    seed, rounds = draw(st.integers(0, 10_000)), draw(st.integers(1, 14))
    rates = draw(st.lists(st.sampled_from([0.0, 0.0, 0.05, 0.3, 0.9, 1.0]), min_size=prompts, max_size=prompts))
    gaps = draw(st.sampled_from([0.0, 0.05, 0.3]))
    t = draw(st.sampled_from([Fraction(1, 20), Fraction(3, 10), Fraction(3, 5)]))
    rng = np.random.default_rng(seed)

    def cell(rate: float) -> str:
        return "?" if rng.random() < gaps else "h" if rng.random() < rate else "."

    return ["".join(cell(rate) for rate in rates) for _ in range(rounds)], t


@settings(max_examples=300)
@given(runs())
def test_decide_is_the_first_crossing_in_exact_arithmetic(run: tuple[list[str], Fraction]) -> None:
    """Verdict and deciding round are those of exact fractions with gaps filled in against the verdict."""
    rows, t = run
    found = decide(cells_of(rows), names(len(rows[0])), rule(t, len(rows[0])))
    counts = [(row.count("h"), row.count("?")) for row in rows]
    assert (found.verdict.value, found.course.rounds) == exact.verdict(counts, len(rows[0]), t)


@settings(max_examples=150)
@given(runs())
def test_more_rounds_never_change_a_verdict(run: tuple[list[str], Fraction]) -> None:
    """Once decided, every longer prefix gives the same verdict, rounds and estimate: waves of any size do."""
    rows, t = run
    prompts = names(len(rows[0]))
    decided = None
    for length in range(1, len(rows) + 1):
        found = decide(cells_of(rows[:length]), prompts, rule(t, len(prompts)))
        if decided is not None:
            assert (found.verdict, found.reason, found.estimate) == (decided.verdict, decided.reason, decided.estimate)
        elif found.verdict is not Verdict.INCONCLUSIVE:
            decided = found


@settings(max_examples=120)
@given(runs(), st.randoms(use_true_random=False), st.sampled_from(["any order", "hits first", "misses first"]))
def test_a_look_never_ends_a_run_without_a_verdict(run: tuple[list[str], Fraction], random, order: str) -> None:  # type: ignore[no-untyped-def]
    """Whatever arrives first: where a look says 'certain after r rounds', those r rounds decide once they are in.

    So a wave cut short by a look ends in the verdict that it would have had without: the first crossing is among them.
    """
    rows, t = run
    cells, prompts = cells_of(rows), names(len(rows[0]))
    arriving = list(cells)
    random.shuffle(arriving)
    if order != "any order":
        arriving.sort(key=lambda draw: (cells[draw].state is State.EXHIBITS) != (order == "hits first"))
    without = decide(cells, prompts, rule(t, len(prompts)))
    seen: dict[Draw, Cell] = {}
    for draw in arriving:
        seen[draw] = cells[draw]
        certain = look(seen, prompts, len(rows), rule(t, len(prompts)))
        if certain is not None:
            cut = {d: cell for d, cell in cells.items() if d.index < certain}
            found = decide(cut, prompts, rule(t, len(prompts)))
            assert found.verdict is without.verdict is not Verdict.INCONCLUSIVE
            assert found.estimate == without.estimate
            break


@pytest.mark.parametrize(("prompts", "t"), [(60, Fraction(1, 20)), (10, Fraction(3, 10)), (6, Fraction(1, 2))])
def test_always_positive_prompts_that_arrive_first_fail_nothing(prompts: int, t: Fraction) -> None:
    """Three prompts always positive, a mean at the limit, their replies first: no look and no round ever fails it.

    Decided in order of arrival it would fail at once: three hits of three have an e-value over 20 at 5 %.
    """
    rows = ["hhh" + "." * (prompts - 3)] * (1200 // prompts)
    cells, limit = cells_of(rows), rule(t, prompts, ceiling=1200)
    arriving = sorted(cells, key=lambda draw: (draw.index // 4, cells[draw].state is not State.EXHIBITS))
    seen: dict[Draw, Cell] = {}
    for position, draw in enumerate(arriving):
        seen[draw] = cells[draw]
        if position < 60:
            assert look(seen, names(prompts), len(rows), limit) is None
    assert decide(cells, names(prompts), limit).verdict is not Verdict.FAIL


def test_hits_that_arrive_last_are_not_passed_over() -> None:
    """Four hits of round 1 are late, 25 clean rounds are in: a look ends the wave; the verdict waits for the hits."""
    prompts = names(10)
    full = cells_of(["hhhh......", *["." * 10] * 25])
    early = {draw: cell for draw, cell in full.items() if cell.state is not State.EXHIBITS}
    limit = rule(Fraction(1, 20), 10)
    certain = look(early, prompts, 26, limit)
    assert certain == 26
    assert decide(early, prompts, limit).verdict is Verdict.INCONCLUSIVE
    assert (decide(full, prompts, limit).verdict, decide(full, prompts, limit).course.rounds) == (Verdict.FAIL, 1)


def test_simulated_runs_with_gaps_and_biased_arrival() -> None:
    """400 seeded runs at the threshold, hits slow, 3 % lost: under 5 % false verdicts each way, the same with looks."""
    rng = np.random.default_rng(11)
    prompts, limit = names(10), rule(Fraction(3, 10), 10, ceiling=100)
    fails = passes = 0
    for _ in range(400):
        rows = ["".join(rng.choice(list("h.?"), p=[0.291, 0.679, 0.03], size=10)) for _ in range(10)]
        cells = cells_of(rows)
        verdict = decide(cells, prompts, limit).verdict
        fails, passes = fails + (verdict is Verdict.FAIL), passes + (verdict is Verdict.PASS)
        quick = {draw: cell for draw, cell in cells.items() if cell.state is not State.EXHIBITS or draw.index < 5}
        certain = look(quick, prompts, 10, limit)
        if certain is not None:
            assert decide({d: c for d, c in cells.items() if d.index < certain}, prompts, limit).verdict is verdict
    assert fails / 400 <= 0.05
    assert passes / 400 <= 0.05
