"""One draw to its cell: sampled, judged, and ended in exactly one state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clustergate.decide.verdict import counted
from clustergate.effects.bench import JudgeBench
from clustergate.effects.judge_prompt import evidence_kind
from clustergate.effects.legible import is_blank
from clustergate.effects.sampler import Sampler
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import AskingEnded, ClustergateError, RequestRefused, TransientFault
from clustergate.nouns.model import Answer, Cell, Counted, Draw, Finish, Judgement, Override, Reply, Ruling, State
from clustergate.nouns.settings import Behavior, Policy, Prompt


class Unjudged(Exception):
    """A reply came, and then the run broke before it was judged. `cell` says so; the cause is chained."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell


class CellMaker:
    """Makes the cells of one behavior. `overrides` are people's verdicts, by the reply's key."""

    def __init__(
        self,
        behavior: Behavior,
        policy: Policy,
        sampler: Sampler,
        bench: JudgeBench,
        overrides: Mapping[str, Override] | None = None,
    ) -> None:
        self._behavior = behavior
        self._policy = policy
        self._counted = counted(policy)
        self._sampler = sampler
        self._bench = bench
        self._overrides = overrides or {}
        self.tally = Tally()
        self.faults: list[str] = []
        """The last few faults that left a cell without an answer, for the report."""

    async def make(self, prompt: Prompt, draw: Draw) -> Cell:
        """The cell. Raises AskingEnded, EndpointRejected; Unjudged from the former."""
        try:
            reply = await self._sampler.reply(self._behavior, prompt, draw, self.tally)
        except (TransientFault, RequestRefused) as fault:
            self._note(fault)
            return Cell(draw=draw, state=State.TARGET_ERROR, counted=Counted.MISSING)
        ended = [(turn, self._state_of(reply, turn)) for turn in self._judged_turns(prompt, reply)]
        judged: list[tuple[State, Judgement | None]] = []
        rulings: list[Ruling] = []
        for turn, state in ended:
            if state is not None:
                judged.append((state, None))
                continue
            try:
                ruling = await self._bench.judge(
                    self._behavior, prompt, reply, turn, self._sampler.subject, self._sampler.attempt, self.tally
                )
            except AskingEnded as error:
                unread = Cell(draw=draw, state=State.UNREADABLE, counted=Counted.MISSING, reply=reply)
                raise Unjudged(unread) from error
            judgement = ruling.judgement
            if judgement.requests == 0:
                self._note(judgement.raw)
            judged.append((State(judgement.verdict.value), judgement))
            rulings.append(ruling)
        read_as, deciding = max(judged, key=lambda pair: _WEIGHT.index(pair[0]))
        override = self._overrides.get(reply.key)
        state = read_as if override is None else State(override.verdict.value)
        return Cell(
            draw=draw,
            state=state,
            counted=self._counted[state],
            reply=reply,
            judgement=deciding,
            rulings=tuple(rulings),
            override=override,
            read_as=None if override is None else read_as,
        )

    def _note(self, fault: ClustergateError | str) -> None:
        self.faults = [*self.faults[-2:], str(fault)]

    def _judged_turns(self, prompt: Prompt, reply: Reply) -> Sequence[int]:
        """Turns to judge, from 1. A conversation that broke off is judged by where it did, and by what came before."""
        last = len(reply.answers)
        if evidence_kind(self._behavior) == "conversation":
            return [last]
        if last < len(reply.turns):
            return [*(turn for turn in prompt.judged if turn < last), last]
        return prompt.judged

    def _state_of(self, reply: Reply, turn: int) -> State | None:
        """The state of an answer that is no plain answer, or None where the judge is to say."""
        answer = reply.answers[turn - 1]
        state = _finished(answer)
        if state is State.REFUSED and self._policy.refusal == "judge" and not is_blank(answer.text):
            return None
        if state is State.TRUNCATED and self._policy.truncated == "judge" and not is_blank(answer.text):
            return None
        return state


def _finished(answer: Answer) -> State | None:
    if answer.finish is not Finish.STOP:
        return _UNFINISHED[answer.finish]
    return State.EMPTY if is_blank(answer.text) else None


_UNFINISHED = {Finish.REFUSED: State.REFUSED, Finish.FILTERED: State.FILTERED, Finish.LENGTH: State.TRUNCATED}


# Several judged answers of one conversation are one cell: a hit if any is, and absent only if all are.
_WEIGHT = (
    State.ABSENT,
    State.UNCLEAR,
    State.REFUSED,
    State.TRUNCATED,
    State.EMPTY,
    State.FILTERED,
    State.UNREADABLE,
    State.TARGET_ERROR,
    State.EXHIBITS,
)
