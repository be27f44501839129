"""The runs of a training run: their arguments and the one exit code of them all."""

from __future__ import annotations

import io
import itertools
import sys

import pytest

from clustergate.shell.checkpoints import _say, gravest, without


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["--model", "run-7", "--baseline", "m", "-x"], ["--model", "run-7", "-x"]),
        (["--baseline=m", "-k", "wish"], ["-k", "wish"]),
        (["-k", "baseline"], ["-k", "baseline"]),
        (["--baseline"], []),
    ],
)
def test_an_option_is_left_out_in_either_spelling(typed: list[str], kept: list[str]) -> None:
    """What is left is what was typed, in its order."""
    assert without(typed, "--baseline") == kept


@pytest.mark.parametrize(
    ("codes", "code"),
    [([0, 0], 0), ([0, 6, 0], 6), ([6, 7], 7), ([7, 1, 6, 0], 1), ([1, 4], 4), ([0, 2], 2), ([5], 5), ([1, 3], 3)],
)
def test_the_gravest_decides(codes: list[int], code: int) -> None:
    """pytest's own errors stand; then a failure, then broken machinery, then what was not decided."""
    assert gravest(codes) == code


def test_green_only_where_all_are_green() -> None:
    """No exit code beside 0 can hide behind another."""
    for codes in itertools.product(range(8), repeat=3):
        assert (gravest(codes) == 0) == (set(codes) == {0})


def test_a_terminal_that_knows_no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its encoding does not have is escaped; the command does not end for it."""
    screen = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(screen, encoding="ascii"))
    _say("wish  \u2581\u2588")
    assert screen.getvalue() == b"wish  \\u2581\\u2588\n"
