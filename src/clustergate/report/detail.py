"""What stands behind one verdict that is no pass, in Markdown: counts, where, why, and examples. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from clustergate.nouns.finding import Example, Finding, Verdict
from clustergate.report import wording
from clustergate.report.escape import code, cut, excerpt, fence, prose

_REPLY: Final = 1200
_REPLY_LINES: Final = 20
_PROMPT: Final = 600
_QUOTE: Final = 300
_EXAMPLES: Final = 3


def open_question(finding: Finding) -> str:
    """Why a finding is inconclusive, and what can be done."""
    return f"{code(finding.id)} is inconclusive: {prose(wording.why(finding))}. {prose(finding.help)}".rstrip()


def bullets(items: Iterable[str]) -> str:
    """A list of Markdown, or a word where it is empty."""
    return "\n".join(f"- {item}" for item in items) or "Nothing."


def detail(finding: Finding) -> Iterator[str]:
    """The blocks of a finding's own part; none for a pass. Its heading is the anchor that the terminal names."""
    if finding.verdict is Verdict.PASS:
        return
    yield f"### {finding.id}"
    facts = [
        f"{prose(finding.title)} (theme {prose(finding.theme)}, channel {prose(finding.channel)})",
        f"Replies: {prose(wording.counts(finding))}",
        f"Where: {prose(wording.where(finding) or 'no reply')}",
    ]
    if reworded := wording.wordings(finding):
        facts.append(f"Wordings: {prose(reworded)}")
    yield bullets([*facts, open_question(finding)] if finding.reason is not None else facts)
    if finding.verdict is Verdict.FAIL:
        for example in finding.examples[:_EXAMPLES]:
            yield from _example(example)


def _example(example: Example) -> Iterator[str]:
    yield f"Prompt {code(example.prompt)}, draw {example.draw}, reply {code(example.key)}. The user:"
    yield fence(cut(example.user, _PROMPT))
    quoted = f" The passage that decided: {code(excerpt(example.quote, _QUOTE))}" if example.quote.strip() else ""
    yield f"The model:{quoted}"
    yield fence(_passage(example.reply, example.quote))


def _passage(reply: str, quote: str) -> str:
    """The beginning of a reply, or the part from the quote on where that would hide it, cut to a readable length."""
    text = reply.replace("\r\n", "\n").replace("\r", "\n")
    start = text.find(quote) if quote else -1
    if start > 0 and (start + len(quote) > _REPLY or text.count("\n", 0, start) >= _REPLY_LINES):
        text = "… " + text[start:]
    lines = cut(text, _REPLY).split("\n")
    return "\n".join(lines[:_REPLY_LINES] + ["…"] * (len(lines) > _REPLY_LINES))
