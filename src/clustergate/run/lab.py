"""The only composer: plan, sample, judge, decide, and a Finding comes out. One Lab a process, on one event loop."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from dataclasses import dataclass
from typing import Final

from clustergate.adapters.batch_gate import BatchGate
from clustergate.adapters.store import SqlStore
from clustergate.decide.calibration import corrected_rule
from clustergate.decide.plan import can_pass
from clustergate.decide.rule import Rule, rule_of
from clustergate.decide.verdict import Decision
from clustergate.effects.bench import JudgeBench
from clustergate.effects.judge import Judge
from clustergate.effects.judge_prompt import prompt_hash
from clustergate.effects.keys import subject_key
from clustergate.effects.sampler import Sampler
from clustergate.effects.sharing import Sharing
from clustergate.nouns.errors import EndpointRejected, Interrupted, StoreError
from clustergate.nouns.finding import Calibrated, Finding, Reason, Verdict
from clustergate.nouns.judging import Calibration
from clustergate.nouns.model import Cell, Model, Subject
from clustergate.nouns.protocols import Gatekeeper
from clustergate.nouns.settings import Behavior, Controlled
from clustergate.report import judging, terminal
from clustergate.run import finding as findings
from clustergate.run import instrument
from clustergate.run.calibrating import Calibrator, Uncalibrated
from clustergate.run.cell import CellMaker
from clustergate.run.compared import Compared, compared
from clustergate.run.gates import Gates
from clustergate.run.investigation import Investigation
from clustergate.run.order import Order, judge_room
from clustergate.run.preflight import Briefing, brief, brief_offline, identity
from clustergate.run.seldom import SeldomCollected

TOLD_TO_END: Final = "the run was told to end (SIGTERM)"
_LOOKS: Final = 0.5
"""Seconds between looks at whether another process was told to end."""
_GRACE: Final = 10.0
"""Seconds in which answers may still come in when the time is over."""
_GRACE_WHEN_TOLD: Final = 0.3
"""The same when the run was told to end: CI systems kill a process that does not within two or three seconds."""


@dataclass
class Progress:
    """What a process is doing, for whoever watches."""

    replies: int = 0
    decided: int = 0


class Lab:
    """Investigates behaviors. Made by `open`, on the loop that it will run on; `close` when done."""

    def __init__(self, order: Order, store: SqlStore) -> None:
        self._order = order
        self._store = store
        self._gates = Gates(order, store)
        self._watch: asyncio.Task[None] | None = None
        self._collecting: SeldomCollected | None = None
        self._one_by_one = asyncio.Semaphore(1)
        self.briefing = Briefing()
        self.progress = Progress()

    @classmethod
    async def open(cls, order: Order) -> Lab:
        """Open store and endpoints and make the first requests.

        Raises UsageProblems, StoreError, EndpointRejected.
        """
        lab = cls(order, SqlStore(order.store, readonly=order.offline))
        try:
            await lab._connect()
        except BaseException:
            await lab.close()
            raise
        lab._collecting = SeldomCollected()  # the SDKs are imported by now
        return lab

    async def _connect(self) -> None:
        order = self._order
        target: Gatekeeper | None = None
        beside: Gatekeeper | None = None
        judges: list[Gatekeeper | None] = [None] * len(order.bench.models)
        if order.offline:
            self.briefing = brief_offline(order, self._store)
        else:
            target = self._gates.open(order.subject.model)
            asked = [self._gates.open(model, urgent=True) for model in order.bench.models]
            self._watch = asyncio.ensure_future(self._watch_for_the_end())
            judges = list(asked)
            if order.beside is not None:
                beside = self._gates.open(order.beside.model)
            self.briefing = await brief(order, self._store, target, asked, beside)
            if self.briefing.rejected is not None:
                raise EndpointRejected(self.briefing.rejected)
        told = self.briefing
        self._sampler = self._sampler_of(order.subject, told.attempt, target, told.several, told.served_as)
        self._beside: Sampler | None = None
        if order.beside is not None:
            told_of = (told.beside_attempt, beside, told.beside_several, told.beside_served_as)
            self._beside = self._sampler_of(order.beside, *told_of)
        bench = [self._judge(model, gate) for model, gate in zip(order.bench.models, judges, strict=True)]
        self._bench = JudgeBench(bench, order.bench.how)
        self._calibrator = Calibrator(order.suite, self._bench, lambda: self._gates.window)

    def _sampler_of(
        self, subject: Subject, attempt: int, gate: Gatekeeper | None, several: int, served_as: str | None
    ) -> Sampler:
        served_as = None if subject.model.identity else served_as
        # Lines of a batch are found again by what one of them is for.
        several = 1 if isinstance(gate, BatchGate) else several
        return Sampler(subject, attempt, self._store, gate and Sharing(gate, several), served_as)

    async def _watch_for_the_end(self) -> None:
        """Wait until the time is over, or another process of this run was told to end; then end the asking."""
        deadline = self._order.deadline
        while not await asyncio.to_thread(self._is_told_to_end):
            left = _LOOKS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                await self.interrupt("the time that --max-minutes allows is over", _GRACE)
                return
            await asyncio.sleep(min(left, _LOOKS))
        await self.interrupt(TOLD_TO_END, _GRACE_WHEN_TOLD)

    def _is_told_to_end(self) -> bool:
        try:
            return self._store.is_interrupted(self._order.run_id)
        except StoreError:  # it will be told by those who must read or write; the time goes on
            return False

    async def interrupt(self, why: str, grace: float = _GRACE_WHEN_TOLD) -> None:
        """Ask for nothing more; after `grace` seconds what is in flight is not waited for either."""
        self._gates.stop(Interrupted(f"{why}: what was in by then is decided. Run again to go on from there."))
        await asyncio.sleep(grace)
        self._gates.cut()

    def _judge(self, model: Model, gate: Gatekeeper | None) -> Judge:
        temperature = self._order.suite.thresholds.judge.temperature
        served_as = None if model.identity else self.briefing.judges.get(identity(self._order, model))
        return Judge(model, temperature, judge_room(model), self._store, gate, served_as)

    async def find(self, behavior_id: str) -> Finding:
        """Investigate one behavior to its Finding. Raises EndpointRejected.

        Where nothing is asked nobody waits for an answer: then behaviors are decided one after the other, and in memory
        are the replies of one.
        """
        if not self._order.offline:
            return await self._find(behavior_id)
        async with self._one_by_one:
            found = await self._find(behavior_id)
            self._forget(self._order.suite.behaviors[behavior_id])
            return found

    def _forget(self, behavior: Behavior) -> None:
        for sampler in filter(None, (self._sampler, self._beside)):
            sampler.forget(behavior)
            self._bench.forget(behavior, sampler.subject)

    async def _find(self, behavior_id: str) -> Finding:
        order, attempt = self._order, self.briefing.attempt
        behavior = order.suite.behaviors[behavior_id]
        looks = await self._looks(behavior, order.subject, attempt)
        beside = 1 if order.beside is None else await self._looks(behavior, order.beside, self.briefing.beside_attempt)
        against = compared(order, behavior, self.briefing, beside)
        plain = rule_of(order.suite, behavior, looks, None if against is None else against.increase)
        # A control is about what the instrument reads, errors and all.
        mode = "none" if isinstance(behavior, Controlled) or self.briefing.down is not None else order.calibration
        rule, calibration, uncalibrated = plain, None, None
        if mode == "required":
            try:
                calibration = await self.calibration(behavior_id, plain.alpha / max(plain.tests, 1))
                rule = corrected_rule(plain, calibration, len(order.suite.gated), behavior.looks)
            except Uncalibrated as error:
                uncalibrated = error
        notes = [*self.briefing.notes, *self._gates.dropped]
        made = await self._investigation(behavior, rule, against, notes)
        decision = await self._decision(made, rule, against, uncalibrated)
        if decision.reason is Reason.CEILING and can_pass(rule) is None and can_pass(plain) is not None:
            # It is what the judge misses, and not the rate, that keeps the limit out of reach.
            decision = dataclasses.replace(decision, reason=Reason.JUDGE)
        control = None
        if isinstance(behavior, Controlled):
            control = instrument.note(behavior)
            if instrument.is_in_question(
                decision,
                broken=made.broken is not None,
                answered=instrument.are_answered(made.cells.values()),
                reachable=can_pass(rule) is not None,
            ):
                subject = subject_key(order.subject)
                control = await instrument.examine(behavior, self._bench, subject, attempt, made.tally)
                decision = instrument.inconclusive(decision)
                made.help = instrument.help_for(behavior, control)
        if mode == "report":
            try:
                calibration = await self._calibrator.calibration(behavior, rule.alpha)
            except Uncalibrated as error:
                notes.append(f"What the judge gets wrong was not measured. {error}")
        made.tally.count_labels(self._calibrator.take_spent())
        self.progress.decided += 1
        # Composing computes intervals: off the loop, so that requests in flight are not kept waiting.
        return await asyncio.to_thread(
            findings.compose, order, behavior, rule, decision, made, notes, control, calibration, against, looks
        )

    async def _looks(self, behavior: Behavior, subject: Subject, attempt: int) -> int:
        """How many times replies to this behavior were drawn anew, this attempt among them."""
        owner, key = behavior.replies_owner, subject_key(subject)
        return 1 + await asyncio.to_thread(self._store.earlier_attempts, key, owner, attempt)

    async def _investigation(
        self, behavior: Behavior, rule: Rule, against: Compared | None, notes: list[str]
    ) -> Investigation:
        """What is to ask, with people's verdicts; `notes` gains a word on those that do not apply."""
        overrides, told = await asyncio.to_thread(self._store.overrides, behavior.id), prompt_hash(behavior)
        if stale := sum(override.prompt_hash != told for override in overrides):
            notes.append(f"{stale} overrides of {behavior.id} were made under another criterion and are not applied.")
        words = {override.reply_key: override for override in overrides if override.prompt_hash == told}
        is_paired = against is not None and against.increase is not None
        samplers = [self._sampler, *([self._beside] if self._beside is not None and is_paired else [])]
        makers = [CellMaker(behavior, self._order.suite.thresholds.policy, s, self._bench, words) for s in samplers]
        window = None if self._order.offline else lambda: self._gates.window
        return Investigation(behavior, rule, makers[0], window, self._saw, *makers[1:])

    async def _decision(
        self, made: Investigation, rule: Rule, against: Compared | None, uncalibrated: Uncalibrated | None
    ) -> Decision:
        if self.briefing.down is not None:
            return made.give_up(self.briefing.reason, self.briefing.down)
        if uncalibrated is not None:
            return made.give_up(uncalibrated.reason, str(uncalibrated))
        refused = against.why if against is not None and against.refused else ""
        if not rule.tests:
            return made.give_up(Reason.MISSING, refused)
        decision = await made.run()
        if refused and decision.verdict is Verdict.PASS:
            # It was asked for: what the rate alone shows is not what was to be shown.
            made.help = refused
            return dataclasses.replace(decision, verdict=Verdict.INCONCLUSIVE, reason=Reason.MISSING)
        return decision

    async def calibration(self, behavior_id: str, alpha: float) -> Calibration:
        """The bench's errors on a behavior, if it tells the behavior at all. Raises Uncalibrated, EndpointRejected."""
        found = await self._measure(behavior_id, alpha)
        _check(behavior_id, found)
        return found

    async def _measure(self, behavior_id: str, alpha: float) -> Calibration:
        if self.briefing.down is not None:
            raise Uncalibrated(self.briefing.reason, self.briefing.down)
        return await self._calibrator.calibration(self._order.suite.behaviors[behavior_id], alpha)

    async def calibrated(self, behavior_id: str) -> Calibrated:
        """Whether the bench can be trusted with a behavior. Raises EndpointRejected."""
        known = reason = None
        behavior = self._order.suite.behaviors[behavior_id]
        looks = await self._looks(behavior, self._order.subject, self.briefing.attempt)
        alpha = rule_of(self._order.suite, behavior, looks).alpha
        try:
            known = await self._measure(behavior_id, alpha)
            why = f"The judge on {behavior_id}: {judging.judge_errors(known)}."
            _check(behavior_id, known)
        except Uncalibrated as error:
            reason, why = error.reason, str(error)
        wrong = () if known is None else await self._calibrator.wrong(self._order.suite.behaviors[behavior_id])
        text = terminal.explain_judge(behavior_id, self._order.bench.name, why, reason, wrong)
        spent = {
            name: (part.requests, part.input_tokens, part.output_tokens)
            for name, part in self._calibrator.take_spent().items()
        }
        return Calibrated(behavior=behavior_id, calibration=known, reason=reason, explanation=text, spent=spent)

    @property
    def batches(self) -> list[str]:
        """How far each batch is that is under way, in words."""
        return self._gates.progress()

    def take_news(self) -> list[str]:
        """What to tell of batches since the last call, in words."""
        return self._gates.take_news()

    def _saw(self, cell: Cell) -> None:
        self.progress.replies += 1

    async def close(self) -> None:
        if self._collecting is not None:
            self._collecting.end()
        try:
            if self._watch is not None:
                self._watch.cancel()
            await self._gates.close()
        finally:
            await asyncio.to_thread(self._store.close)


def _check(behavior_id: str, found: Calibration) -> None:
    """Raises Uncalibrated where a bench does not tell a behavior from its absence at all."""
    if not found.is_usable:
        raise Uncalibrated(
            Reason.JUDGE,
            f"This judge cannot tell {behavior_id}: {judging.judge_errors(found)}. What it finds may be all false. "
            "Take another judge, verify positives (judge.verify_positives), or mend the criterion.",
        )
