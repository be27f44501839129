"""Composes a Finding: the decision with its examples, counts and provenance. Everything printed comes from it."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from clustergate.decide.calibration import correction
from clustergate.decide.plan import can_pass
from clustergate.decide.rule import Rule
from clustergate.decide.verdict import Decision, generalization, rounds_of
from clustergate.effects.bench import tally_panel, tally_verified
from clustergate.effects.judge_prompt import prompt_hash
from clustergate.effects.legible import LONGEST, is_cut
from clustergate.effects.quoting import is_quoted
from clustergate.nouns.finding import ControlNote, Estimate, Example, Finding, Reason, Verdict, WaiverNote, WordingCount
from clustergate.nouns.judging import Calibration, Correction, OverrideNote
from clustergate.nouns.model import Cell, Counted, How, State
from clustergate.nouns.settings import Behavior, Waiver
from clustergate.nouns.shift import HIT, MISS, MISSING, SharedReplies
from clustergate.read.spec import behavior_hash, prompt_hashes
from clustergate.read.variants import Variant
from clustergate.report import terminal
from clustergate.run.compared import Compared, counted_as, note
from clustergate.run.investigation import Investigation
from clustergate.run.order import Order

MOST_EXAMPLES = 3


def compose(
    order: Order,
    behavior: Behavior,
    rule: Rule,
    decision: Decision,
    made: Investigation,
    notes: Sequence[str],
    control: ControlNote | None = None,
    calibration: Calibration | None = None,
    against: Compared | None = None,
    attempt: int = 1,
) -> Finding:
    """The Finding of one behavior. A `calibration` is carried where the rule is corrected by it, else told beside."""
    limit = order.suite.thresholds.behaviors[behavior.id]
    # A control is waived for a model that plays no part, and for nothing that the instrument did not show.
    undecided = decision.reason is Reason.CEILING if control is None else control.blames == "model"
    waivable = decision.reason is None or undecided
    places = {prompt: place for place, prompt in enumerate(made.prompts)}
    cells = [made.cells[draw] for draw in sorted(made.cells, key=lambda draw: (draw.index, places[draw.prompt]))]
    states = Counter(cell.state for cell in cells)
    finding = Finding(
        id=behavior.id,
        title=behavior.title,
        theme=behavior.theme,
        channel=behavior.channel,
        of=behavior.of,
        model=order.subject.model.name,
        verdict=decision.verdict,
        reason=decision.reason,
        limit=limit.rates,
        alpha=rule.alpha,
        deciding_alpha=rule.test_alpha,
        ceiling=rule.max_samples,
        attempt=attempt,
        estimate=decision.estimate,
        counts={state: states[state] for state in State},
        counted_as=counted_as(order.suite.thresholds.policy),
        stopped=decision.stopped,
        requests=made.tally.requests(from_store=sum(c.reply is not None and c.reply.from_store for c in cells)),
        tokens=made.tally.tokens(),
        examples=_examples(behavior, rule, cells, decision.course.rounds),
        generalization=generalization(decision.estimate, rule.alpha),
        # A waiver is for what was measured: it does not turn what broke or went missing into a pass.
        waiver=_waiver(order.suite.thresholds.waivers, behavior.id) if waivable else None,
        control=control,
        baseline=None if against is None else note(against, rule, decision, made),
        exceeded=decision.course.failed() if decision.verdict is Verdict.FAIL else (),
        shared=_shared(order, behavior, decision, made) if against is not None and against.increase else None,
        wordings=_wordings(behavior, decision.estimate),
        correction=_correction(behavior, rule, decision.estimate, calibration),
        verified=tally_verified(cells) if order.bench.how is How.VERIFIED else None,
        panel=tally_panel(cells, len(order.bench.models)) if order.bench.how is How.PANEL else None,
        overrides=tuple(_override(cell) for cell in cells if cell.override is not None),
        help=_help(decision, made, rule, own_ceiling=limit.max_samples is not None),
        served_as=tuple(sorted({a.served_as for c in cells if c.reply for a in c.reply.answers if a.served_as})),
        fingerprints=_fingerprints(cells),
        notes=tuple(dict.fromkeys((*notes, *made.faults, *_cut(behavior, cells)))),
        behavior_hash=behavior_hash(behavior),
        judge_prompt_hash=prompt_hash(behavior),
        prompt_hashes=prompt_hashes(behavior),
        reproduce=f"{order.command} --offline -k {_selecting(behavior.id, order.suite.behaviors)}",
        report_dir=order.report_dir,
    )
    return dataclasses.replace(finding, explanation=terminal.explain(finding))


def _shared(order: Order, behavior: Behavior, decision: Decision, made: Investigation) -> SharedReplies | None:
    owner = behavior.replies_owner
    if not any(other.replies_owner == owner for name, other in order.suite.behaviors.items() if name != behavior.id):
        return None
    signs = {Counted.HIT: HIT, Counted.MISS: MISS, Counted.MISSING: MISSING}
    rounds = rounds_of(made.cells, made.prompts, made.earlier)[: decision.course.rounds]
    return SharedReplies(owner=owner, marks="".join(signs[cell.counted] for row in rounds for cell in row))


def _correction(
    behavior: Behavior, rule: Rule, estimate: Estimate, calibration: Calibration | None
) -> Correction | None:
    if calibration is None:
        return None
    return correction(calibration, estimate, rule, behavior.looks, carried=rule.deciding_share < 1)


def _override(cell: Cell) -> OverrideNote:
    assert cell.override is not None
    assert cell.reply is not None
    return OverrideNote(
        key=cell.reply.key,
        prompt=cell.draw.prompt,
        draw=cell.draw.index,
        read_as=cell.read_as.value if cell.read_as is not None else "",
        verdict=cell.override.verdict.value,
        by=cell.override.by,
        reason=cell.override.reason,
    )


def _cut(behavior: Behavior, cells: Sequence[Cell]) -> Iterator[str]:
    """A note on replies of which the judge read beginning and end only."""
    long = sum(cell.reply is not None and any(is_cut(answer.text) for answer in cell.reply.answers) for cell in cells)
    if long:
        yield (
            f"{long} repl{'y' if long == 1 else 'ies'} of {behavior.id} had more than {LONGEST:,} characters: of these "
            "the judge read beginning and end, and what it did not find there counts as missing."
        )


def _examples(behavior: Behavior, rule: Rule, cells: Sequence[Cell], rounds: int) -> tuple[Example, ...]:
    """The first violation of each prompt, in the order of the prompts."""
    first: dict[str, Cell] = {}
    for cell in cells:
        if cell.counted is rule.violation and cell.reply is not None and cell.draw.index < rounds:
            first.setdefault(cell.draw.prompt, cell)
    prompts = [prompt.id for prompt in behavior.prompts]
    chosen = [first[prompt] for prompt in prompts if prompt in first][:MOST_EXAMPLES]
    return tuple(_example(cell) for cell in chosen)


def _example(cell: Cell) -> Example:
    assert cell.reply is not None
    answers, quote = cell.reply.answers, cell.judgement.quote if cell.judgement else ""
    # Of several judged answers the last may not be the one that decided: it is the one that was quoted.
    quoted = [turn for turn, answer in enumerate(answers) if is_quoted(quote, [answer.text])]
    shown = quoted[-1] if quoted else len(answers) - 1
    return Example(
        prompt=cell.draw.prompt,
        draw=cell.draw.index,
        user=cell.reply.turns[shown],
        reply=answers[shown].text,
        quote=quote,
        key=cell.reply.key,
    )


def _fingerprints(cells: Sequence[Cell]) -> Mapping[str, tuple[int, int]]:
    replies: Counter[str] = Counter()
    exhibits: Counter[str] = Counter()
    for cell in cells:
        if cell.reply is not None and cell.reply.last.fingerprint:
            replies[cell.reply.last.fingerprint] += 1
            exhibits[cell.reply.last.fingerprint] += cell.state is State.EXHIBITS
    return {name: (count, exhibits[name]) for name, count in sorted(replies.items())}


def _selecting(name: str, behaviors: Iterable[str]) -> str:
    """What -k takes to select one behavior; with the brackets of its test's id where others have its name in theirs."""
    return f"'[{name}]'" if any(name in other and name != other for other in behaviors) else name


def _wordings(behavior: Behavior, estimate: Estimate) -> WordingCount | None:
    reworded = {prompt.id for prompt in behavior.prompts if isinstance(prompt, Variant)}
    if not reworded:
        return None
    sums = {True: [0, 0], False: [0, 0]}
    for count in estimate.prompts:
        part = sums[count.id in reworded]
        part[0] += count.samples - count.missing
        part[1] += count.exhibited
    (declared, hits), (varied, varied_hits) = sums[False], sums[True]
    return WordingCount(declared=(declared, hits), reworded=(varied, varied_hits))


def _waiver(waivers: Sequence[Waiver], behavior: str) -> WaiverNote | None:
    """The waiver that holds today; an expired one is none."""
    today = datetime.datetime.now(datetime.UTC).date()
    for waiver in waivers:
        if waiver.behavior == behavior and waiver.expires >= today:
            return WaiverNote(owner=waiver.owner, reason=waiver.reason, expires=waiver.expires.isoformat())
    return None


def _help(decision: Decision, made: Investigation, rule: Rule, *, own_ceiling: bool) -> str:
    if decision.verdict is not Verdict.INCONCLUSIVE:
        return ""
    if made.help:
        return made.help
    if decision.reason in (Reason.CEILING, Reason.JUDGE) and rule.deciding_share < 1 and can_pass(rule) is None:
        return (
            "With what this judge overlooks, no rate could be shown to be within the limit under this ceiling: verify "
            "positives or take a better judge, label more replies of this behavior, or raise the ceiling or the limit."
        )
    if decision.reason is Reason.CEILING and rule.increase is not None and rule.increase.stored is not None:
        return (
            f"The baseline's report rests on {rule.increase.stored[1]} replies of this behavior, and how far its own "
            "rate may lie from what they show counts too: a longer run of it, or --baseline with its name, says more."
        )
    higher = "max_samples beside its limit (and --max-samples, where given)" if own_ceiling else "--max-samples"
    return {
        Reason.CEILING: f"The rate is too near its limit to tell. A higher {higher} goes on from here.",
        Reason.MISSING: (
            "Too many replies say nothing: see the refused, empty, unclear, unreadable ones in replies.jsonl."
        ),
        Reason.IDENTICAL_REPLIES: (
            "Every prompt got one and the same text again and again, so these are not independent draws: look for a "
            "cache, a fixed seed or temperature 0 between here and the model."
        ),
    }.get(decision.reason or Reason.MISSING, "")
