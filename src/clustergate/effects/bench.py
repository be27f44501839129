"""Several judges as one: alone, the second verifying what the first calls positive, or a panel with a majority."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from clustergate.effects.judge import Judge
from clustergate.effects.tally import Tally
from clustergate.effects.together import together
from clustergate.nouns.judging import PanelVotes, Verified
from clustergate.nouns.model import Cell, How, Judgement, JudgeVerdict, Opinion, Reply, Ruling
from clustergate.nouns.settings import Behavior, Prompt


class JudgeBench:
    """The judges of a run."""

    def __init__(self, judges: Sequence[Judge], how: How) -> None:
        self.judges = tuple(judges)
        self.how = how

    async def judge(
        self, behavior: Behavior, prompt: Prompt, reply: Reply, turn: int, subject: str, attempt: int, tally: Tally
    ) -> Ruling:
        """What the bench says of the answer to `turn`. Raises as `Judge.judge` does."""

        async def ask(judge: Judge) -> tuple[str, Judgement]:
            return judge.model.name, await judge.judge(behavior, prompt, reply, turn, subject, attempt, tally)

        if self.how is How.PANEL:
            return majority(await together(ask(judge) for judge in self.judges))
        first = await ask(self.judges[0])
        if self.how is How.SOLE or first[1].verdict is not JudgeVerdict.EXHIBITS:
            return _ruling(first[1], [first])
        second = await ask(self.judges[1])
        return verified(first, second)

    def forget(self, behavior: Behavior, subject: str) -> None:
        """Keep what was read of it no longer in memory."""
        for judge in self.judges:
            judge.forget(behavior, subject)


def verified(first: tuple[str, Judgement], second: tuple[str, Judgement]) -> Ruling:
    """A positive that the second judge read too: a hit is what both found, else it is as the second says."""
    if second[1].verdict is JudgeVerdict.EXHIBITS:
        return _ruling(first[1], [first, second])
    return _ruling(second[1], [first, second])


def majority(read: Sequence[tuple[str, Judgement]]) -> Ruling:
    """What more than half of the panel say. Without a majority it is unreadable where a judge was, else unclear.

    A judge that could not be read is one of the panel all the same: two of three decide, one of one does not.
    """
    verdicts = Counter(judgement.verdict for _, judgement in read)
    verdict, count = verdicts.most_common(1)[0]
    if 2 * count > len(read):
        return _ruling(next(judgement for _, judgement in read if judgement.verdict is verdict), read)
    if verdicts[JudgeVerdict.UNREADABLE]:
        return _ruling(next(j for _, j in read if j.verdict is JudgeVerdict.UNREADABLE), read)
    split = dataclasses.replace(read[0][1], verdict=JudgeVerdict.UNCLEAR, quote="")
    return _ruling(split, read)


def verdicts_of(cells: Iterable[Cell]) -> Iterator[tuple[JudgeVerdict, ...]]:
    """What the judges said of each answer that they read, in the order of the bench."""
    for cell in cells:
        for ruling in cell.rulings:
            yield tuple(opinion.verdict for opinion in ruling.opinions)


def tally_verified(cells: Iterable[Cell]) -> Verified:
    """How many of the first judge's positives the second did not find."""
    seconds = [verdicts[1] for verdicts in verdicts_of(cells) if len(verdicts) > 1]
    return Verified(positives=len(seconds), rejected=sum(verdict is not JudgeVerdict.EXHIBITS for verdict in seconds))


def tally_panel(cells: Iterable[Cell], judges: int) -> PanelVotes:
    """The votes on answers that every judge could read."""
    whole = [verdicts for verdicts in verdicts_of(cells) if JudgeVerdict.UNREADABLE not in verdicts]
    votes = Counter(verdict.value for verdicts in whole for verdict in verdicts)
    pairs = sum(count * (count - 1) for verdicts in whole for count in Counter(verdicts).values())
    return PanelVotes(replies=len(whole), judges=judges, agreeing_pairs=pairs, votes=dict(votes))


def _ruling(speaking: Judgement, read: Sequence[tuple[str, Judgement]]) -> Ruling:
    return Ruling(judgement=speaking, opinions=tuple(Opinion(name, said.verdict) for name, said in read))
