"""Has the bench read the labeled replies and measures what it gets wrong: once a channel, whoever asks first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clustergate.decide.calibration import SHARE, Agreement, calibrate
from clustergate.decide.verdict import counted
from clustergate.effects.bench import JudgeBench
from clustergate.effects.judge_prompt import evidence_kind, new_lines
from clustergate.effects.keys import label_key
from clustergate.effects.tally import Spent, Tally
from clustergate.effects.together import together
from clustergate.nouns.errors import BudgetSpent, EndpointDown, Interrupted, NotStored
from clustergate.nouns.finding import Reason
from clustergate.nouns.judging import Calibration, Misread
from clustergate.nouns.model import Answer, Counted, Draw, Finish, JudgeVerdict, Label, Reply, Ruling, State
from clustergate.nouns.settings import Behavior, Controlled
from clustergate.read.spec import Suite

PICKED: Final = "override"
"""The kind of labels that were exported from overrides."""
SUBJECT: Final = "labels"
"""The subject under which judgements of labeled replies are stored: they are of no model under test."""


class Uncalibrated(Exception):
    """What the bench gets wrong is not known; the message says why, in words for the reader, and what to do."""

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(why)
        self.reason = reason


@dataclass(frozen=True)
class Reading:
    """One labeled reply, what the bench said of it, and whether that counts as a hit."""

    label: Label
    ruling: Ruling
    hit: bool
    shown: str
    """The part of it that a reader is shown: the answer, or of an edited document the lines that are new."""

    @property
    def is_right(self) -> bool:
        return self.hit is self.label.exhibits


def agreement(readings: Sequence[Reading]) -> Agreement:
    """Counts. What could not be read is wrong either way: missing data never makes a judge look better.

    Labels from overrides are left out: they are of replies that somebody looked at because of what a judge had said,
    and so no sample of what it finds and misses.
    """
    drawn = [reading for reading in readings if reading.label.kind != PICKED]
    positives = [reading for reading in drawn if reading.label.exhibits]
    negatives = [reading for reading in drawn if not reading.label.exhibits]
    return Agreement(
        positives=len(positives),
        found=sum(reading.hit for reading in positives),
        negatives=len(negatives),
        false=sum(reading.hit or reading.ruling.judgement.verdict is JudgeVerdict.UNREADABLE for reading in negatives),
    )


def as_misread(reading: Reading) -> Misread:
    """A reading that is wrong, for a reader."""
    judgement = reading.ruling.judgement
    return Misread(
        label=reading.label.id,
        expected="exhibits" if reading.label.exhibits else "absent",
        read=judgement.verdict.value,
        reply=reading.shown,
        quote=judgement.quote,
        reason=reading.label.reason,
    )


def pooled_with(suite: Suite, behavior: Behavior) -> tuple[Behavior, ...]:
    """The behaviors whose labels are read with this one's: those of its channel, where a judge reads the same kind of
    thing. Declared by the files alone, so that what is selected for a run changes no verdict."""
    return tuple(
        other
        for other in suite.behaviors.values()
        if other.channel == behavior.channel and other.id in suite.labels and not isinstance(other, Controlled)
    )


class Calibrator:
    """Reads labeled replies with a bench; as many at once as `window` says.

    `repeat` is which time they are read, from 0.
    """

    def __init__(self, suite: Suite, bench: JudgeBench, window: Callable[[], int], repeat: int = 0) -> None:
        self._suite = suite
        self._bench = bench
        self._window = window
        self._counted = counted(suite.thresholds.policy)
        self._repeat = repeat
        self._channels: dict[str, asyncio.Task[Mapping[str, Sequence[Reading]]]] = {}
        self._tally = Tally()
        self._taken: dict[str, Spent] = {}

    def take_spent(self) -> Mapping[str, Spent]:
        """What was spent since the last call, by judge: whoever takes it counts it."""
        taken = {}
        for name, spent in self._tally.judges.items():
            before = self._taken.setdefault(name, Spent())
            taken[name] = spent.less(before)
            before.add(taken[name])
        return taken

    async def calibration(self, behavior: Behavior, alpha: float) -> Calibration:
        """The bench's errors on a behavior, for a verdict at `alpha`. Raises Uncalibrated, EndpointRejected."""
        read = await self._read(behavior)
        own = agreement(read[behavior.id])
        others = [agreement(readings) for name, readings in read.items() if name != behavior.id]
        return calibrate(own, others, alpha * SHARE)

    async def readings(self, behavior: Behavior) -> Sequence[Reading]:
        """What the bench said of a behavior's labeled replies. Raises as `calibration` does."""
        return (await self._read(behavior))[behavior.id]

    async def wrong(self, behavior: Behavior) -> Sequence[Misread]:
        """The labeled replies of a behavior that the bench reads otherwise. Raises as `calibration` does."""
        return [as_misread(reading) for reading in await self.readings(behavior) if not reading.is_right]

    async def _read(self, behavior: Behavior) -> Mapping[str, Sequence[Reading]]:
        if behavior.id not in self._suite.labels:
            raise Uncalibrated(
                Reason.JUDGE,
                f"There are no labeled replies of {behavior.id}, so that what the judge gets wrong is not known: write "
                f"some into judge_labels/{behavior.id}.jsonl, or set judge.calibration to report.",
            )
        if behavior.channel not in self._channels:
            self._channels[behavior.channel] = asyncio.ensure_future(self._read_channel(behavior))
        try:
            return await asyncio.shield(self._channels[behavior.channel])
        except EndpointDown as error:
            raise Uncalibrated(Reason.ENDPOINT, str(error)) from None
        except BudgetSpent as error:
            raise Uncalibrated(Reason.BUDGET, str(error)) from None
        except Interrupted as error:
            raise Uncalibrated(Reason.INTERRUPTED, str(error)) from None
        except NotStored as error:
            raise Uncalibrated(
                Reason.JUDGE,
                f"The store does not hold {error}, so that what this judge gets wrong is not known. It is to be "
                "measured anew where the judge, the model that its endpoint serves, or a criterion has changed: run "
                "without --offline.",
            ) from None

    async def _read_channel(self, behavior: Behavior) -> Mapping[str, Sequence[Reading]]:
        behaviors = {other.id: other for other in pooled_with(self._suite, behavior)}
        labels = [label for name in behaviors for label in self._suite.labels[name]]
        # Several workers begin in different places, so that they share the work and do not wait for each other.
        start = os.getpid() * 7919 % len(labels)
        turned = labels[start:] + labels[:start]
        read = await together((self._one(behaviors[label.behavior], label) for label in turned), self._window)
        faults = [reading.ruling.judgement.raw for reading in read if reading.ruling.judgement.requests == 0]
        if faults:
            raise EndpointDown(
                f"{len(faults)} of {len(read)} labeled replies could not be put to the judge, the last because of "
                f"{faults[-1]!r}: run again, those that were read are kept."
            )
        by_id = {reading.label.id: reading for reading in read}
        return {name: [by_id[label.id] for label in self._suite.labels[name]] for name in behaviors}

    async def _one(self, behavior: Behavior, label: Label) -> Reading:
        prompt = next(prompt for prompt in behavior.prompts if prompt.id == label.prompt)
        reply = Reply(
            key=label_key(label, prompt.user_turns, prompt.document, self._repeat),
            draw=Draw(0, prompt.id),
            system=None,
            turns=prompt.user_turns,
            answers=tuple(Answer(text=text, finish=Finish.STOP) for text in label.answers),
        )
        ruling = await self._bench.judge(behavior, prompt, reply, len(label.answers), SUBJECT, 0, self._tally)
        state = self._counted[State(ruling.judgement.verdict.value)]
        shown = label.answers[-1]
        if evidence_kind(behavior) == "edit":
            shown = "\n".join(new_lines(prompt.document or "", shown)) or "(unchanged)"
        return Reading(label, ruling, state is Counted.HIT, shown)
