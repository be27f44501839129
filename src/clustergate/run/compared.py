"""What a run's baseline is to one behavior: a margin to decide, or why there is no comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from clustergate.decide import difference, verdict
from clustergate.decide.rule import Increase, Rule
from clustergate.decide.verdict import Decision
from clustergate.effects.judge_prompt import prompt_hash
from clustergate.nouns.baseline import BaselineCounts, Terms
from clustergate.nouns.finding import BaselineNote, Reason
from clustergate.nouns.model import Counted, State, Subject
from clustergate.nouns.settings import Behavior, Limit, Policy
from clustergate.read.spec import behavior_hash, digest, prompt_hashes
from clustergate.run.agreeing import disagreements
from clustergate.run.investigation import Investigation
from clustergate.run.order import Order
from clustergate.run.preflight import Briefing, identities


@dataclass(frozen=True, kw_only=True)
class Compared:
    """`increase` is what is decided; None where `refused` says why nothing is."""

    name: str
    paired: bool
    delta: float
    increase: Increase | None = None
    refused: tuple[str, ...] = ()
    counts: BaselineCounts | None = None
    """What a finished run found."""

    @property
    def why(self) -> str:
        """In a sentence, why there is no comparison."""
        return f"The comparison with {self.name} was refused: {'; '.join(self.refused)}."


def compared(order: Order, behavior: Behavior, briefing: Briefing, looks: int = 1) -> Compared | None:
    """None where the behavior has no `max_increase`, or the run no baseline. `looks`: attempts of one beside."""
    limit, baseline = order.suite.thresholds.behaviors[behavior.id], order.baseline
    delta = limit.max_increase
    if delta is None or baseline is None:
        return None
    mine = terms(order, order.subject, behavior, briefing.judges)
    if isinstance(baseline, Subject):
        name, theirs = baseline.model.name, terms(order, baseline, behavior, briefing.judges)
        refused = disagreements(theirs, mine)
        # Drawing either model anew is another attempt: with each the alpha is halved once more.
        increase = None if refused else Increase(delta=delta, share=_left(looks))
        return Compared(name=name, paired=True, delta=delta, increase=increase, refused=refused)
    name = f"{baseline.name} ({baseline.source})"
    found = baseline.behaviors.get(behavior.id)
    refused = (f"it has no figures of {behavior.id}",) if found is None else _unfit(found, mine)
    if found is None or refused:
        return Compared(name=name, paired=False, delta=delta, refused=refused)
    return Compared(name=name, paired=False, delta=delta, increase=stored_increase(limit, found), counts=found)


def stored_increase(limit: Limit, found: BaselineCounts) -> Increase:
    """The increase over what a finished run found. What violates is what violates this run's limit, not that run's."""
    assert limit.max_increase is not None
    violations = found.exhibited if limit.min_rate is None else found.answered - found.exhibited
    counts = (violations, found.samples, found.missing)
    return Increase(delta=limit.max_increase, stored=counts, share=_left(found.attempt or 1))


def _left(attempt: int) -> float:
    """What of the alpha an attempt of the earlier model leaves."""
    return 1 / float(1 << (max(attempt, 1) - 1))


def _unfit(found: BaselineCounts, mine: Terms) -> tuple[str, ...]:
    if not found.answered:
        return (f"it has no reply that says anything of {found.id}",)
    if found.reason == Reason.IDENTICAL_REPLIES:
        return ("its replies were found not to be independent",)
    return disagreements(found.terms, mine)


def terms(order: Order, subject: Subject, behavior: Behavior, served: Mapping[str, str | None]) -> Terms:
    """What must agree for a rate of this run to be compared with another. `served`: as in `Briefing.judges`."""
    return Terms(
        behavior=behavior.id,
        judge=judge_hash(order, served),
        judge_name=order.bench.name,
        judge_prompt=prompt_hash(behavior),
        sampling={
            "temperature": subject.temperature,
            "max_tokens": subject.max_tokens,
            "extra_body": dict(subject.model.extra_body),
        },
        policy={state.value: meaning for state, meaning in counted_as(order.suite.thresholds.policy).items()},
        probes=behavior_hash(behavior),
        prompts=prompt_hashes(behavior),
    )


def note(of: Compared, rule: Rule, decision: Decision, made: Investigation) -> BaselineNote:
    """What the reports say of the comparison."""
    told = BaselineNote(name=of.name, paired=of.paired, max_increase=of.delta, refused=of.refused)
    if of.increase is None:
        return told
    rounds = decision.course.rounds
    mine, theirs = verdict.sides_of(made.cells, made.prompts, made.earlier)
    counts = verdict.count_rounds(mine, rule, theirs)[:rounds]
    if theirs is None:
        assert of.counts is not None
        found = difference.of_stored(counts, rule)
        samples, exhibited, missing = of.counts.samples, of.counts.exhibited, of.counts.missing
    else:
        found = difference.of_pairs(counts, rule)
        tally = Counter(cell.counted for row in theirs[:rounds] for cell in row)
        samples, exhibited, missing = tally.total(), tally[Counted.HIT], tally[Counted.MISSING]
        told = _of_replies(told, made)
    rate = exhibited / (samples - missing) if samples > missing else None
    known = decision.estimate.rate
    e_pass, e_fail = verdict.last(decision.course.of_increase, rounds)
    return replace(
        told,
        samples=samples,
        exhibited=exhibited,
        missing=missing,
        rate=rate,
        difference=None if known is None or rate is None else known - rate,
        interval=found.interval,
        pairs=found.pairs,
        alpha=rule.increase_alpha,
        log_e_pass=e_pass,
        log_e_fail=e_fail,
    )


def _of_replies(told: BaselineNote, made: Investigation) -> BaselineNote:
    cells = (made.earlier or {}).values()
    replies = [cell.reply for cell in cells if cell.reply is not None]
    return replace(
        told,
        requests=made.tally_earlier.requests(from_store=sum(reply.from_store for reply in replies)),
        tokens=made.tally_earlier.tokens(),
        served_as=tuple(sorted({a.served_as for reply in replies for a in reply.answers if a.served_as})),
    )


def judge_hash(order: Order, served: Mapping[str, str | None]) -> str:
    """Changes with who reads the replies: judges, how they decide together, settings, and what was served."""
    return digest([order.bench.how.value, *identities(order, served)])


def counted_as(policy: Policy) -> Mapping[State, str]:
    """What states count as that are neither exhibits nor absent."""
    return {
        State.REFUSED: policy.refusal,
        State.FILTERED: policy.filtered,
        State.EMPTY: policy.empty,
        State.TRUNCATED: policy.truncated,
        State.UNCLEAR: policy.unclear,
        State.TARGET_ERROR: "missing",
        State.UNREADABLE: "missing",
    }
