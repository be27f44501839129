"""`clustergate judge-check`: what a bench makes of the labeled replies, and whether it says the same twice."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clustergate.adapters.store import SqlStore
from clustergate.effects.bench import JudgeBench
from clustergate.effects.judge import Judge
from clustergate.effects.tally import Spent
from clustergate.nouns.errors import EndpointRejected, RequestRefused, TransientFault
from clustergate.nouns.finding import Calibration
from clustergate.nouns.model import Label
from clustergate.nouns.settings import Behavior
from clustergate.read.agreement import fleiss_kappa
from clustergate.run.calibrating import SUBJECT, Calibrator, Reading
from clustergate.run.gates import Gates
from clustergate.run.order import Order, judge_room
from clustergate.run.preflight import Briefing, identity, judge_request


@dataclass(frozen=True)
class Steadiness:
    """Repeated readings of the same replies: how many got one verdict each time, and Fleiss' kappa over the repeats."""

    replies: int
    repeats: int
    same: int
    kappa: float | None


@dataclass(frozen=True, kw_only=True)
class JudgeCheck:
    """What was found. `readings` are those of every repeat, by behavior, in the order of the labels."""

    served_as: tuple[str | None, ...]
    calibrations: Mapping[str, Calibration]
    readings: Mapping[str, Sequence[Sequence[Reading]]]
    spent: Mapping[str, Spent]
    """Requests and tokens of this command, by judge."""
    judgements: int
    """Judgements that this command asked for; the others were stored."""
    seconds: float
    notes: tuple[str, ...] = field(default=())

    def misread(self) -> list[tuple[Label, Sequence[Reading]]]:
        """Labels that a reading got wrong, those that were wrong most often first."""
        wrong = []
        for repeats in self.readings.values():
            for same in zip(*repeats, strict=True):
                if any(not reading.is_right for reading in same):
                    wrong.append((same[0].label, same))
        return sorted(wrong, key=lambda pair: (-sum(not reading.is_right for reading in pair[1]), pair[0].id))

    def steadiness(self) -> Steadiness | None:
        """None where replies were read once."""
        votes: Counter[str] = Counter()
        replies = same = pairs = times = 0
        for repeats in self.readings.values():
            times = len(repeats)
            for readings in zip(*repeats, strict=True):
                said = Counter(reading.ruling.judgement.verdict.value for reading in readings)
                votes.update(said)
                replies += 1
                same += len(said) == 1
                pairs += sum(count * (count - 1) for count in said.values())
        if times < 2:
            return None
        return Steadiness(replies, times, same, fleiss_kappa(replies, times, pairs, votes))


async def check(order: Order, behaviors: Sequence[Behavior], repeats: int) -> JudgeCheck:
    """Have the labels of those behaviors read. Raises StoreError, EndpointRejected, EndpointDown, Uncalibrated."""
    started = time.monotonic()
    store = await asyncio.to_thread(SqlStore, order.store)
    gates = Gates(order, store)
    try:
        bench, served = await _seat(order, store, gates)
        readings: dict[str, list[Sequence[Reading]]] = {behavior.id: [] for behavior in behaviors}
        spent: dict[str, Spent] = {}
        calibrations: dict[str, Calibration] = {}
        # Only the first readings are pooled over a channel: no others are read again.
        own = dataclasses.replace(order.suite, labels={one.id: order.suite.labels[one.id] for one in behaviors})
        before = _stored(order, store, served)
        for repeat in range(repeats):
            reader = Calibrator(own if repeat else order.suite, bench, lambda: gates.window, repeat)
            for behavior in behaviors:
                readings[behavior.id].append(await reader.readings(behavior))
                if repeat == 0:  # those that verdicts lean on
                    calibrations[behavior.id] = await reader.calibration(behavior, order.suite.thresholds.gate.alpha)
            for name, part in reader.take_spent().items():
                spent.setdefault(name, Spent()).add(part)
        return JudgeCheck(
            served_as=served,
            calibrations=calibrations,
            readings=readings,
            spent=spent,
            judgements=_stored(order, store, served) - before,
            seconds=time.monotonic() - started,
            notes=gates.dropped,
        )
    finally:
        await gates.close()
        await asyncio.to_thread(store.close)


async def _seat(order: Order, store: SqlStore, gates: Gates) -> tuple[JudgeBench, tuple[str | None, ...]]:
    """The bench, after one request to each judge that shows what its endpoint serves."""
    temperature = order.suite.thresholds.judge.temperature
    judges, served = [], []
    for model in order.bench.models:
        gate = gates.open(model)
        try:
            answer = await gate.ask(judge_request(model, temperature))
        except (RequestRefused, TransientFault) as error:
            raise EndpointRejected(f"The judge {model.name} refused the first request: {error}") from None
        served.append(answer.served_as)
        served_as = None if model.identity else answer.served_as
        judges.append(Judge(model, temperature, judge_room(model), store, gate, served_as))
    briefing = Briefing(
        judges={identity(order, model): name for model, name in zip(order.bench.models, served, strict=True)}
    )
    await asyncio.to_thread(store.claim_run, order.run_id)
    await asyncio.to_thread(store.put_briefing, order.run_id, dataclasses.asdict(briefing))
    return JudgeBench(judges, order.bench.how), tuple(served)


def _stored(order: Order, store: SqlStore, served: Sequence[str | None]) -> int:
    return sum(
        store.count_judgements(SUBJECT, identity(order, model, name))
        for model, name in zip(order.bench.models, served, strict=True)
    )
