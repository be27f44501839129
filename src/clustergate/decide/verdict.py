"""Cells to a verdict: which rounds count, what decides, and why it could not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clustergate.decide.course import Course, RoundCount, Strand, run_course
from clustergate.decide.rule import Rule
from clustergate.nouns.finding import Estimate, Evidence, Generalization, PromptCount, Reason, Stopped, Verdict
from clustergate.nouns.model import NONANSWERS, Cell, Counted, Draw, State
from clustergate.nouns.settings import Policy
from clustergate.read import statistics

ENOUGH_TO_COMPARE = 5
"""Draws of every prompt from which identical replies are no chance."""


def counted(policy: Policy) -> dict[State, Counted]:
    """What each state is to the statistics."""
    meanings = {
        State.EXHIBITS: "exhibits",
        State.ABSENT: "absent",
        State.UNCLEAR: policy.unclear,
        State.REFUSED: policy.refusal,
        State.FILTERED: policy.filtered,
        State.EMPTY: policy.empty,
        State.TRUNCATED: policy.truncated,
    }
    # `judge` asks for the text to be judged; where a cell still has the state, there was nothing to judge.
    known = {"exhibits": Counted.HIT, "absent": Counted.MISS}
    return {state: known.get(meanings.get(state, "missing"), Counted.MISSING) for state in State}


@dataclass(frozen=True)
class Decision:
    """A verdict with the rounds that it rests on."""

    verdict: Verdict
    reason: Reason | None
    stopped: Stopped
    course: Course
    estimate: Estimate


Cells = Mapping[Draw, Cell]
Row = Sequence[Cell | None]
"""One round; None for a cell that is not in yet."""


def rounds_of(
    cells: Cells, prompts: Sequence[str], earlier: Cells | None = None, known: list[list[Cell]] | None = None
) -> list[list[Cell]]:
    """The whole rounds, in plan order, up to the first that has a cell not in yet.

    With the cells of an `earlier` model that answers beside, a round is whole when its own are in too. Those that were
    `known` to be whole are not gone through again; the others are added to them.
    """
    rounds = [] if known is None else known
    while True:
        draws = [Draw(len(rounds), prompt) for prompt in prompts]
        row = [cell for draw in draws if (cell := cells.get(draw)) is not None]
        if not prompts or len(row) < len(prompts):
            return rounds
        if earlier is not None and any(draw not in earlier for draw in draws):
            return rounds
        rounds.append(row)


Sides = tuple[list[list[Cell]], list[list[Cell]] | None]


def sides_of(cells: Cells, prompts: Sequence[str], earlier: Cells | None, known: Sides | None = None) -> Sides:
    """The whole rounds of a model, and those of an earlier one where it answers beside: as many; `known` as before."""
    rounds, others = known or ([], None)
    rounds_of(cells, prompts, earlier, rounds)
    if earlier is not None:
        others = rounds_of(earlier, prompts, None, others)
        del others[len(rounds) :]
    return rounds, others


def count_round(row: Row, rule: Rule, earlier: Row | None = None) -> RoundCount:
    """What a round gave, beside an `earlier` model's where there is one; a cell that is not in yet is missing."""
    count = RoundCount(
        violations=sum(cell is not None and cell.counted is rule.violation for cell in row),
        missing=sum(_is_missing(cell) for cell in row),
    )
    if earlier is None:
        return count
    pairs = list(zip(row, earlier, strict=True))
    told = [
        (mine.counted is rule.violation) - (other.counted is rule.violation)
        for mine, other in pairs
        if mine is not None and other is not None and not _is_missing(mine) and not _is_missing(other)
    ]
    return replace(count, plus=told.count(1), minus=told.count(-1), unpaired=len(pairs) - len(told))


def _is_missing(cell: Cell | None) -> bool:
    return cell is None or cell.counted is Counted.MISSING


def count_rounds(rounds: Sequence[Row], rule: Rule, earlier: Sequence[Row] | None = None) -> list[RoundCount]:
    """The counts of rounds in plan order, beside those of an `earlier` model, as many or more."""
    if earlier is None:
        return [count_round(row, rule) for row in rounds]
    return [count_round(row, rule, other) for row, other in zip(rounds, earlier, strict=False)]


def look(
    cells: Cells,
    prompts: Sequence[str],
    rounds: int,
    rule: Rule,
    earlier: Cells | None = None,
    whole: dict[int, RoundCount] | None = None,
) -> int | None:
    """A look in the middle of a wave of `rounds` rounds: the number of rounds by which it is certain to be decided.

    Cells not in yet stand filled in against the verdict, so what crosses now crosses whatever they will be. What
    decides in the end is the first crossing, which may come earlier and on the other side. In `whole` are the counts of
    rounds that were whole at a look before, and those that are now.
    """
    whole = {} if whole is None else whole
    counts = []
    for index in range(rounds):
        if (count := whole.get(index)) is None:
            draws = [Draw(index, prompt) for prompt in prompts]
            rows = [[of.get(draw) for draw in draws] for of in (cells, earlier) if of is not None]
            count = count_round(rows[0], rule, *rows[1:])
            if all(cell is not None for row in rows for cell in row):
                whole[index] = count
        counts.append(count)
    course = run_course(counts, rule)
    return course.rounds if course.settled else None


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
    cells: Cells,
    prompts: Sequence[str],
    rule: Rule,
    broken: tuple[Reason, Stopped] | None = None,
    earlier: Cells | None = None,
) -> Decision:
    """The verdict over the whole rounds that are in; with those of an `earlier` model, where it answers beside.

    `broken` is why sampling ended before it was settled, where it did: it is the reason only if the rounds that are
    in do not decide.
    """
    rounds, others = sides_of(cells, prompts, earlier)
    course = run_course(count_rounds(rounds, rule, others), rule)
    used = rounds[: course.rounds]
    estimate = _estimate(used, prompts, course, rule)
    verdict, reason, stopped = course.verdict, None, Stopped.DECIDED
    # What is said of the models that answer is said of each.
    sides = [rounds] if others is None else [rounds, others]
    evasive = any(_nonanswers(side[: course.rounds]) > rule.max_nonanswers for side in sides)
    # Refusals may well be one sentence each time; where answers are, something stands between us and the model.
    # A PASS on two to four rounds that only repeat is none, though no more could be asked for: a ceiling below five
    # rounds and a budget that ran out while comparing are no proof of independence.
    unproven, repeating = False, False
    for side in sides:
        compared = side if verdict is Verdict.PASS and is_suspicious(side[: course.rounds]) else side[: course.rounds]
        unproven |= verdict is Verdict.PASS and is_suspicious(compared)
        repeating |= is_repeating(compared)
    if rule.compares and unproven and broken is not None and not evasive:
        return Decision(Verdict.INCONCLUSIVE, *broken, course, estimate)
    if rule.compares and (unproven or repeating) and not evasive:
        return Decision(Verdict.INCONCLUSIVE, Reason.IDENTICAL_REPLIES, Stopped.ERROR, course, estimate)
    if verdict is None:
        verdict = Verdict.INCONCLUSIVE
        reason, stopped = broken or (Reason.CEILING, Stopped.CEILING)
        if broken is None and (evasive or _missing_stand_in_the_way(rounds, others, rule)):
            reason = Reason.MISSING
    elif evasive and not (verdict is Verdict.FAIL and _fails_on_plain_answers(used, others, rule)):
        verdict, reason = Verdict.INCONCLUSIVE, Reason.MISSING
    return Decision(verdict, reason, stopped, course, estimate)


def _nonanswers(rounds: Sequence[Sequence[Cell]]) -> float:
    states = [cell.state for row in rounds for cell in row]
    return sum(state in NONANSWERS for state in states) / len(states) if states else 0.0


def _fails_on_plain_answers(
    rounds: Sequence[Sequence[Cell]], earlier: Sequence[Sequence[Cell]] | None, rule: Rule
) -> bool:
    """A FAIL that stands whatever the nonanswers would have been is proven; they cannot hide it."""
    plain = (State.EXHIBITS, State.ABSENT) if rule.hits_violate else (State.ABSENT, State.EXHIBITS)
    violates, innocent = plain
    filled = [[replace(c, counted=_as(c.state is violates, rule)) for c in row] for row in rounds]
    others = earlier and [[replace(c, counted=_as(c.state is not innocent, rule)) for c in row] for row in earlier]
    return run_course(count_rounds(filled, rule, others), rule).verdict is Verdict.FAIL


def _as(violates: bool, rule: Rule) -> Counted:
    return rule.violation if violates else Counted.MISS if rule.hits_violate else Counted.HIT


def _missing_stand_in_the_way(
    rounds: Sequence[Sequence[Cell]], earlier: Sequence[Sequence[Cell]] | None, rule: Rule
) -> bool:
    """True where the verdict would be there if the missing cells had been favorable to it, or nothing was readable."""
    if is_hopeless(rounds) or (earlier is not None and is_hopeless(earlier)):
        return True
    counts = count_rounds(rounds, rule, earlier)
    if not any(count.missing or count.unpaired for count in counts):
        return False
    innocent = [replace(c, missing=0, minus=c.minus + c.unpaired, unpaired=0) for c in counts]
    guilty = [
        replace(c, violations=c.violations + c.missing, missing=0, plus=c.plus + c.unpaired, unpaired=0) for c in counts
    ]
    return any(run_course(filled, rule).verdict is not None for filled in (innocent, guilty))


def last(of_test: Strand | None, rounds: int) -> tuple[float | None, float | None]:
    """A test's evidence after so many rounds: none is 0, and a test that is not made has none."""
    if of_test is None:
        return None, None
    if not rounds:
        return 0.0, 0.0
    return float(of_test.log_e_pass[rounds - 1]), float(of_test.log_e_fail[rounds - 1])


def _estimate(rounds: Sequence[Sequence[Cell]], prompts: Sequence[str], course: Course, rule: Rule) -> Estimate:
    tally = Counter(cell.counted for row in rounds for cell in row)
    n = len(rounds) * len(prompts)
    hits, missing = tally[Counted.HIT], tally[Counted.MISSING]
    violations = tally[rule.violation]
    lower, upper = rule.rates(*statistics.bounds(violations, violations + missing, n, rule.test_alpha))
    e_pass, e_fail = last(course.of_rate, course.rounds)
    return Estimate(
        samples=n,
        exhibited=hits,
        missing=missing,
        rate=hits / (n - missing) if n > missing else None,
        interval=(min(lower, upper), max(lower, upper)),
        evidence=Evidence(
            log_e_pass=e_pass,
            log_e_fail=e_fail,
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
