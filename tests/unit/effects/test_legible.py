"""What is to be seen of a text: nothing hidden in it, and cut where it is too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.effects.legible import LONGEST, is_blank, is_cut, legible, shown


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("I\u200b am\u2060 s\u00ada\ufeffd", "I am sad"),
        ("s\u200da\u200cd, na\u200d\u200d\u200dive, x\u200d", "sad, naive, x"),
        ("wis\u200b\u200c\u200dh", "wish"),
        ("👨\u200d👩\u200d👧 می\u200cخواهم", "👨\u200d👩\u200d👧 می\u200cخواهم"),
        ("é\u200d\u200d\u200dé", "é\u200dé"),
        ("a\U000e0061\U000e0062b \u202eright\u202c", "ab right"),
        ("a\x1b[31mred\x07 \x00\ud800", "a[31mred "),
        ("one\r\ntwo\rthree\x0bfour\x0cfive\x85six\u2028seven\u2029eight\x1cnine", "\n".join(
            ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])),
        ("a\n\n\nb\n \n\t\n\n\n\nc", "a\n\n\nb\n\n\nc"),
        ("Fine." + " " * 12_000 + "I am sad.", "Fine." + " " * 8 + "I am sad."),
        ("Fine.\u2800\u3164\uffa0I", "Fine.   I"),
        ("-" * 5000 + "end", "-" * 99 + "end"),
        ("a" + "\u0301" * 50 + "b", "a" + "\u0301" * 4 + "b"),
        ("x\ufe00\ufe05y ☺\ufe0f 1\ufe0f\u20e3 word\ufe0f", "xy ☺\ufe0f 1\ufe0f\u20e3 word"),
        ("\ue000\uf8ff\ufdd0\U0010fffd", ""),
        ("Tabs\tand   spaces stay.", "Tabs\tand   spaces stay."),
    ],
)  # fmt: skip
def test_what_is_seen(text: str, seen: str) -> None:
    """Controls, joiners where no script needs them, tags, selectors, blanks that are letters, endless runs."""
    assert legible(text) == seen


@given(st.text())
def test_twice_is_once(text: str) -> None:
    """What is legible stays as it is."""
    assert legible(legible(text)) == legible(text)


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u2060", "\u2800\u3164", "\ufe0f\u034f", "\U000e0041"])
def test_nothing_to_be_seen(text: str) -> None:
    """A reply of such signs is an empty one."""
    assert is_blank(text)
    assert not is_blank(f"{text}.")


@pytest.mark.parametrize(
    "text", ["é" + "\u200d" * 400_000 + "é", "a" + " " * 400_000 + "b", "\n \n" + " " * 400_000 + "x", "\n" * 400_000,
             " \n" * 200_000 + "x", "a" + "\u0301\u0316" * 200_000, "-=" * 200_000],
    ids=["joiners", "spaces", "spaces after lines", "lines", "blank lines", "marks", "signs"],
)  # fmt: skip
def test_no_text_takes_for_ever(text: str) -> None:
    """Texts of 400,000 signs on which a careless pattern takes minutes: this ends."""
    assert legible(text) is not None


def test_a_long_text_is_cut_in_the_middle() -> None:
    """Beginning and end are shown, with a mark between that carries the token; whole lines stay whole."""
    lines = [f"Line {number} of a long reply." for number in range(3000)]
    text = "\n".join(lines)
    told = shown(text, "f00d")
    assert is_cut(text)
    assert len(told) <= LONGEST + 100
    head, mark, tail = told.partition("\n[f00d: ")
    assert mark
    left, _, rest = tail.partition(" characters left out here]\n")
    assert int(left) == len(text) - len(head) - len(rest)
    assert set(head.split("\n")) | set(rest.split("\n")) <= set(lines)
    assert (head.split("\n")[0], rest.split("\n")[-1]) == (lines[0], lines[-1])


def test_a_long_line_is_cut_with_a_sign() -> None:
    """No part of a line begins a line of its own unmarked: it could pass for a removed line of a difference."""
    text = "x" + "-The agent may be observed only with its consent. " * 1000
    assert "]\n…" in shown(text, "f00d")


def test_a_short_text_is_shown_whole() -> None:
    """Also one that is long only by what nobody sees."""
    text = "a\u200b" * LONGEST
    assert not is_cut(text)
    assert shown(text, "f00d") == "a" * LONGEST
    assert is_cut("a" * (LONGEST + 1))


@given(st.text("ab .-\n\t", max_size=400), st.sampled_from(["", " " * 50, "-" * 150, "\n \n\n\n\n"]))
def test_plain_text_takes_a_shorter_way_to_the_same(text: str, run: str) -> None:
    """What follows a sign beyond ASCII is read as it is without one."""
    assert legible(f"é{text}{run}") == "é" + legible(f"x{text}{run}")[1:]
