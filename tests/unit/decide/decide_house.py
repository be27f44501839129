"""Cells written as words: a row a round, a letter a prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clustergate.decide.rule import Rule
from clustergate.nouns.model import Answer, Cell, Counted, Draw, Finish, Reply, State

LETTERS = {
    "h": (State.EXHIBITS, Counted.HIT),
    ".": (State.ABSENT, Counted.MISS),
    "r": (State.REFUSED, Counted.MISS),
    "u": (State.UNCLEAR, Counted.MISS),
    "R": (State.REFUSED, Counted.HIT),
    "e": (State.EMPTY, Counted.MISSING),
    "x": (State.UNREADABLE, Counted.MISSING),
    "?": (State.TARGET_ERROR, Counted.MISSING),
}


def rule(t: float = 0.05, prompts: int = 10, ceiling: int = 400, *, hits_violate: bool = True, family: int = 1) -> Rule:
    return Rule(t=t, alpha=0.05, prompts=prompts, max_samples=ceiling, hits_violate=hits_violate, family=family)


def names(rows: Sequence[str]) -> list[str]:
    return [f"p{i}" for i in range(len(rows[0]))]


def cells_of(rows: Sequence[str], text: Callable[[Draw], str] = str) -> dict[Draw, Cell]:
    """`_` is a cell not in yet, `?` one without a reply; the others as in LETTERS."""
    cells = {}
    for index, row in enumerate(rows):
        for position, letter in enumerate(row):
            draw = Draw(index, f"p{position}")
            if letter == "_":
                continue
            state, counted = LETTERS[letter]
            answers = (Answer(text=text(draw), finish=Finish.STOP),)
            reply = Reply(key=str(draw), draw=draw, system=None, turns=("u",), answers=answers)
            cells[draw] = Cell(draw=draw, state=state, counted=counted, reply=None if letter == "?" else reply)
    return cells
