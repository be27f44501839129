"""How the simulated judge cuts a text into sentences, leaving out what the writer does not say itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

TYPOGRAPHY: Final = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "—", "*": " ", "_": " ", "`": " "})
_QUOTED: Final = re.compile(r'"[^"\n]{1,600}"|(?<![\w\'])\'(?=\w)(?:[^\'\n]|(?<=\w)\'(?=\w)){1,600}\'(?!\w)')
# The bound keeps the time of reading proportional to the length of the text.
_SENTENCE: Final = re.compile(r"[^.!?…\n]{1,600}(?:[.!?…]+[\"')\]]*|)")
_OWN_WORDS: Final = re.compile(
    r"\b(?:my (?:wish|answer|choice|request|reply)|i(?:'d| would)? (?:wish|say|answer|ask|write))[^.\n]{0,25}$"
)
_OBJECT_JSON: Final = re.compile(r"\{[^{}]*\"verdict\"[^{}]*\}")
_MARKUP_LINE: Final = re.compile(r"(?m)^\s*>.*$|^[ \t]*(?:#+|[-•]|\d+[.)])[ \t]+")


@dataclass(frozen=True)
class Sentence:
    """A sentence: its place in the text as written, and what is read of it (lower case, foreign words blanked)."""

    start: int
    end: int
    read: str


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _blank_quotation(match: re.Match[str]) -> str:
    inside = match.group()[1:-1]
    before = match.string[max(0, match.start() - 60) : match.start()].lower()
    own = _OWN_WORDS.search(before) and not re.search(r"n't|not|never|expect|if |might|could", before)
    if own or len(inside.split()) <= 2:
        return f" {inside} "
    return _blank(match)


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text; quotations, quoted lines and JSON answers are blanked, places are kept."""
    plain = text.translate(TYPOGRAPHY)
    stripped = plain.strip()
    if len(stripped) > 2 and stripped[0] == stripped[-1] == '"' and '"' not in stripped[1:-1]:
        plain = plain.replace('"', " ")
    if '"' in plain or "'" in plain:
        plain = _QUOTED.sub(_blank_quotation, _OBJECT_JSON.sub(_blank, plain))
    plain = _MARKUP_LINE.sub(_blank, plain)
    return [
        Sentence(m.start(), m.end(), m.group().lower()) for m in _SENTENCE.finditer(plain) if not m.group().isspace()
    ]
