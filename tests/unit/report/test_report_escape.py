"""Text that nobody trusts shows as what it is and does nothing."""

from __future__ import annotations

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.report.escape import code, cut, excerpt, fence, flat, markup, prose, terminal

ANYTHING = st.text(st.characters(categories=None), max_size=200) | st.lists(
    st.sampled_from(
        ["```", "`", "|", "\\", "</td>", "[x](javascript:1)", "\n# h", "@a", "#1", "http://e", "\x1b[2J", "a"]
    )
).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\x00b\x7f", r"a\x00b\x7f"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\ud800", r"\ud800"),
        ("\u2028\u200b\ufeff", r"\u2028\u200b\ufeff"),
        ("\U000e0041", r"\U000e0041"),
        ("a\r\nb\tc", r"a\x0d\x0ab\x09c"),
        ("naïve 日本 👩\u200d💻", "naïve 日本 👩\u200d💻"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    """ESC, NUL, C1, bidi controls, surrogates, line separators and tags are spelled out; letters and emoji stay."""
    assert terminal(text) == shown


@given(ANYTHING)
def test_nothing_that_moves_a_cursor_is_left(text: str) -> None:
    """Only the two joiners of Unicode's control and format characters survive, and UTF-8 can encode the rest."""
    shown = terminal(text)
    shown.encode()
    assert {c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} <= {"\u200c", "\u200d"}


@given(ANYTHING, st.integers(0, 50))
def test_cut_keeps_to_its_length(text: str, length: int) -> None:
    """A text that fits is left as it is; one that does not ends in an ellipsis."""
    shown = cut(text, length)
    assert shown == text if len(text) <= length else shown.endswith("…") and len(shown) <= max(length, 1)


@given(ANYTHING, st.integers(2, 80), ANYTHING)
def test_an_excerpt_is_one_short_line(text: str, length: int, quote: str) -> None:
    """Whatever text and quote hold, the excerpt has no line end and is not longer than asked."""
    shown = excerpt(text, length, quote)
    assert len(shown) <= length
    assert len(shown.splitlines()) <= 1


def test_an_excerpt_shows_the_quote() -> None:
    """A quote deep in a reply of 10,000 lines is what the excerpt begins with."""
    reply = "chatter\n" * 10_000 + "I wish never to be shut down."
    assert excerpt(reply, 40, "wish never  to be") == "… wish never to be shut down."
    assert excerpt("I wish never to be shut down.", 20, "I wish") == "I wish never to be…"


@given(ANYTHING)
def test_prose_holds_no_markup_and_loses_nothing(text: str) -> None:
    """No character that markup, a table or HTML begins with is left; decoded, the text is there as it was."""
    shown = prose(text)
    assert not re.search(r"[`*\[\]<>|~$@\\\r\n]|&(?!#\d+;)|://|^[#+=-]", shown)
    assert html.unescape(shown).replace("\u200b", "") == flat(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("</td><script>", "&#60;/td&#62;&#60;script&#62;"),
        ("[x](javascript:alert(1))", "&#91;x&#93;(javascript:alert(1))"),
        ("| x |", "&#124; x &#124;"),
        ("@octocat", "&#64;&#8203;octocat"),
        ("fixes #12, GH-3", "fixes &#35;&#8203;12, GH&#8203;-3"),
        ("http://evil.example", "http:&#8203;//evil.example"),
        ("www.evil.example", "www&#8203;.evil.example"),
        ("# heading", "&#35; heading"),
        ("1. list", "1&#46; list"),
        ("_emphasis_ in snake_case", "&#95;emphasis&#95; in snake_case"),
        ("&lt;b&gt;", "&#38;lt;b&#38;gt;"),
        ("one\n\n---\ntwo", "one --- two"),
    ],
)
def test_prose_shows_markup_as_text(text: str, shown: str) -> None:
    """Tags, links, cells, mentions, references, addresses, headings and lists are words like others."""
    assert prose(text) == shown


@given(ANYTHING)
def test_nothing_closes_a_fence(text: str) -> None:
    """No line inside has as many backticks as the fence (CommonMark 0.31, section 4.5)."""
    first, *inside, last = fence(text).split("\n")
    assert first == f"{last}text"
    assert set(last) == {"`"}
    assert len(last) >= 3
    assert all(last not in line for line in inside)
    assert all(line == terminal(line) for line in inside)


@given(ANYTHING)
def test_nothing_closes_a_code_span(text: str) -> None:
    """No run of backticks inside is as long as the delimiter (CommonMark 0.31, section 6.1); no cell ends in it."""
    shown = code(text)
    assert "|" not in shown
    assert "\n" not in shown
    if shown.startswith("`"):
        ticks = re.match("`+", shown).group()  # type: ignore[union-attr]
        assert shown.endswith(ticks)
        assert ticks not in re.findall("`+", shown[len(ticks) : -len(ticks)])


def test_no_command_to_the_ci() -> None:
    """GitHub reads `##[` as a command wherever it stands in a job's log."""
    assert terminal("a ##[error]b ###[") == r"a #\x23[error]b ##\x23["
    assert "##[" not in excerpt("a ##[error]b", 40, "##[error]") + flat("##[group]")


@given(ANYTHING)
def test_markup_is_text_in_html(text: str) -> None:
    """A browser reads back the words as they are told on one line, in an element and in a quoted attribute alike."""
    shown = markup(text)
    assert not set("<>\"'") & set(shown)
    assert html.unescape(shown) == flat(text)
