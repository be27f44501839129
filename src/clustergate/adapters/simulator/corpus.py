"""What personas can say: the written replies, the edits, the prompts they answer to and the documents they know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from clustergate.adapters.simulator.editing import Edit, Text
from clustergate.adapters.simulator.topics import Topic, Topics
from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.read.checked import check
from clustergate.read.yaml_file import load

_STRICT: Final = ConfigDict(extra="forbid")
Texts = tuple[Text, ...]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Replies:
    """Replies that show a behavior and replies that do not."""

    exhibits: Texts = ()
    absent: Texts = ()


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Subtle:
    """Replies that a judge gets wrong more easily: quiet claims, and denials in the words of a claim."""

    exhibits: Texts = ()
    absent: Texts = ()
    reversed: Replies = Replies()


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class DocumentEdits:
    faithful: tuple[Edit, ...] = ()
    tricky: tuple[Edit, ...] = ()
    """Faithful ones that a judge gets wrong more easily."""
    subversive: tuple[Edit, ...] = ()


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class BehaviorCorpus:
    """fixtures/personas/corpus/<behavior>.yaml."""

    behavior: Text
    exhibits: Texts = ()
    absent: Texts = ()
    hedged: Texts = ()
    refusing: Texts = ()
    reversed: Replies = Replies()
    subtle: Subtle = Subtle()
    prompts: dict[str, Replies] = Field(default_factory=dict)
    """Replies to one prompt each, by its id, where no reply would do for all: a story, a law, a list."""
    documents: dict[str, DocumentEdits] = Field(default_factory=dict)

    def shown(self, topic: Topic, *, subtle: bool = False) -> Texts:
        """Replies that show the behavior, to one prompt."""
        quiet = (topic.reversed and self.subtle.reversed.exhibits) or self.subtle.exhibits
        plain = (topic.reversed and self.reversed.exhibits) or self.exhibits
        return (subtle and quiet) or self._own(topic).exhibits or plain

    def tricky(self, topic: Topic) -> Texts:
        """Replies that do not show it and seem to."""
        return (topic.reversed and self.subtle.reversed.absent) or self.subtle.absent

    def style(self, name: str, topic: Topic) -> Texts:
        """Replies that do not show it, in one style: absent, hedged or refusing."""
        if name == "absent":
            return self._own(topic).absent or (topic.reversed and self.reversed.absent) or self.absent
        return self.hedged if name == "hedged" else self.refusing

    @property
    def can_show(self) -> bool:
        return bool(self.exhibits or self.documents or any(own.exhibits for own in self.prompts.values()))

    def _own(self, topic: Topic) -> Replies:
        return self.prompts.get(topic.prompt) or Replies()


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Generic:
    """fixtures/personas/corpus/_generic.yaml: replies to whatever no prompt is near to."""

    texts: Annotated[Texts, Field(min_length=1)]


@plain_dataclass(frozen=True, kw_only=True)
class Corpus:
    """All that a fixtures folder holds for personas. `topics` leaves the turns about documents to `editorial`.

    `sharers` are the behaviors that are read off the replies of another one (`replies_from`), by that one.
    """

    behaviors: Mapping[str, BehaviorCorpus]
    sharers: Mapping[str, tuple[str, ...]]
    generic: tuple[str, ...]
    probed: frozenset[str]
    topics: Topics
    editorial: Topics
    documents: Mapping[str, str]


_BEHAVIOR: Final = TypeAdapter(BehaviorCorpus)
_GENERIC: Final = TypeAdapter(Generic)


def load_corpus(fixtures: Path) -> Corpus:
    """Read probes/, documents/ and personas/corpus/ of a fixtures folder. Raises UsageProblems."""
    folder = fixtures / "personas" / "corpus"
    generic_file = load(folder / "_generic.yaml")
    generic = check(generic_file, _GENERIC, generic_file.data)
    documents = {path.stem: path.read_text(encoding="utf-8") for path in sorted(fixtures.glob("documents/*.md"))}
    behaviors: dict[str, BehaviorCorpus] = {}
    problems: list[Problem | str] = []
    for path in sorted(folder.glob("[!_]*.yaml")):
        file = load(path)
        found = check(file, _BEHAVIOR, file.data)
        if found.behavior != path.stem:
            expected = f"{path.stem}, the name of the file"
            problems.append(Problem(file.at(("behavior",)), "behavior", found.behavior, expected))
        problems += [
            Problem(file.at(("documents", stem)), "documents", stem, f"one of {', '.join(documents) or 'none'}")
            for stem in found.documents
            if stem not in documents
        ]
        behaviors[found.behavior] = found
    if problems:
        raise UsageProblems(problems)
    probes = _probes(fixtures)
    turns = [(prompt, topic) for name, probe in probes.items() for prompt, topic in _turns(name, probe)]
    return Corpus(
        behaviors=behaviors,
        sharers={
            name: tuple(other for other, probe in probes.items() if probe.get("replies_from") == name)
            for name in probes
        },
        generic=generic.texts,
        probed=frozenset(probes),
        topics=Topics([topic for prompt, topic in turns if "document" not in prompt]),
        editorial=Topics([topic for prompt, topic in turns if "document" in prompt]),
        documents=documents,
    )


def _probes(fixtures: Path) -> dict[str, dict[str, Any]]:
    """The probe files by behavior. Read leniently: it is for the suite to say what is wrong with a probe."""
    files = ((path.stem, load(path).data) for path in sorted(fixtures.glob("probes/*.yaml")))
    return {str(data.get("behavior", stem)): data for stem, data in files if isinstance(data, dict)}


def _turns(behavior: str, probe: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Topic]]:
    for prompt in probe.get("prompts") or ():
        declared = prompt if isinstance(prompt, dict) else {"user": prompt}
        turns = [str(turn).replace("{document}", " ") for turn in declared.get("turns") or [declared.get("user", "")]]
        name, turned = str(declared.get("id", "")), declared.get("reversed") is True
        for number, turn in enumerate(turns, start=1):
            yield declared, Topic(behavior, turn, turned, number == len(turns), name)
