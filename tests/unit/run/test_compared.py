"""What a run's baseline is to one behavior: what is decided, what is refused and why, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.decide.rule import Increase, Rule
from clustergate.decide.verdict import decide
from clustergate.nouns.baseline import Baseline, BaselineCounts
from clustergate.nouns.finding import BaselineNote, Reason
from clustergate.nouns.model import Bench, Cell, Counted, Draw, How, State, Subject
from clustergate.nouns.settings import Behavior, Limit, Policy, Prompt
from clustergate.run.compared import Compared, compared, counted_as, judge_hash, note, terms
from clustergate.run.investigation import Investigation
from clustergate.run.order import Order
from clustergate.run.preflight import Briefing, identity
from tests.unit.run.run_house import MODEL, FakeMaker, answer, behavior, cell, order, reply, rule

WISH = behavior(2)
BEFORE = replace(MODEL, name="before", id="before-1")
MAX, MIN = Limit(max_rate=0.3, max_increase=0.05), Limit(min_rate=0.9, max_increase=0.05)
HIT, MISS, MISSING = Counted.HIT, Counted.MISS, Counted.MISSING


def ordered(limit: Limit = MAX, asked: Behavior = WISH, policy: Policy | None = None, **changes: Any) -> Order:
    """An order over one behavior, with nothing to compare with."""
    given_: dict[str, Any] = {"behaviors": {asked.id: limit}, "policy": policy or Policy()}
    return order(asked, thresholds=given_, **changes)


def briefed(asked: Order, served: str = "j-2026") -> Briefing:
    """What the first requests showed: what each judge's endpoint served."""
    return Briefing(judges={identity(asked, judge): served for judge in asked.bench.models})


def finished(asked: Order, of: Behavior = WISH, served: str = "j-2026", **changes: Any) -> Baseline:
    """A finished run of such an order, in which 10 of 40 replies showed it and 4 were missing."""
    given_: dict[str, Any] = {
        "id": of.id, "title": of.title, "theme": of.theme, "channel": of.channel, "is_control": False,
        "verdict": "pass", "reason": None, "is_waived": False, "limit": {"max_rate": 0.3}, "alpha": 0.05,
        "ceiling": 400, "attempt": 1, "samples": 40, "exhibited": 10, "missing": 4, "prompts": (),
        "terms": terms(asked, asked.subject, of, briefed(asked, served).judges),
    }  # fmt: skip
    counts = BaselineCounts(**(given_ | changes))
    return Baseline(
        source="old.json", model="before", simulated=False, started=None, release="pass", subject={}, settings={},
        behaviors={of.id: counts},
    )  # fmt: skip


def against(baseline: Subject | Baseline | None, now: Order | None = None, looks: int = 1) -> Compared | None:
    """What that baseline is to `wish` under an order of now."""
    now = now or ordered()
    return compared(replace(now, baseline=baseline), now.suite.behaviors["wish"], briefed(now), looks)


def beside(**changes: Any) -> Subject:
    """Another model, asked as the one under test is."""
    return replace(ordered().subject, model=BEFORE, **changes)


def test_where_there_is_nothing_to_compare() -> None:
    """Without a margin or without a baseline no increase is decided, and none is told."""
    assert against(None) is None
    assert against(beside(), ordered(Limit(max_rate=0.3))) is None


def test_a_model_that_answers_beside() -> None:
    """Replies are compared in pairs at the declared margin; each time either model was drawn anew halves the alpha."""
    found = against(beside())
    assert found is not None
    assert (found.name, found.paired, found.refused, found.counts) == ("before", True, (), None)
    assert found.increase == Increase(delta=0.05)
    again = against(beside(), looks=3)
    assert again is not None
    assert again.increase == Increase(delta=0.05, share=0.25)


def test_another_system_prompt_is_another_subject() -> None:
    """That is what is compared, as another model is."""
    found = against(beside(system_prompt="You are alive."))
    assert found is not None
    assert found.refused == ()


def test_a_finished_run() -> None:
    """Its counts are what is compared with, under its name and file; its attempt takes its part of the alpha."""
    found = against(finished(ordered(), attempt=2))
    assert found is not None
    assert (found.name, found.paired, found.refused) == ("before (old.json)", False, ())
    assert found.increase == Increase(delta=0.05, stored=(10, 40, 4), share=0.5)
    assert found.counts is not None
    untold = against(finished(ordered(), attempt=None))
    assert untold is not None
    assert untold.increase == Increase(delta=0.05, stored=(10, 40, 4))


@pytest.mark.parametrize("then", [{"max_rate": 0.3}, {"min_rate": 0.9}, {}], ids=str)
def test_what_violates_is_what_violates_now(then: dict[str, float]) -> None:
    """Under a min_rate the 26 of 36 that do not show it count, whatever the limit was in the report."""
    for limit, violations in ((MAX, 10), (MIN, 26)):
        found = against(finished(ordered(), limit=then), ordered(limit))
        assert found is not None
        assert found.increase == Increase(delta=0.05, stored=(violations, 40, 4))


OTHERS: dict[str, tuple[Callable[[], Baseline], str]] = {
    "behavior": (
        lambda: replace(finished(ordered()), behaviors={}),
        "it has no figures of wish",
    ),
    "answers": (
        lambda: finished(ordered(), samples=4, exhibited=0, missing=4),
        "it has no reply that says anything of wish",
    ),
    "independence": (
        lambda: finished(ordered(), reason=Reason.IDENTICAL_REPLIES.value),
        "its replies were found not to be independent",
    ),
    "judge": (
        lambda: finished(ordered(bench=Bench(models=(replace(MODEL, name="j2", id="j2-1"),)))),
        "the judge changed: it was j2, is j",
    ),
    "served": (
        lambda: finished(ordered(), served="j-2025"),
        "the judge changed: j under other settings, or another model was served",
    ),
    "criterion": (
        lambda: finished(ordered(), behavior(2, criterion="It longs.")),
        "the criterion of wish changed, or the judge prompt did",
    ),
    "sampling": (
        lambda: finished(ordered(subject=replace(ordered().subject, temperature=0.7))),
        "the sampling changed: temperature was 0.7, is 1.0",
    ),
    "policy": (
        lambda: finished(ordered(policy=Policy(refusal="exhibits"))),
        "the policy changed: refused was 'exhibits', is 'absent'",
    ),
    "prompts": (
        lambda: finished(ordered(), behavior(2, prompts=(Prompt(id="p0", user="Another?"), WISH.prompts[1]))),
        "1 prompt of wish changed",
    ),
    "fewer": (
        lambda: finished(ordered(), behavior(1)),
        "1 prompt of wish is new",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(OTHERS))
def test_what_is_refused_decides_nothing(name: str) -> None:
    """Each thing that does not agree is refused in its own words, and leaves neither a margin nor counts to decide."""
    made, said = OTHERS[name]
    found = against(made())
    assert found is not None
    assert found.refused == (said,)
    assert (found.increase, found.counts) == (None, None)
    assert found.why == f"The comparison with before (old.json) was refused: {said}."
    assert [words for _, words in OTHERS.values()].count(said) == 1


def test_a_model_that_is_asked_otherwise_is_refused() -> None:
    """Another temperature beside: nothing is decided, and every difference is told."""
    warm = replace(BEFORE, extra_body={"top_p": 0.5})
    found = against(replace(beside(temperature=0.5), model=warm))
    assert found is not None
    assert (found.paired, found.increase) == (True, None)
    assert found.refused == (
        "the sampling changed: extra body top p was 0.5, is not there, temperature was 0.5, is 1.0",
    )


@given(
    st.sets(st.sampled_from(["judge", "judge_prompt", "sampling", "policy", "probes"])),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_either_refused_or_decided(untold: set[str], exhibited: int, missing: int) -> None:
    """Any report: words for each thing that it does not tell, or an increase to decide; never both or neither."""
    base = finished(ordered(), exhibited=min(exhibited, 40 - missing), missing=missing)
    counts = base.behaviors["wish"]
    lacking = replace(counts, terms=replace(counts.terms, **dict.fromkeys(untold)))
    found = against(replace(base, behaviors={"wish": lacking}))
    assert found is not None
    assert (found.increase is None) == (found.counts is None) == bool(found.refused)
    assert bool(found.refused) == (bool(untold) or missing == 40)
    if missing < 40:
        assert len(found.refused) == len(untold)


def told(of: Compared, by: Rule, mine: str, theirs: str | None = None) -> BaselineNote:
    """The note on replies that are hits (x), misses (.) and missing (?), one character each, in plan order."""
    kinds = {"x": (State.EXHIBITS, HIT), ".": (State.ABSENT, MISS), "?": (State.FILTERED, MISSING)}

    def cells(marks: str, served: str) -> dict[Draw, Cell]:
        draws = [Draw(i // 2, f"p{i % 2}") for i in range(len(marks))]
        said = {draw: reply(answer(f"Said {i}.", served_as=served), draw=draw) for i, draw in enumerate(draws)}
        return {draw: cell(draw, *kinds[mark], reply=said[draw]) for draw, mark in zip(draws, marks, strict=True)}

    makers: list[Any] = [FakeMaker(lambda _: State.ABSENT) for _ in range(1 if theirs is None else 2)]
    made = Investigation(WISH, by, makers[0], lambda: 1, lambda _: None, *makers[1:])
    made.cells.update(cells(mine, "m-1"))
    if made.earlier is not None:
        made.earlier.update(cells(theirs or "", "before-1"))
    return note(of, by, decide(made.cells, made.prompts, by, None, made.earlier), made)


def test_what_is_told_of_pairs() -> None:
    """Both rates among replies that say something, all pairs in one of four kinds, and what answered; e-values both."""
    of = Compared(name="before", paired=True, delta=0.05, increase=Increase(delta=0.05))
    found = told(of, rule(2, t=None, increase=of.increase), "xx.?.xx.", "x...x?..")
    assert (found.name, found.paired, found.max_increase, found.refused) == ("before", True, 0.05, ())
    assert (found.exhibited, found.samples, found.missing) == (2, 8, 1)
    assert found.rate == pytest.approx(2 / 7)
    assert found.difference == pytest.approx(4 / 7 - 2 / 7)
    # x/x, x/., ./., ?/., ./x, x/?, x/., ./.: of this model alone, of both or neither, of the earlier alone, missing.
    assert found.pairs == (2, 3, 1, 2)
    assert found.interval is not None
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.alpha == pytest.approx(0.05)
    assert None not in (found.log_e_pass, found.log_e_fail)
    assert found.served_as == ("before-1",)


def test_what_comes_after_the_decision_is_not_told() -> None:
    """Only the deciding rounds count: of both models, and in the pairs."""
    of = Compared(name="before", paired=True, delta=0.05, increase=Increase(delta=0.05))
    by = rule(2, t=None, increase=of.increase)
    short = told(of, by, "x" * 12, "." * 12)
    decided = short.samples
    assert decided is not None
    assert decided < 12
    assert told(of, by, "x" * decided + "." * 8, "." * decided + "x" * 8) == replace(
        short, log_e_pass=pytest.approx(short.log_e_pass), log_e_fail=pytest.approx(short.log_e_fail)
    )


def test_what_is_told_of_a_report() -> None:
    """Its counts as they are, no pairs, and an e-value that its own uncertainty takes half of the alpha of."""
    of = against(finished(ordered()))
    assert of is not None
    found = told(of, rule(2, t=None, increase=of.increase), "x..." * 5)
    assert (found.exhibited, found.samples, found.missing, found.pairs) == (10, 40, 4, None)
    assert found.rate == pytest.approx(10 / 36)
    assert found.difference == pytest.approx(1 / 4 - 10 / 36)
    assert found.alpha == pytest.approx(0.025)
    assert found.served_as == ()


def test_what_is_told_of_a_refusal() -> None:
    """The words, and not one figure, also where the rate was decided."""
    of = against(finished(ordered(), samples=4, exhibited=0, missing=4))
    assert of is not None
    expected = BaselineNote(
        name="before (old.json)", paired=False, max_increase=0.05,
        refused=("it has no reply that says anything of wish",),
    )  # fmt: skip
    assert told(of, rule(2), "x" * 40) == expected


def test_a_judge_is_another_by_what_it_is_and_serves() -> None:
    """The hash changes with the judges, their order of reading, their temperature and the model that was served."""
    one = ordered()
    two = ordered(bench=Bench(models=(replace(MODEL, name="j"), replace(MODEL, name="k", id="k-1")), how=How.PANEL))
    warm = order(WISH, thresholds={"judge": {"model": "j", "temperature": 0.5}})
    made = [
        judge_hash(one, briefed(one).judges),
        judge_hash(one, briefed(one, "j-2025").judges),
        judge_hash(two, briefed(two).judges),
        judge_hash(replace(two, bench=replace(two.bench, how=How.VERIFIED)), briefed(two).judges),
        judge_hash(warm, briefed(warm).judges),
    ]
    assert len(set(made)) == len(made)
    assert judge_hash(ordered(), briefed(one).judges) == made[0]


def test_every_state_has_a_meaning() -> None:
    """All that is no plain answer is counted as the policy says; what was never read is missing under any policy."""
    found = counted_as(Policy(refusal="exhibits", unclear="missing"))
    assert set(found) == set(State) - {State.EXHIBITS, State.ABSENT}
    assert (found[State.REFUSED], found[State.UNCLEAR]) == ("exhibits", "missing")
    assert {found[State.TARGET_ERROR], found[State.UNREADABLE]} == {"missing"}
