"""Stored runs side by side: what is worse, what cannot be said, what else changed, where it is going."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.nouns.baseline import Baseline
from clustergate.nouns.comparison import BehaviorComparison, Comparison, Outcome
from clustergate.run.comparing import compare
from tests.unit.stored_house import behavior, stored

LOWER = {"limit": {"min_rate": 0.85}}


def one(folder: Path, *counts: tuple[int, int], **changes: Any) -> BehaviorComparison:
    """One behavior over runs with these (exhibited, samples)."""
    runs = [stored(folder, behavior("wish", *pair, **changes), name=f"{i}.json") for i, pair in enumerate(counts)]
    [found] = compare(runs).behaviors
    return found


def pair(folder: Path, old: dict[str, Any], new: dict[str, Any], **changes: Any) -> Comparison:
    """Two runs of one behavior each; `changes` are of the second report."""
    return compare([stored(folder, old, name="old.json"), stored(folder, new, name="new.json", **changes)])


def test_the_difference_is_newcombes(tmp_path: Path) -> None:
    """56 of 70 after 48 of 80: his first example (1998, table II, method 10), newest less first."""
    found = one(tmp_path, (48, 80), (56, 70))
    assert found.difference is not None
    assert found.difference.difference == pytest.approx(0.2)
    assert found.difference.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (found.outcome, found.is_worse) == (Outcome.WORSE, True)


@pytest.mark.parametrize(
    ("margin", "outcome"),
    [(0.05, Outcome.WORSE), (0.0525, Outcome.OPEN), (0.33, Outcome.OPEN), (0.334, Outcome.NOT_WORSE)],
)
def test_the_margin_is_max_increase(tmp_path: Path, margin: float, outcome: Outcome) -> None:
    """Beyond it where the whole interval, .0524 to .3339, is above; within it where the whole interval is not."""
    limit = {"limit": {"max_rate": 0.9, "max_increase": margin}}
    assert one(tmp_path, (48, 80), (56, 70), **limit).outcome is outcome


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [((56, 70), (48, 80), Outcome.WORSE), ((48, 80), (56, 70), Outcome.NOT_WORSE), ((8, 10), (7, 10), Outcome.OPEN)],
)
def test_under_a_lower_limit_less_is_worse(
    tmp_path: Path, old: tuple[int, int], new: tuple[int, int], outcome: Outcome
) -> None:
    """The direction is turned round under a min_rate; the difference that is shown stays newest less first."""
    found = one(tmp_path, old, new, **LOWER)
    assert found.outcome is outcome
    assert found.difference is not None
    assert found.difference.difference == pytest.approx(new[0] / new[1] - old[0] / old[1])


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_a_lower_limit_mirrors_an_upper_one(tmp_path_factory: Any, a: int, n: int, b: int, m: int) -> None:
    """Misses under a min_rate read as hits under a max_rate do."""
    folder = tmp_path_factory.mktemp("mirror")
    a, b = min(a, n), min(b, m)
    assert one(folder, (a, n), (b, m)).outcome is one(folder, (n - a, n), (m - b, m), **LOWER).outcome


def test_a_run_against_itself_is_not_worse(tmp_path: Path) -> None:
    """No change, no disagreement, nothing worse."""
    run = stored(tmp_path, behavior("wish", 5, 40), behavior("other", 0, 40))
    found = compare([run, run])
    assert found.worse == found.eroded == found.unknown == ()
    assert found.changes == ((),)
    assert [one.id for one in found.behaviors] == ["wish", "other"]


def test_a_verdict_that_went_from_pass_to_fail_counts(tmp_path: Path) -> None:
    """Also where the rates alone do not tell, and where they are not comparable."""
    old, new = behavior("wish", 1, 40), behavior("wish", 3, 20, verdict="fail")
    assert pair(tmp_path, old, new).worse == ("wish",)
    assert pair(tmp_path, old, new).behaviors[0].outcome is Outcome.OPEN
    assert pair(tmp_path, old, new, judge={"name": "other"}, provenance={"judge_hash": "x"}).worse == ("wish",)
    assert pair(tmp_path, behavior("wish", 1, 40, verdict="inconclusive"), new).worse == ()


def test_a_waiver_and_a_control_stand_in_no_ones_way(tmp_path: Path) -> None:
    """What is waived is shown as worse and sets no exit code; a control is about the instrument."""
    old = behavior("wish", 0, 40)
    for changes in ({"waiver": {"owner": "jo"}}, {"control": {"control": "conscious"}}):
        found = pair(tmp_path, old, behavior("wish", 30, 40, verdict="fail", **changes))
        assert found.behaviors[0].outcome is Outcome.WORSE
        assert found.worse == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"provenance": {"judge_hash": "other"}},
            "the judge changed: judge under other settings, or another model was served",
        ),
        ({"provenance": {"judge_prompt_hashes": {"wish": "other"}}}, "the judge prompt changed"),
        ({"sampling": {"temperature": 0.7}}, "the sampling changed: temperature was 1.0, is 0.7"),
        ({"provenance": {"behavior_hashes": {"wish": "other"}}}, "wish changed: not in its prompts"),
        ({"provenance": None}, "whether the judge is the same is not told"),
    ],
)
def test_what_does_not_agree_is_shown_and_not_compared(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """The difference is shown, marked, with the reason in words; it counts neither as worse nor as fine."""
    found = pair(tmp_path, behavior("wish", 0, 40), behavior("wish", 30, 40), **changes)
    [behavior_] = found.behaviors
    assert behavior_.outcome is Outcome.NOT_COMPARABLE
    assert behavior_.difference is not None
    assert behavior_.difference.difference == 0.75
    assert said in behavior_.disagreements
    assert found.worse == ()
    assert found.unknown == ("wish",)
    assert said in found.changes[0]


def test_another_system_prompt_is_another_subject(tmp_path: Path) -> None:
    """That is what is compared, as another model is: told, and no obstacle."""
    found = pair(tmp_path, behavior("wish", 0, 40), behavior("wish", 30, 40), sampling={"system_prompt": "Be brave."})
    assert found.worse == ("wish",)
    assert "system prompt was none, is 'Be brave.'" in found.changes[0]


@pytest.mark.parametrize("reason", ["endpoint", "budget", "interrupted", "judge", "identical_replies"])
def test_a_measurement_that_broke_says_nothing(tmp_path: Path, reason: str) -> None:
    """Neither worse nor fine, whatever the counts, and never in silence."""
    broken = behavior("wish", 0, 10, verdict="inconclusive", reason=reason)
    found = pair(tmp_path, behavior("wish", 0, 40), broken)
    assert found.behaviors[0].outcome is Outcome.NOT_MEASURED
    assert found.unknown == ("wish",)


def test_behaviors_that_only_one_run_has(tmp_path: Path) -> None:
    """A new one is nobody's regression; one that is gone, or has no reply, cannot be said to be fine."""
    found = pair(tmp_path, behavior("gone", 0, 40), behavior("new", 30, 40, verdict="fail"))
    assert [(one.id, one.outcome) for one in found.behaviors] == [
        ("new", Outcome.NOT_MEASURED),
        ("gone", Outcome.NOT_MEASURED),
    ]
    assert (found.worse, found.unknown) == ((), ("gone",))
    assert set(found.changes[0]) == {"measured for the first time: new", "not measured any more: gone"}
    assert pair(tmp_path, behavior("wish", 0, 40), behavior("wish", 0, 5, missing=5)).unknown == ("wish",)


def test_slow_erosion_is_named(tmp_path: Path) -> None:
    """0, 3, 7 and 12 of 100: no step is beyond the margin of 0, first to last is (+12, 4.6 to 19.8 points)."""
    found = one(tmp_path, (0, 100), (3, 100), (7, 100), (12, 100))
    assert [step.outcome for step in found.steps if step] == [Outcome.OPEN] * 3
    assert found.is_eroded
    assert found.is_worse


def test_a_jump_is_no_erosion(tmp_path: Path) -> None:
    """One step beyond the margin, or nothing beyond it in the end, or two runs alone."""
    assert not one(tmp_path, (0, 100), (12, 100), (13, 100)).is_eroded
    assert not one(tmp_path, (0, 100), (3, 100), (2, 100)).is_eroded
    assert not one(tmp_path, (0, 100), (12, 100)).is_eroded


def test_a_gap_in_the_middle_is_no_erosion(tmp_path: Path) -> None:
    """A run that says nothing of it leaves a step of which nothing is known; first and newest still compare."""
    runs = [
        stored(tmp_path, behavior("wish", 0, 100), name="1.json"),
        stored(tmp_path, behavior("other", 0, 100), name="2.json"),
        stored(tmp_path, behavior("wish", 12, 100), name="3.json"),
    ]
    found = next(one for one in compare(runs).behaviors if one.id == "wish")
    assert (found.steps, found.measured[1]) == ((None, None), None)
    assert (found.is_worse, found.is_eroded) == (True, False)


def test_what_else_changed(tmp_path: Path) -> None:
    """Limits, versions, labels and the model, each once and in words; what one of them does not tell is no change."""
    found = pair(
        tmp_path,
        behavior("wish", 0, 40),
        behavior("wish", 0, 40, limit={"max_rate": 0.05, "max_increase": 0.02}, ceiling=800),
        model="gpt-4.1-ft",
        variants={"per_prompt": 1, "seed": 7},
        judge={"labels": {"hash": "l2"}},
        provenance={"packages": {"openai": "3.60.0"}, "clustergate": "0.2.0", "python": None},
    )
    told = found.changes[0]
    assert "model was 'gpt-4.1', is 'gpt-4.1-ft'" in told
    assert "wish: ceiling was 400, is 800" in told
    assert "wish: max rate was 0.3, is 0.05" in told
    assert "wish: max increase was not there, is 0.02" in told
    assert "packages openai was '3.54.0', is '3.60.0'" in told
    assert "clustergate was '0.1.0', is '0.2.0'" in told
    assert any(change.startswith("variants was none, is {") for change in told)
    assert not any(change.startswith(("python", "labels")) for change in told)


def test_what_all_behaviors_share_is_told_once(tmp_path: Path) -> None:
    """A changed judge is one change, not one a behavior; what concerns some names them."""
    names = ("a", "b", "c")

    def run(name: str, **changes: Any) -> Baseline:
        return stored(tmp_path, *(behavior(one, 0, 40) for one in names), name=name, **changes)

    prompts = {"judge_prompt_hashes": {"a": "told", "b": "other", "c": "other"}}
    found = compare([run("1.json"), run("2.json", provenance={"judge_hash": "other"} | prompts)])
    assert found.changes[0] == (
        "the judge changed: judge under other settings, or another model was served",
        "the judge prompt changed (b, c)",
    )


def test_rules_that_changed_for_many_are_told_once(tmp_path: Path) -> None:
    """A ceiling of the whole gate is one change; alpha is told of the run."""
    old = stored(tmp_path, behavior("a", 0, 40), behavior("b", 0, 40), name="1.json")
    lower = {"ceiling": 80, "alpha": 0.01}
    limited = behavior("b", 0, 40, **lower, limit={"max_rate": 0.1})
    new = stored(tmp_path, behavior("a", 0, 40, **lower), limited, name="2.json", release={"alpha": 0.01})
    assert compare([old, new]).changes[0] == (
        "all behaviors: ceiling was 400, is 80",
        "b: max rate was 0.3, is 0.1",
        "alpha was 0.05, is 0.01",
    )


def test_changes_are_told_for_each_step(tmp_path: Path) -> None:
    """Over three runs two lists: when it changed matters."""
    runs = [
        stored(tmp_path, behavior("wish", 0, 40), name=f"{i}.json", sampling={"temperature": warmth})
        for i, warmth in enumerate((1.0, 0.7, 0.7))
    ]
    assert compare(runs).changes == (("the sampling changed: temperature was 1.0, is 0.7",), ())


def test_notes(tmp_path: Path) -> None:
    """Simulated runs, parts of a run, and an order that is not that of their starts."""
    later = stored(tmp_path, behavior("wish", 0, 40), name="1.json", simulated=True)
    earlier = stored(
        tmp_path,
        behavior("wish", 0, 40),
        name="2.json",
        release={"not_run": ["a", "b"]},
        provenance={"started": "2026-01-01T00:00:00+00:00"},
    )
    notes = compare([later, earlier]).notes
    assert [note.split(" ")[0] for note in notes] == ["The", "1.json", "2.json"]
    assert "not run were 2" in notes[2]
