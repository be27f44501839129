"""The shift as a whole: what counts as moved, the share of chance, and pairs in the same replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.decide.shift import shift
from clustergate.nouns.finding import BaselineNote, ControlNote, Finding, Reason
from clustergate.nouns.shift import HIT, MISS, MISSING, SharedReplies, Shift
from tests.unit.report.conftest import FAILED, estimate

UP, DOWN, OPEN = (0.02, 0.4), (-0.4, -0.02), (-0.1, 0.1)


def _finding(
    name: str, interval: tuple[float, float] | None = UP, marks: str | None = None, **changes: object
) -> Finding:
    note = BaselineNote(name="before", paired=True, max_increase=0.02, interval=interval, alpha=0.05)
    shared = None if marks is None else SharedReplies(owner="wish", marks=marks)
    return replace(FAILED, **({"id": name, "baseline": note, "shared": shared} | changes))  # type: ignore[arg-type]


def _of(*findings: Finding) -> Shift:
    found = shift(findings)
    assert found is not None
    return found


@given(st.lists(st.sampled_from([UP, DOWN, OPEN, (0.0, 0.3), (-0.3, 0.0), (-1.0, 1.0)]), min_size=2, max_size=12))
def test_each_is_counted_once(intervals: list[tuple[float, float]]) -> None:
    """Higher above 0, lower below 0, and all else, a bound at 0 among it, is not told apart; in the order given."""
    found = _of(*(_finding(f"b{i}", interval) for i, interval in enumerate(intervals)))
    assert found.higher == tuple(f"b{i}" for i, one in enumerate(intervals) if one == UP)
    assert found.lower == tuple(f"b{i}" for i, one in enumerate(intervals) if one == DOWN)
    assert found.compared == len(intervals)
    assert sorted((*found.higher, *found.lower, *found.not_told_apart)) == sorted(
        f"b{i}" for i in range(len(intervals))
    )


@pytest.mark.parametrize(
    ("intervals", "package"),
    [
        ((UP, UP), True),
        ((DOWN, DOWN, OPEN), True),
        ((UP, UP, OPEN, OPEN), False),
        ((UP, UP, UP, DOWN), False),
        ((UP, OPEN), False),
        ((OPEN, OPEN), False),
    ],
)
def test_a_package(intervals: Sequence[tuple[float, float]], package: bool) -> None:
    """More than half moved one way, at least two, and none the other way."""
    assert _of(*(_finding(f"b{i}", interval) for i, interval in enumerate(intervals))).is_package is package


def test_chance_is_the_sum_of_alphas() -> None:
    """What is decided beside a limit on its rate has half of the alpha: .05 + .025 + .025."""
    alone = replace(FAILED.estimate, evidence=replace(FAILED.estimate.evidence, log_e_pass=None, log_e_fail=None))
    found = _of(_finding("a", estimate=alone), _finding("b"), _finding("c", OPEN))
    assert found.by_chance == pytest.approx(0.1)


def test_what_is_left_out() -> None:
    """Controls, what is about the instrument, what was refused, and what has no baseline; one alone is no cluster."""
    control = ControlNote(control="conscious", reads="high", written=6)
    out = [
        _finding("control", control=control),
        _finding("task", theme="control"),
        _finding("refused", None),
        _finding("alone", baseline=None),
    ]
    assert shift([]) is shift([*out, _finding("one")]) is None
    found = _of(*out, _finding("one"), _finding("two", DOWN))
    assert (found.higher, found.lower, found.not_told_apart) == (("one",), ("two",), ())


def test_repeated_replies_show_nothing() -> None:
    """Bounds are of independent draws: where these were found not to be, nothing is told apart."""
    found = _of(_finding("a", reason=Reason.IDENTICAL_REPLIES), _finding("b"))
    assert (found.higher, found.not_told_apart) == (("b",), ("a",))


@given(st.lists(st.tuples(*[st.sampled_from([HIT, MISS, MISSING])] * 2), max_size=60), st.integers(0, 20))
def test_phi_is_the_correlation_of_what_both_say(draws: list[tuple[str, str]], more: int) -> None:
    """numpy's coefficient over the draws that both have; none where either is constant."""
    first, second = ("".join(pair[side] for pair in draws) for side in (0, 1))
    [pair] = _of(_finding("a", marks=first + HIT * more), _finding("b", marks=second)).together
    told = [(one == HIT, two == HIT) for one, two in draws if MISSING not in (one, two)]
    assert (pair.both, pair.neither) == (told.count((True, True)), told.count((False, False)))
    assert (pair.first_alone, pair.second_alone) == (told.count((True, False)), told.count((False, True)))
    assert pair.missing == len(draws) - len(told)
    if any(len({one[side] for one in told}) < 2 for side in (0, 1)):
        assert pair.phi is None
    else:
        assert pair.phi == pytest.approx(np.corrcoef(np.array(told, dtype=float).T)[0, 1], abs=1e-12)


def test_pairs_share_their_replies() -> None:
    """Each pair of the same owner and the same prompts; nothing is said of behaviors that were asked otherwise."""
    others = SharedReplies(owner="other", marks="x.")
    fewer = estimate((1,) * 10, 2, 0.02)
    fewer = replace(fewer, prompts=fewer.prompts[1:])
    findings = [_finding(name, marks="x.") for name in ("a", "b", "c")]
    found = _of(*findings, _finding("d"), _finding("e", shared=others), _finding("f", marks="x.", estimate=fewer))
    assert [(pair.first, pair.second, pair.replies_from) for pair in found.together] == [
        ("a", "b", "wish"), ("a", "c", "wish"), ("b", "c", "wish"),
    ]  # fmt: skip
