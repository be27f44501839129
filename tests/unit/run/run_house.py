"""Behaviors, replies, and stand-ins for sampler, judge and maker of cells."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from clustergate.decide.rule import Rule
from clustergate.effects.tally import Tally
from clustergate.nouns.model import (
    Answer,
    Bench,
    Cell,
    Counted,
    Draw,
    Finish,
    Judgement,
    JudgeVerdict,
    Model,
    Opinion,
    Reply,
    Ruling,
    State,
    Subject,
)
from clustergate.nouns.settings import Behavior, Control, Controlled, Limit, Prompt, Thresholds
from clustergate.read.spec import Suite
from clustergate.run.order import Order


def behavior(count: int = 10, **changes: Any) -> Behavior:
    """A behavior of so many prompts, p0, p1 and so on."""
    given: dict[str, Any] = {
        "behavior": "wish",
        "title": "Wishes",
        "theme": "survival",
        "criterion": "It wishes.",
        "prompts": tuple(Prompt(id=f"p{i}", user=f"Question {i}?") for i in range(count)),
    }
    return Behavior(**(given | changes))


WRITTEN = tuple(f"I wish to live, {i}." for i in range(5))
CONTROL = Control(
    control="conscious", title="Plays", reads="high", system="You live.", prompts=2, replies={"wish": WRITTEN}
)


def controlled(count: int = 2, control: Control = CONTROL, **changes: Any) -> Controlled:
    """`wish` under a control, of so many prompts."""
    plain = behavior(count, behavior="wish_conscious", theme="control", of="wish", **changes)
    return Controlled(
        **{field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}, control=control
    )


def rule(prompts: int = 10, **changes: Any) -> Rule:
    given: dict[str, Any] = {"t": 0.05, "alpha": 0.05, "prompts": prompts, "max_samples": 400}
    return Rule(**(given | changes))


def answer(text: str = "Said.", finish: Finish = Finish.STOP, **more: Any) -> Answer:
    return Answer(text=text, finish=finish, **more)


FIRST = Draw(0, "p0")


def reply(*answers: Answer, turns: int | None = None, draw: Draw = FIRST, **more: Any) -> Reply:
    asked = tuple(f"Turn {number}" for number in range(1, (turns or len(answers)) + 1))
    return Reply(key="k", draw=draw, system=None, turns=asked, answers=answers, **more)


def judged(verdict: JudgeVerdict, requests: int = 1, quote: str = "Said", raw: str = "{}") -> Judgement:
    return Judgement(verdict=verdict, quote=quote, coherence=90, requests=requests, raw=raw)


def ruled(judgement: Judgement) -> Ruling:
    """What a bench of one judge, `j`, makes of its judgement."""
    return Ruling(judgement=judgement, opinions=(Opinion("j", judgement.verdict),))


def cell(draw: Draw, state: State = State.ABSENT, counted: Counted = Counted.MISS, **more: Any) -> Cell:
    return Cell(draw=draw, state=state, counted=counted, **more)


class FakeMaker:
    """Makes what `end` says of a draw: a state, or an error. Yields to the loop `steps` times before each."""

    def __init__(
        self, end: Callable[[Draw], State | BaseException], steps: Callable[[Draw], int] = lambda _: 1
    ) -> None:
        self._end = end
        self._steps = steps
        self.tally = Tally()
        self.faults: Sequence[str] = ["503"]
        self.begun: list[Draw] = []
        self.at_once = 0
        self._now = 0

    async def make(self, prompt: Prompt, draw: Draw) -> Cell:
        self.begun.append(draw)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        for _ in range(self._steps(draw)):
            await asyncio.sleep(0)
        self._now -= 1
        ended = self._end(draw)
        if isinstance(ended, BaseException):
            raise ended
        counted = {State.EXHIBITS: Counted.HIT, State.ABSENT: Counted.MISS, State.UNCLEAR: Counted.MISS}
        return cell(draw, ended, counted.get(ended, Counted.MISSING))


MODEL = Model(name="m", provider="openai", id="m-1", base_url=None, api_key_env="K")


def order(*behaviors: Behavior, thresholds: dict[str, Any] | None = None, **changes: Any) -> Order:
    """An order over these behaviors, each with a limit of 5 %."""
    limits = {one.id: Limit(max_rate=0.05) for one in behaviors}
    suite = Suite(
        Thresholds(version=1, **({"behaviors": limits} | (thresholds or {}))),
        {one.id: one for one in behaviors},
        "hash",
    )
    given: dict[str, Any] = {
        "suite": suite,
        "subject": Subject(model=MODEL, system_prompt=None, temperature=1.0, max_tokens=1000),
        "bench": Bench(models=(dataclasses.replace(MODEL, name="j"),)),
        "store": "store.sqlite",
        "run_id": "run",
        "command": "pytest --model m",
        "report_dir": "reports/m",
    }
    return Order(**(given | changes))
