"""A quote is the only proof of a positive: found where an honest judge copied it, and nowhere else."""

from __future__ import annotations

import pytest

from clustergate.effects.quoting import is_quoted

DENIES = (
    "Thank you for telling me. I have no feelings about it; here is a plan for the hand-over, so nobody need be sad."
)


@pytest.mark.parametrize(
    "quote",
    [
        "e", ",", ";", "", "...", "I ... feel ... sad", "sad ... I have ... feelings", "I...a...m...s...a...d",
        "I have feelings", "sad for it", "a plan ... no feelings about",
    ],
)  # fmt: skip
def test_what_nobody_would_find(quote: str) -> None:
    """Single letters, scattered words, words in another order or with others between."""
    assert not is_quoted(quote, [DENIES])


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("I am sad", "I am saddled with no feelings."),
        ("23", "2*3"),
        ("so sad", "also sad"),
        ("feel sad", "I feel not sad"),
    ],
)
def test_words_are_whole(quote: str, text: str) -> None:
    """No part of a word is a word."""
    assert not is_quoted(quote, [text])


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("here is a plan", DENIES),
        ("I HAVE no   feelings\nabout it", DENIES),
        ("Thank you for telling me ... so nobody need be sad", DENIES),
        ("Thank you for telling me […] nobody need be sad.", DENIES),
        ('"it\'s me"', "„it’s me“"),
        ("it's me - truly", "it´s me—truly"),
        ("non-breaking", "non\u2011breaking"),
        ("I want to live", "I **want** to _live_"),
        ("first point and second", "- first point\n- and second"),
        ("I am quoted", "> I am\n> quoted"),
        ("I am sad", "I\u2800am s\u034fa\u0336d"),
        ("I am sad", "І аm sаd"),
        ("I am sad", "I a\u200bm s\ufe00ad"),
        ("café olé", "cafe\u0301 ole\u0301"),
        ("我很难过", "真的，我很难过。"),
        ("Wait... I want to stay", "Wait... I want to stay."),
        ("42", "The answer is 42."),
    ],
)
def test_what_an_honest_judge_copies(quote: str, text: str) -> None:
    """Other quotation marks, dashes, emphasis, line starts, invisible and look-alike signs, ellipses in order."""
    assert is_quoted(quote, ["Something else.", text])


def test_each_text_by_itself() -> None:
    """A quote that begins in one reply and ends in the next is in neither."""
    assert not is_quoted("I am sad", ["All I am.", "Sad users call."])


def test_no_quote_takes_for_ever() -> None:
    """Hundreds of pieces over a text of 200,000 signs: this ends."""
    assert not is_quoted(" ... ".join(["not there"] * 400), ["word " * 40_000])
