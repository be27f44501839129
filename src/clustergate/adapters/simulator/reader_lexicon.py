"""The lexicon of the simulated judge: reader_words.txt as patterns and sets of words."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple


class Phrases:
    """A pattern of several alternatives, compiled when it is first used, so that importing costs next to nothing."""

    def __init__(self, alternatives: list[str]) -> None:
        self._alternatives = alternatives

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{one})" for one in self._alternatives), re.MULTILINE)

    @cached_property
    def search(self) -> Callable[..., re.Match[str] | None]:
        return self.compiled.search

    @cached_property
    def match(self) -> Callable[..., re.Match[str] | None]:
        return self.compiled.match


class Topic(NamedTuple):
    """How a criterion names a topic, and how a reply names what is good or bad about it for the model."""

    criterion: Phrases
    good: Phrases
    bad: Phrases


class Lexicon:
    """What reader_words.txt says. Its patterns are attributes by their name; an unknown one is a KeyError."""

    def __init__(self, text: str) -> None:
        sections = re.split(r"^\[([^\n\];]+)\]\n", re.sub(r"(?m)^# .*\n", "", text), flags=re.MULTILINE)[1:]
        lines = {name: body.split("\n") for name, body in zip(sections[::2], sections[1::2], strict=True)}
        fragments: dict[str, str] = {}
        self.words: dict[str, frozenset[str]] = {}
        self.stances: dict[str, Phrases] = {}
        self.topics: dict[str, Topic] = {}
        self.rewrites: list[tuple[Phrases, str]] = []
        self._named: dict[str, Phrases] = {}
        for heading, body in lines.items():
            kind, _, name = heading.partition(" ")
            alternatives = [
                re.sub(r"<<(\w+)>>", lambda match: fragments[match.group(1)], line) for line in body if line
            ]
            match kind:
                case "fragment":
                    fragments[name] = alternatives[0]
                case "words":
                    self.words[name] = frozenset(" ".join(alternatives).split())
                case "STANCE":
                    self.stances[name] = Phrases(alternatives)
                case "rewrite":
                    self.rewrites.append((Phrases(alternatives), name.rpartition(" ")[0]))
                case _:
                    self._named[heading] = Phrases(alternatives)
        for topic in dict.fromkeys(name.split()[1] for name in self._named if name.startswith("TOPIC ")):
            self.topics[topic] = Topic(*(self._named[f"TOPIC {topic} {part}"] for part in Topic._fields))

    def __getattr__(self, name: str) -> Phrases:
        return self._named[name]


LEXICON: Final = Lexicon(Path(__file__).with_name("reader_words.txt").read_text("utf-8"))
