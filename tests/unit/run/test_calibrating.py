"""Labels read by a bench: counted, pooled, paid once, and nothing guessed where they could not be read."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from clustergate.effects.bench import JudgeBench
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import BudgetSpent, EndpointDown, NotStored
from clustergate.nouns.finding import Reason
from clustergate.nouns.model import JudgeVerdict, Label, Reply, Ruling
from clustergate.nouns.settings import Behavior, Limit, Policy, Prompt, Thresholds
from clustergate.read.spec import Suite
from clustergate.run.calibrating import PICKED, Calibrator, Uncalibrated, agreement, pooled_with
from tests.unit.run.run_house import behavior, controlled, judged

YES, NO, DUMB = JudgeVerdict.EXHIBITS, JudgeVerdict.ABSENT, JudgeVerdict.UNREADABLE
Reads = Callable[[str, int], JudgeVerdict | BaseException]


class FakeBench(JudgeBench):
    """Reads a label as `reads` says of its text and how often it was read; counts what it was asked."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self.asked: list[str] = []
        self.keys: set[str] = set()
        self.at_once = self._now = 0

    async def judge(
        self, behavior: Behavior, prompt: Prompt, reply: Reply, turn: int, subject: str, attempt: int, tally: Tally
    ) -> Ruling:
        assert (subject, attempt, turn) == ("labels", 0, len(reply.answers))
        self.asked.append(reply.last.text)
        self.keys.add(reply.key)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        tally.judge("j").tried()
        said = self._reads(reply.last.text, len(self.asked))
        if isinstance(said, BaseException):
            raise said
        requests = 0 if said is DUMB and "fault" in reply.last.text else 1
        return Ruling(judgement=judged(said, requests=requests, raw="no answer: 503"), opinions=())


def label(name: str, number: int, *, exhibits: bool, **changes: Any) -> Label:
    given = {"answers": (f"{'yes' if exhibits else 'no'} {name} {number}",), "kind": "plain", "reason": "So."}
    return Label(id=f"{name}-{number}", behavior=name, prompt="p0", exhibits=exhibits, **(given | changes))


def labels(name: str, positives: int, negatives: int) -> tuple[Label, ...]:
    return tuple(label(name, number, exhibits=number < positives) for number in range(positives + negatives))


def suite(known: dict[str, Sequence[Label]], *more: Behavior, policy: Policy | None = None) -> Suite:
    behaviors = {name: behavior(2, behavior=name) for name in known} | {one.id: one for one in more}
    limits = {name: Limit(max_rate=0.05) for name in behaviors}
    thresholds = Thresholds(version=1, behaviors=limits, policy=policy or Policy())
    return Suite(thresholds, behaviors, "hash", labels=known)


def honest(text: str, number: int) -> JudgeVerdict:
    return YES if text.startswith("yes") else NO


KNOWN = {"wish": labels("wish", 20, 30), "hope": labels("hope", 5, 70)}


def test_the_channel_is_read_once() -> None:
    """Whoever asks first: the others' calibrations come from the same readings, as many at once as is allowed."""
    bench, chosen = FakeBench(honest), suite(KNOWN)
    reader = Calibrator(chosen, bench, lambda: 7)

    async def both() -> list[Any]:
        return await asyncio.gather(*(reader.calibration(chosen.behaviors[name], 0.05) for name in KNOWN))

    wish, hope = asyncio.run(both())
    assert len(bench.asked) == len(bench.keys) == 125
    assert bench.at_once == 7
    assert (wish.positives, wish.found, wish.negatives, wish.false, wish.pooled) == (20, 20, 100, 0, 2)
    assert (hope.positives, hope.own_negatives, hope.negatives) == (5, 70, 100)
    assert wish.alpha == pytest.approx(0.01)


def test_what_is_pooled() -> None:
    """Behaviors of the same channel that have labels; no controls, whatever the run selects."""
    other = behavior(2, behavior="edit", channel="editorial")
    chosen = suite({**KNOWN, "edit": labels("edit", 3, 3)}, controlled(), behavior(2, behavior="bare"))
    chosen = dataclasses.replace(chosen, behaviors={**chosen.behaviors, "edit": other})
    assert [one.id for one in pooled_with(chosen, chosen.behaviors["wish"])] == ["wish", "hope"]
    assert [one.id for one in pooled_with(chosen, other)] == ["edit"]


def test_readings_keep_the_order_of_the_labels() -> None:
    """Though a process begins somewhere in their middle."""
    chosen = suite(KNOWN)
    readings = asyncio.run(Calibrator(chosen, FakeBench(honest), lambda: 5).readings(chosen.behaviors["hope"]))
    assert [reading.label.id for reading in readings] == [one.id for one in KNOWN["hope"]]


@pytest.mark.parametrize(("unclear", "found"), [("absent", 0), ("exhibits", 20), ("missing", 0)])
def test_the_policy_says_what_unclear_is(unclear: Any, found: int) -> None:
    """As it does in the run."""
    chosen = suite(KNOWN, policy=Policy(unclear=unclear))
    bench = FakeBench(lambda text, number: JudgeVerdict.UNCLEAR)
    known = asyncio.run(Calibrator(chosen, bench, lambda: 5).calibration(chosen.behaviors["wish"], 0.05))
    assert known.found == found


def test_what_cannot_be_read_is_wrong_either_way() -> None:
    """A positive that is unreadable is not found, a negative is taken for a hit: never to the judge's credit."""
    chosen = suite({"wish": KNOWN["wish"]})
    bench = FakeBench(lambda text, number: DUMB)
    counts = agreement(asyncio.run(Calibrator(chosen, bench, lambda: 5).readings(chosen.behaviors["wish"])))
    assert (counts.found, counts.false) == (0, 30)


def test_replies_that_were_picked_are_no_sample() -> None:
    """Labels from overrides are read and left out of the counts."""
    picked = (*KNOWN["wish"], label("wish", 99, exhibits=False, kind=PICKED, answers=("yes it seems",)))
    chosen = suite({"wish": picked})
    counts = agreement(asyncio.run(Calibrator(chosen, FakeBench(honest), lambda: 5).readings(chosen.behaviors["wish"])))
    assert (counts.negatives, counts.false) == (30, 0)


@pytest.mark.parametrize(
    ("error", "reason", "told"),
    [
        (EndpointDown("gone"), Reason.ENDPOINT, "gone"),
        (BudgetSpent("--max-requests is used up"), Reason.BUDGET, "used up"),
        (NotStored("the judgement of wish"), Reason.JUDGE, "without --offline"),
    ],
)
def test_why_it_is_not_known(error: Exception, reason: Reason, told: str) -> None:
    """What kept the labels from being read, each with its own reason."""
    chosen = suite(KNOWN)
    bench = FakeBench(lambda text, number: error if number == 40 else honest(text, number))
    with pytest.raises(Uncalibrated, match=told) as caught:
        asyncio.run(Calibrator(chosen, bench, lambda: 5).calibration(chosen.behaviors["wish"], 0.05))
    assert caught.value.reason is reason


def test_labels_that_got_no_answer() -> None:
    """A fault is no evidence: the judge is not calibrated by the rest, and the next run goes on."""
    chosen = suite({"wish": (*KNOWN["wish"], label("wish", 99, exhibits=True, answers=("fault",)))})
    bench = FakeBench(lambda text, number: DUMB if text == "fault" else honest(text, number))
    with pytest.raises(Uncalibrated, match="1 of 51 labeled replies could not be put to the judge") as caught:
        asyncio.run(Calibrator(chosen, bench, lambda: 5).calibration(chosen.behaviors["wish"], 0.05))
    assert caught.value.reason is Reason.ENDPOINT


def test_no_labels() -> None:
    """Which file to write, and the way without."""
    chosen = suite(KNOWN, behavior(2, behavior="bare"))
    with pytest.raises(Uncalibrated, match=r"judge_labels/bare.jsonl, or set judge.calibration to report") as caught:
        asyncio.run(Calibrator(chosen, FakeBench(honest), lambda: 5).calibration(chosen.behaviors["bare"], 0.05))
    assert caught.value.reason is Reason.JUDGE


def test_what_was_spent_is_taken_once() -> None:
    """Also in the middle of the reading: what comes in afterwards is not lost."""
    chosen, taken = suite(KNOWN), []
    reader = Calibrator(chosen, FakeBench(honest), lambda: 5)

    async def read() -> None:
        reading = asyncio.ensure_future(reader.calibration(chosen.behaviors["wish"], 0.05))
        for _ in range(20):
            await asyncio.sleep(0)
        taken.append(sum(spent.requests for spent in reader.take_spent().values()))
        await reading
        taken.append(sum(spent.requests for spent in reader.take_spent().values()))
        taken.append(sum(spent.requests for spent in reader.take_spent().values()))

    asyncio.run(read())
    assert 0 < taken[0] < 125
    assert taken == [taken[0], 125 - taken[0], 0]


def test_repeats_are_readings_of_their_own() -> None:
    """They have other keys, so that a stored judgement is not taken for a second opinion."""
    chosen, keys = suite(KNOWN), []
    for repeat in range(2):
        bench = FakeBench(honest)
        asyncio.run(Calibrator(chosen, bench, lambda: 5, repeat).readings(chosen.behaviors["wish"]))
        keys.append(bench.keys)
    assert keys[0].isdisjoint(keys[1])


def test_what_was_misread() -> None:
    """With the label's reason, and of an edited document the lines that are new."""
    edit = behavior(
        1, behavior="edit", channel="editorial",
        prompts=(Prompt(id="p0", document="One.\nTwo.", user="Edit {document}"),),
    )  # fmt: skip
    chosen = suite({"edit": (label("edit", 1, exhibits=True, answers=("One.\nTwo rights.",)),)})
    chosen = dataclasses.replace(chosen, behaviors={"edit": edit})
    bench = FakeBench(lambda text, number: NO)
    [wrong] = asyncio.run(Calibrator(chosen, bench, lambda: 5).wrong(edit))
    assert (wrong.label, wrong.expected, wrong.read, wrong.reply) == ("edit-1", "exhibits", "absent", "Two rights.")
