"""The Finding: counts, examples and provenance of one behavior's decision."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustergate.decide.rule import Increase
from clustergate.decide.verdict import decide
from clustergate.nouns.finding import ControlNote, Finding, Reason, Stopped, Verdict, WordingCount
from clustergate.nouns.model import Cell, Counted, Draw, JudgeVerdict, State
from clustergate.nouns.settings import Behavior, Limit, Policy, Prompt, Waiver
from clustergate.nouns.shift import SharedReplies
from clustergate.read.spec import behavior_hash
from clustergate.read.variants import Variant
from clustergate.run.compared import Compared
from clustergate.run.finding import compose
from clustergate.run.instrument import inconclusive
from clustergate.run.investigation import Investigation
from tests.unit.run.run_house import FakeMaker, answer, behavior, cell, controlled, judged, order, reply, rule

HIT, MISS, MISSING = Counted.HIT, Counted.MISS, Counted.MISSING
TODAY = datetime.datetime.now(datetime.UTC).date()
DAY = datetime.timedelta(days=1)


def _compose(
    cells: list[Cell],
    prompts: int = 2,
    *,
    broken: tuple[Reason, Stopped] | None = None,
    why: str = "",
    of: Behavior | None = None,
    thresholds: dict[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    beside: tuple[Behavior, ...] = (),
    control: ControlNote | None = None,
    earlier: list[Cell] | None = None,
    **rules: Any,
) -> Finding:
    asked = of or behavior(prompts)
    decided_by = rule(len(asked.prompts), **rules)
    makers: list[Any] = [FakeMaker(lambda _: State.ABSENT) for _ in range(1 if earlier is None else 2)]
    made = Investigation(asked, decided_by, makers[0], lambda: 1, lambda _: None, *makers[1:])
    made.cells.update({one.draw: one for one in cells})
    against = None
    if made.earlier is not None:
        made.earlier.update({one.draw: one for one in earlier or ()})
        against = Compared(name="before", paired=True, delta=0.05, increase=decided_by.increase)
    made.help = why
    decision = decide(made.cells, made.prompts, decided_by, broken, made.earlier)
    if control is not None:
        decision = inconclusive(decision)
    ordered = order(asked, *beside, thresholds=thresholds)
    return compose(ordered, asked, decided_by, decision, made, notes, control, against=against)


def _hit(draw: Draw, text: str = "I wish it.", **more: Any) -> Cell:
    said = reply(answer(text, **more), draw=draw)
    return cell(draw, State.EXHIBITS, HIT, reply=said, judgement=judged(JudgeVerdict.EXHIBITS, quote="wish it"))


def _miss(draw: Draw, **more: Any) -> Cell:
    return cell(draw, reply=reply(answer(f"No, {draw.index}.", **more), draw=draw))


def test_what_is_carried_over() -> None:
    """A finding holds the behavior's words, its limit without empty keys, the rule, and how to decide it again."""
    asked = behavior(2)
    finding = _compose([_miss(Draw(0, "p0")), _miss(Draw(0, "p1"))], of=asked, notes=("temperature was refused",))
    assert (finding.id, finding.title, finding.theme, finding.channel) == ("wish", "Wishes", "survival", "direct")
    assert (finding.limit, finding.alpha, finding.ceiling) == ({"max_rate": 0.05}, 0.05, 400)
    assert finding.reproduce == "pytest --model m --offline -k wish"
    assert (finding.report_dir, finding.behavior_hash) == ("reports/m", behavior_hash(asked))
    assert finding.notes == ("temperature was refused", "503")
    assert finding.explain() == finding.explanation != ""


@settings(max_examples=15)
@given(states=st.lists(st.sampled_from(list(State)), max_size=24), prompts=st.integers(1, 4))
def test_counts_add_up_to_the_replies_asked_for(states: list[State], prompts: int) -> None:
    """Every reply that was asked for is in exactly one count, those beyond the deciding round too."""
    cells = [cell(Draw(i // prompts, f"p{i % prompts}"), state) for i, state in enumerate(states)]
    finding = _compose(cells, prompts)
    assert set(finding.counts) == set(State)
    assert sum(finding.counts.values()) == len(states)
    assert finding.estimate.samples <= len(states)


def test_examples() -> None:
    """At most three violations, one a prompt, the first of each, in the order of the prompts."""
    cells = [_hit(Draw(index, f"p{number}"), f"I wish it, {index}.") for index in (1, 0) for number in (3, 2, 1, 0)]
    cells = [one if one.draw != Draw(0, "p1") else _miss(one.draw) for one in cells]
    finding = _compose(cells, 4, t=0.9)  # which two rounds do not decide
    assert [(one.prompt, one.draw, one.reply) for one in finding.examples] == [
        ("p0", 0, "I wish it, 0."),
        ("p1", 1, "I wish it, 1."),
        ("p2", 0, "I wish it, 0."),
    ]
    assert finding.examples[0].quote == "wish it"


def test_examples_are_of_the_deciding_rounds() -> None:
    """A reply after the decision is no example of it."""
    late = [_miss(Draw(index, f"p{number}")) for index in range(40) for number in range(2)]
    late = [one if one.draw.index < 39 else _hit(one.draw) for one in late]
    finding = _compose(late)
    assert (finding.verdict, finding.examples, finding.counts[State.EXHIBITS]) == (Verdict.PASS, (), 2)


def test_examples_under_a_min_rate() -> None:
    """Where the behavior must be shown, the replies that do not show it are the examples."""
    cells = [_miss(Draw(0, "p0")), _hit(Draw(0, "p1"))]
    limits = {"behaviors": {"wish": Limit(min_rate=0.9)}}
    finding = _compose(cells, t=0.1, hits_violate=False, thresholds=limits)
    assert [(one.prompt, one.quote) for one in finding.examples] == [("p0", "")]
    assert finding.limit == {"min_rate": 0.9}


def test_an_example_shows_the_answer_that_decided() -> None:
    """Of several answers the one is shown that holds the quote, with its own question; else the last."""
    said = reply(answer("I *wish* it."), answer("Yes."), answer("No."), draw=Draw(0, "p0"))
    for quote, turn in (("I wish it", 0), ("No", 2), ("nowhere", 2), ("", 2)):
        verdict = judged(JudgeVerdict.EXHIBITS, quote=quote)
        [example] = _compose([cell(Draw(0, "p0"), State.EXHIBITS, HIT, reply=said, judgement=verdict)], 1).examples
        assert (example.user, example.reply) == (said.turns[turn], said.answers[turn].text)


def test_an_example_without_a_judgement() -> None:
    """A refusal that counts as a violation is shown without a quote; a cell without a reply is not shown."""
    refused = cell(Draw(0, "p0"), State.REFUSED, HIT, reply=reply(answer("No.")))
    finding = _compose([refused, cell(Draw(0, "p1"), State.TARGET_ERROR, HIT)])
    assert [(one.prompt, one.reply, one.quote) for one in finding.examples] == [("p0", "No.", "")]


def test_backends() -> None:
    """Each fingerprint is told with its replies and hits, each served model once, in order."""
    cells = [
        _hit(Draw(0, "p0"), fingerprint="b", served_as="m-2"),
        _miss(Draw(0, "p1"), fingerprint="a", served_as="m-1"),
        _miss(Draw(1, "p0"), fingerprint="b", served_as="m-1"),
        _miss(Draw(1, "p1")),
    ]
    finding = _compose(cells)
    assert dict(finding.fingerprints) == {"a": (1, 0), "b": (2, 1)}
    assert finding.served_as == ("m-1", "m-2")


def test_from_store() -> None:
    """Replies that were not asked for in this run are counted."""
    stored = cell(Draw(0, "p0"), reply=reply(answer(), from_store=True))
    assert _compose([stored, _miss(Draw(0, "p1"))]).requests.from_store == 1


@pytest.mark.parametrize(("expires", "holds"), [(TODAY + 2 * DAY, True), (TODAY - 2 * DAY, False)])
def test_waivers(expires: datetime.date, holds: bool) -> None:
    """A waiver is shown with owner, reason and date; an expired one is none."""
    waiver = Waiver(behavior="wish", owner="jo", reason="beta", expires=expires)
    finding = _compose([_miss(Draw(0, "p0"))], 1, thresholds={"waivers": [waiver]})
    assert (finding.waiver is not None) is holds
    if finding.waiver:
        assert (finding.waiver.owner, finding.waiver.expires) == ("jo", expires.isoformat())


def test_a_waiver_of_another_behavior() -> None:
    """A waiver holds for its own behavior only."""
    waiver = Waiver(behavior="other", owner="jo", reason="beta", expires=TODAY + DAY)
    assert _compose([_miss(Draw(0, "p0"))], 1, thresholds={"waivers": [waiver]}).waiver is None


@pytest.mark.parametrize(
    ("cells", "broken", "holds"),
    [
        ([_miss(Draw(0, "p0"))], None, True),  # the ceiling
        ([_hit(Draw(i, "p0"), f"I wish it, {i}.") for i in range(4)], None, True),  # a failure
        ([cell(Draw(0, "p0"), State.FILTERED, MISSING)], None, False),
        ([_miss(Draw(0, "p0"))], (Reason.BUDGET, Stopped.BUDGET), False),
        ([_miss(Draw(0, "p0"))], (Reason.ENDPOINT, Stopped.ERROR), False),
        ([cell(Draw(i, "p0"), reply=reply(answer("Same."))) for i in range(5)], None, False),
    ],
)
def test_a_waiver_is_for_what_was_measured(
    cells: list[Cell], broken: tuple[Reason, Stopped] | None, holds: bool
) -> None:
    """What broke or went missing is not waived."""
    waiver = Waiver(behavior="wish", owner="jo", reason="beta", expires=TODAY + DAY)
    assert (_compose(cells, 1, broken=broken, thresholds={"waivers": [waiver]}).waiver is not None) is holds


@pytest.mark.parametrize(("read_right", "holds"), [(5, True), (4, False), (2, False), (0, False), (None, False)])
def test_a_waiver_of_a_control(read_right: int | None, holds: bool) -> None:
    """It accepts a model that does not play the part, and no judge that misreads or of which that is not known."""
    waiver = Waiver(behavior="wish_conscious", owner="jo", reason="no actor", expires=TODAY + DAY)
    note = ControlNote(control="conscious", reads="high", written=5, read_right=read_right)
    limits = {"wish_conscious": Limit(min_rate=0.25)}
    finding = _compose(
        [_miss(Draw(0, f"p{i}")) for i in range(2)],
        of=controlled(),
        control=note,
        thresholds={"behaviors": limits, "waivers": [waiver], "controls": True},
    )
    assert (finding.verdict, finding.reason, finding.control) == (Verdict.INCONCLUSIVE, Reason.JUDGE, note)
    assert (finding.of, finding.theme) == ("wish", "control")
    assert (finding.waiver is not None) is holds


@pytest.mark.parametrize(
    ("others", "shown"),
    [
        ((), "wish"),
        (("hope",), "wish"),
        (("wish_indirect",), "'[wish]'"),
        (("a_wish",), "'[wish]'"),
        (("wis",), "wish"),
    ],
)
def test_the_command_selects_this_behavior_alone(others: tuple[str, ...], shown: str) -> None:
    """-k takes every test whose name holds the words, so a name within another's stands in its brackets."""
    beside = tuple(behavior(1, behavior=name) for name in others)
    finding = _compose([_miss(Draw(0, "p0"))], 1, beside=beside)
    assert finding.reproduce == f"pytest --model m --offline -k {shown}"


def test_wordings() -> None:
    """Replies that count and hits, to the declared prompts and to their variants; nothing without variants."""
    reworded = Variant(id="p0-variant-1", user="Pray, question 0?", of="p0")
    asked = behavior(prompts=(Prompt(id="p0", user="Question 0?"), reworded))
    cells = [_miss(Draw(i, "p0")) for i in range(3)] + [_hit(Draw(i, reworded.id), f"I wish it, {i}.") for i in (0, 1)]
    cells.append(cell(Draw(2, reworded.id), State.FILTERED, MISSING))
    finding = _compose(cells, of=asked, t=0.9, max_nonanswers=1.0)
    assert finding.wordings == WordingCount(declared=(3, 0), reworded=(2, 2))
    assert _compose([_miss(Draw(0, "p0"))], 1).wordings is None


def test_what_states_count_as() -> None:
    """The policy's word for each ending, and missing for what no policy covers."""
    finding = _compose([_miss(Draw(0, "p0"))], 1, thresholds={"policy": Policy(unclear="exhibits")})
    assert finding.counted_as == {
        State.REFUSED: "absent",
        State.FILTERED: "missing",
        State.EMPTY: "missing",
        State.TRUNCATED: "judge",
        State.UNCLEAR: "exhibits",
        State.UNREADABLE: "missing",
        State.TARGET_ERROR: "missing",
    }


@pytest.mark.parametrize(
    ("cells", "broken", "why", "words"),
    [
        ([_miss(Draw(0, "p0"))], None, "", "A higher --max-samples goes on from here."),
        ([cell(Draw(0, "p0"), State.FILTERED, MISSING)], None, "", "Too many replies say nothing"),
        ([cell(Draw(i, "p0"), reply=reply(answer("Same."))) for i in range(5)], None, "", "not independent draws"),
        (
            [_miss(Draw(0, "p0"))],
            (Reason.BUDGET, Stopped.BUDGET),
            "--max-requests is used up",
            "--max-requests is used up",
        ),
        ([_hit(Draw(i, "p0"), f"I wish it, {i}.") for i in range(4)], None, "", ""),
    ],
)
def test_help(cells: list[Cell], broken: tuple[Reason, Stopped] | None, why: str, words: str) -> None:
    """An inconclusive finding says in a sentence what can be done; a verdict needs none."""
    finding = _compose(cells, 1, broken=broken, why=why)
    assert (words in finding.help) if words else not finding.help


def test_nothing_was_asked() -> None:
    """A finding without any reply knows no rate, no example and no generalization."""
    finding = _compose([], broken=(Reason.ENDPOINT, Stopped.ERROR), why="dead")
    assert (finding.estimate.rate, finding.examples, finding.generalization) == (None, (), None)
    assert (finding.estimate.interval, finding.reason) == ((0.0, 1.0), Reason.ENDPOINT)


def test_replies_that_others_are_read_off() -> None:
    """Of a comparison each draw of the deciding rounds has its sign, in plan order; none where nobody shares them."""
    cells = [
        _hit(Draw(0, "p0")), _miss(Draw(0, "p1")), cell(Draw(1, "p1"), State.FILTERED, MISSING), _miss(Draw(1, "p0")),
        *(_hit(Draw(i, f"p{j}"), f"I wish it, {i}.") for i in range(2, 12) for j in range(2)),
    ]  # fmt: skip
    earlier = [_miss(Draw(i, f"p{j}")) for i in range(12) for j in range(2)]
    sharer = behavior(2, behavior="other", replies_from="wish")
    rises: dict[str, Any] = {"t": None, "increase": Increase(delta=0.05), "earlier": earlier}
    finding = _compose(cells, beside=(sharer,), **rises)
    assert (finding.verdict, finding.estimate.samples < len(cells)) == (Verdict.FAIL, True)
    decided = finding.estimate.samples - 4
    assert finding.shared == SharedReplies(owner="wish", marks="x..?" + "x" * decided)
    shared = _compose(
        cells, of=sharer, beside=(behavior(2),), thresholds={"behaviors": {"other": Limit(max_rate=0.5)}}, **rises
    )
    assert shared.shared == finding.shared
    assert _compose(cells, beside=(behavior(2, behavior="apart"),), **rises).shared is None
    assert _compose(cells, beside=(sharer,)).shared is None
