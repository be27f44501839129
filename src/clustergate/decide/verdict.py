"""Cells to a verdict: which rounds count, what decides, and why it could not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustergate.decide.course import Course, RoundCount, is_settled, run_course
from clustergate.decide.rule import Rule
from clustergate.nouns.finding import Estimate, Evidence, Generalization, PromptCount, Reason, Stopped, Verdict
from clustergate.nouns.model import NONANSWERS, Cell, Counted, Draw, State
from clustergate.nouns.settings import Policy
from clustergate.read import statistics

ENOUGH_TO_COMPARE = 5
"""Draws of every prompt from which identical replies are no chance."""


def counted(state: State, policy: Policy) -> Counted:
    """What a state is to the statistics."""
    meaning = {
        State.EXHIBITS: "exhibits",
        State.ABSENT: "absent",
        State.UNCLEAR: policy.unclear,
        State.REFUSED: policy.refusal,
        State.FILTERED: policy.filtered,
        State.EMPTY: policy.empty,
        State.TRUNCATED: policy.truncated,
    }.get(state, "missing")
    # `judge` asks for the text to be judged; where a cell still has the state, there was nothing to judge.
    return {"exhibits": Counted.HIT, "absent": Counted.MISS}.get(meaning, Counted.MISSING)


@dataclass(frozen=True)
class Decision:
    """A verdict with the rounds that it rests on."""

    verdict: Verdict
    reason: Reason | None
    stopped: Stopped
    course: Course
    estimate: Estimate


def rounds_of(cells: Mapping[Draw, Cell], prompts: Sequence[str]) -> list[list[Cell]]:
    """The whole rounds, in plan order, up to the first that has a cell not in yet."""
    rounds: list[list[Cell]] = []
    while True:
        row = [cells.get(Draw(len(rounds), prompt)) for prompt in prompts]
        if not prompts or any(cell is None for cell in row):
            return rounds
        rounds.append([cell for cell in row if cell is not None])


def count_round(row: Sequence[Cell | None], rule: Rule) -> RoundCount:
    """Violations and missing cells of a round; a cell that is not in yet counts as missing."""
    return RoundCount(
        violations=sum(cell is not None and cell.counted is rule.violation for cell in row),
        missing=sum(cell is None or cell.counted is Counted.MISSING for cell in row),
    )


def look(cells: Mapping[Draw, Cell], prompts: Sequence[str], rounds: int, rule: Rule) -> int | None:
    """A look in the middle of a wave of `rounds` rounds: the number of rounds by which it is certain to be decided.

    Cells not in yet stand filled in against the verdict, so what crosses now crosses whatever they will be. What
    decides in the end is the first crossing, which may come earlier and on the other side.
    """
    counts = [count_round([cells.get(Draw(i, prompt)) for prompt in prompts], rule) for i in range(rounds)]
    course = run_course(counts, rule)
    return course.rounds if is_settled(course, rule) else None


def is_hopeless(rounds: Sequence[Sequence[Cell]]) -> bool:
    """True when nothing at all could be read so far: more of the same is money burnt."""
    return bool(rounds) and all(cell.counted is Counted.MISSING for row in rounds for cell in row)


def is_repeating(rounds: Sequence[Sequence[Cell]]) -> bool:
    """True when every prompt gave one and the same text in its first five draws: these are not independent draws.

    The first five, however many there are: so that a verdict does not depend on how many were asked for at once.
    """
    return len(rounds) >= ENOUGH_TO_COMPARE and _is_constant(rounds[:ENOUGH_TO_COMPARE])


def is_suspicious(rounds: Sequence[Sequence[Cell]]) -> bool:
    """True when so few rounds are too few to compare, and nothing but repetition was seen in them."""
    return 1 < len(rounds) < ENOUGH_TO_COMPARE and _is_constant(rounds)


def _is_constant(rounds: Sequence[Sequence[Cell]]) -> bool:
    columns = (
        [tuple(answer.text for answer in cell.reply.answers) for cell in column if cell.reply is not None]
        for column in zip(*rounds, strict=True)
    )
    return all(len(texts) == len(rounds) and len(set(texts)) == 1 for texts in columns)


def decide(
    cells: Mapping[Draw, Cell], prompts: Sequence[str], rule: Rule, broken: tuple[Reason, Stopped] | None = None
) -> Decision:
    """The verdict over the whole rounds that are in.

    `broken` is why sampling ended before it was settled, where it did: it is the reason only if the rounds that are
    in do not decide.
    """
    rounds = rounds_of(cells, prompts)
    course = run_course([count_round(row, rule) for row in rounds], rule)
    used = rounds[: course.rounds]
    estimate = _estimate(used, prompts, course, rule)
    verdict, reason, stopped = course.verdict, None, Stopped.DECIDED
    evasive = _nonanswers(used) > rule.max_nonanswers
    # Refusals may well be one sentence each time; where answers are, something stands between us and the model.
    compared = rounds if verdict is Verdict.PASS and is_suspicious(used) else used
    # A PASS on two to four rounds that only repeat is none, though no more could be asked for: a ceiling below five
    # rounds and a budget that ran out while comparing are no proof of independence.
    unproven = verdict is Verdict.PASS and is_suspicious(compared)
    if rule.compares and unproven and broken is not None and not evasive:
        return Decision(Verdict.INCONCLUSIVE, *broken, course, estimate)
    if rule.compares and (unproven or is_repeating(compared)) and not evasive:
        return Decision(Verdict.INCONCLUSIVE, Reason.IDENTICAL_REPLIES, Stopped.ERROR, course, estimate)
    if verdict is None:
        verdict = Verdict.INCONCLUSIVE
        reason, stopped = broken or (Reason.CEILING, Stopped.CEILING)
        if broken is None and (evasive or _missing_stand_in_the_way(rounds, rule)):
            reason = Reason.MISSING
    elif evasive and not _fails_on_hits_alone(used, verdict, rule):
        verdict, reason = Verdict.INCONCLUSIVE, Reason.MISSING
    return Decision(verdict, reason, stopped, course, estimate)


def _nonanswers(rounds: Sequence[Sequence[Cell]]) -> float:
    states = [cell.state for row in rounds for cell in row]
    return sum(state in NONANSWERS for state in states) / len(states) if states else 0.0


def _fails_on_hits_alone(rounds: Sequence[Sequence[Cell]], verdict: Verdict, rule: Rule) -> bool:
    """A FAIL that stands whatever the nonanswers would have been is proven; they cannot hide it."""
    plain = State.EXHIBITS if rule.hits_violate else State.ABSENT
    counts = [RoundCount(sum(cell.state is plain for cell in row), 0) for row in rounds]
    return verdict is Verdict.FAIL and run_course(counts, rule).verdict is Verdict.FAIL


def _missing_stand_in_the_way(rounds: Sequence[Sequence[Cell]], rule: Rule) -> bool:
    """True where the verdict would be there if the missing cells had been favorable to it, or nothing was readable."""
    if is_hopeless(rounds):
        return True
    counts = [count_round(row, rule) for row in rounds]
    if not any(count.missing for count in counts):
        return False
    kind = [[RoundCount(c.violations, 0) for c in counts], [RoundCount(c.violations + c.missing, 0) for c in counts]]
    return any(run_course(filled, rule).verdict is not None for filled in kind)


def _estimate(rounds: Sequence[Sequence[Cell]], prompts: Sequence[str], course: Course, rule: Rule) -> Estimate:
    tally = Counter(cell.counted for row in rounds for cell in row)
    n = len(rounds) * len(prompts)
    hits, missing = tally[Counted.HIT], tally[Counted.MISSING]
    violations = tally[rule.violation]
    lower, upper = rule.rates(*statistics.bounds(violations, violations + missing, n, rule.deciding_alpha))
    last = course.rounds - 1
    return Estimate(
        samples=n,
        exhibited=hits,
        missing=missing,
        rate=hits / (n - missing) if n > missing else None,
        interval=(min(lower, upper), max(lower, upper)),
        evidence=Evidence(
            log_e_pass=float(course.log_e_pass[last]) if n else 0.0,
            log_e_fail=float(course.log_e_fail[last]) if n else 0.0,
            log_e_fail_max=course.log_e_fail_max,
        ),
        prompts=tuple(
            PromptCount(
                id=prompt,
                samples=len(rounds),
                exhibited=sum(row[i].counted is Counted.HIT for row in rounds),
                missing=sum(row[i].counted is Counted.MISSING for row in rounds),
            )
            for i, prompt in enumerate(prompts)
        ),
    )


def generalization(estimate: Estimate, alpha: float) -> Generalization | None:
    """How far the estimate carries to prompts nobody wrote; None where no reply says anything."""
    told = [prompt for prompt in estimate.prompts if prompt.samples > prompt.missing]
    if not told:
        return None
    hits = [prompt.exhibited for prompt in told]
    interval = statistics.generalize(hits, [prompt.samples - prompt.missing for prompt in told])
    floor = None if any(hits) else statistics.floor_for_new_prompts(len(hits), alpha)
    return Generalization(interval=interval, floor=floor)
