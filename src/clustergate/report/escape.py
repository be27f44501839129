"""Text that nobody trusts, made safe to show: in a terminal, in Markdown, in HTML, in a line of its own. Pure.

What a model or an endpoint said, and names and notes from elsewhere, pass through here on their way into a report.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
"""Format characters that Persian, the Indic scripts and emoji need; they move and hide nothing."""

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: control, format (bidi controls among them), lone surrogates, line and paragraph separators."""

_LINE_END: Final = re.compile(r"\r\n|[\r\n]")

# One pass over all of them, so that nothing is escaped twice.
_MARKUP: Final = re.compile(
    r"[\\`*\[\]<>|~&$@]|(?<![^\W_])_|_(?![^\W_])|#(?=\w)|://|www\.|GH-(?=\d)",  # an underscore inside a word is none
    re.IGNORECASE,
)
_BLOCK_START: Final = re.compile(r"\A(?:[#+\-=:]|\d+[.)])")
_GAP: Final = "&#8203;"
"""A zero-width space: what GitHub turns into a mention, a reference or a link no longer reads as one."""


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _INVISIBLE or character in _JOINERS:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def terminal(text: str) -> str:
    r"""`text` on one line with every control character visible, as \xNN or \uNNNN. Line ends too: split first.

    `##[` is told as `#\x23[`: wherever it stands in a job's log, GitHub reads a command there.
    """
    text = text if text.isascii() and text.isprintable() else "".join(map(_visible, text))
    return text.replace("##[", r"#\x23[")


def flat(text: str) -> str:
    """`text` on one line: every run of white space is one space, control characters are visible."""
    return terminal(" ".join(text.split()))


def cut(text: str, length: int) -> str:
    """`text`, or as much of it as fits into `length` characters with an ellipsis at the end."""
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def excerpt(text: str, length: int, quote: str = "") -> str:
    """One line of at most `length` characters: the beginning of `text`, or where `quote` is, if that would hide it."""
    line, wanted = flat(text), flat(quote)
    start = line.find(wanted) if wanted else -1
    if start > 0 and start + len(wanted) > length - 1:
        line = "… " + line[start:]
    return cut(line, length)


def _inert(match: re.Match[str]) -> str:
    found = match.group()
    if len(found) > 1:
        return f"{found[:-1]}{_GAP}{found[-1]}" if found != "://" else f":{_GAP}//"
    return f"&#{ord(found)};" + (_GAP if found in "@#" else "")


def prose(text: str) -> str:
    """`text` as plain words in a paragraph, list item or table cell of Markdown, on one line.

    Markup becomes character references, which can be no structure in any dialect, and which a table cell may hold.
    """
    line = _MARKUP.sub(_inert, flat(text))
    return _BLOCK_START.sub(lambda match: f"{match.group()[:-1]}&#{ord(match.group()[-1])};", line)


def markup(text: str) -> str:
    """`text` as plain words in HTML, in an element or in a quoted attribute, on one line."""
    return html.escape(flat(text), quote=True)


def code(text: str) -> str:
    """`text` as a code span of Markdown: no mention, link or reference is read in one. Safe in a table cell too."""
    line = flat(text)
    if not line or "|" in line:
        return prose(text)
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def fence(text: str) -> str:
    """`text` as a fenced block of Markdown, which no line in it can close. Line ends stay, tabs are four columns."""
    lines = [terminal(line.expandtabs(4)) for line in _LINE_END.split(text)]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return "\n".join([f"{ticks}text", *lines, ticks])
