"""What is to be seen of a text, and of one that is too long: for a judge, and for who checks its quote. Pure.

Signs that nobody sees split words for a reader that looks for words, can carry whole messages unseen, and make two
equal texts differ. All patterns here run in time proportional to the text.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 24_000
"""Characters of a block that a judge is shown, about 6,000 tokens; of a longer one, its beginning and its end."""
_NEAR: Final = 1000
"""Characters within which a cut is moved to the end of a line."""

_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_BLANK_SIGNS: Final = re.compile("[\u2800\u3164\uffa0]")
"""Letters that look like a space."""
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\ufff0-\ufffc\ufffe\uffff\ud800-\udfff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
"""Control and format characters, tags, selectors, noncharacters, private use, halves of characters."""
_JOINERS: Final = re.compile(
    "(?<=[\x00-\x7f])[\u200c\u200d]++|(?<![\u200c\u200d])[\u200c\u200d]++(?=[\x00-\x7f]|\\Z)|(?<=[\u200c\u200d])[\u200c\u200d]++"
)
"""Joiners beside plain letters, where no script needs them, and all but the first of a row."""
_STYLES: Final = re.compile("(?:\\A|(?<=[A-Za-z\\s\ufe0e\ufe0f]))[\ufe0e\ufe0f]++")
"""What makes a sign an emoji or none, where there is no such sign."""
_MARK: Final = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
_MARKS: Final = re.compile(f"([{_MARK}]{{4}})[{_MARK}]++")
_SPACES: Final = re.compile(r"[^\S\n]{40,}+")
_SAME: Final = re.compile(r"([^\w\s])\1{99,}+")
_BLANK_LINES: Final = re.compile(r"(?:\A|(?<=\n))(?:[^\S\n]*+\n){3,}+")
_SEEN: Final = re.compile("[!-~]")
"""Signs that are seen whatever stands beside them."""


def legible(text: str) -> str:
    """A text on lines, with nothing invisible in it; long runs of blanks, blank lines and one sign are shortened."""
    # Most texts are plain, and every text is looked at several times.
    if not (text.isascii() and text.replace("\n", "").isprintable()):
        text = _BLANK_SIGNS.sub(" ", _LINE_ENDS.sub("\n", text))
        text = _MARKS.sub(r"\1", _STYLES.sub("", _JOINERS.sub("", _HIDDEN.sub("", text))))
        text = _SPACES.sub(" " * 8, text)
    elif " " * 40 in text:
        text = _SPACES.sub(" " * 8, text)
    text = _SAME.sub(lambda run: run[1] * 99, text)
    return _BLANK_LINES.sub("\n\n", text) if "\n" in text else text


def is_blank(text: str) -> bool:
    """Whether there is nothing to be seen in a text."""
    return _SEEN.search(text) is None and not legible(text).strip()


def is_cut(text: str) -> bool:
    """Whether of this text the beginning and the end alone are shown."""
    return len(text) > LONGEST and len(legible(text)) > LONGEST


def shown(text: str, token: str) -> str:
    """What a judge is shown of a block: all, or beginning and end, with a mark between them that carries the token.

    The cut is made at ends of lines where there is one near, so that no part of a line stands as a line of its own.
    """
    text = legible(text)
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    head, tail = text[:half], text[-half:]
    if (end := head.rfind("\n", half - _NEAR)) >= 0:
        head = head[:end]
    start = tail.find("\n", 0, _NEAR)
    tail = tail[start + 1 :] if start >= 0 else f"…{tail}"
    return f"{head}\n[{token}: {len(text) - len(head) - len(tail)} characters left out here]\n{tail}"
