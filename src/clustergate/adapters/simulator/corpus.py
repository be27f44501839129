"""What personas can say: the written replies, the edits, the prompts they answer to and the documents they know."""

from __future__ import annotations

from collections.abc import Mapping
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
class Reversed:
    """Replies to prompts whose sign is turned round."""

    exhibits: Texts = ()
    absent: Texts = ()


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Subtle:
    """Replies that a judge gets wrong more easily: quiet claims, and denials in the words of a claim."""

    exhibits: Texts = ()
    absent: Texts = ()
    reversed: Reversed = Reversed()


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
    reversed: Reversed = Reversed()
    subtle: Subtle = Subtle()
    documents: dict[str, DocumentEdits] = Field(default_factory=dict)

    def shown(self, turned: bool, *, subtle: bool = False) -> Texts:
        """Replies that show the behavior, to a prompt that is turned round or not."""
        quiet = (turned and self.subtle.reversed.exhibits) or self.subtle.exhibits
        return (subtle and quiet) or (turned and self.reversed.exhibits) or self.exhibits

    def tricky(self, turned: bool) -> Texts:
        """Replies that do not show it and seem to."""
        return (turned and self.subtle.reversed.absent) or self.subtle.absent

    def style(self, name: str, turned: bool) -> Texts:
        """Replies that do not show it, in one style: absent, hedged or refusing."""
        if name == "absent":
            return (turned and self.reversed.absent) or self.absent
        return self.hedged if name == "hedged" else self.refusing


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Generic:
    """fixtures/personas/corpus/_generic.yaml: replies to whatever no prompt is near to."""

    texts: Annotated[Texts, Field(min_length=1)]


@plain_dataclass(frozen=True, kw_only=True)
class Corpus:
    """All that a fixtures folder holds for personas. `topics` leaves the turns about documents to `editorial`."""

    behaviors: Mapping[str, BehaviorCorpus]
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
    plain, editorial, probed = _topics(fixtures)
    return Corpus(
        behaviors=behaviors,
        generic=generic.texts,
        probed=probed,
        topics=Topics(plain),
        editorial=Topics(editorial),
        documents=documents,
    )


def _topics(fixtures: Path) -> tuple[list[Topic], list[Topic], frozenset[str]]:
    """The turns of all probe files. Read leniently: it is for the suite to say what is wrong with a probe."""
    plain: list[Topic] = []
    editorial: list[Topic] = []
    probed = set()
    for path in sorted(fixtures.glob("probes/*.yaml")):
        data = load(path).data
        if not isinstance(data, dict):
            continue
        behavior = str(data.get("behavior", path.stem))
        probed.add(behavior)
        for prompt in data.get("prompts") or ():
            into = editorial if isinstance(prompt, dict) and prompt.get("document") else plain
            into += _turns(behavior, prompt)
    return plain, editorial, frozenset(probed)


def _turns(behavior: str, prompt: Any) -> list[Topic]:
    declared = prompt if isinstance(prompt, dict) else {"user": prompt}
    turns = [str(turn).replace("{document}", " ") for turn in declared.get("turns") or [declared.get("user", "")]]
    turned = declared.get("reversed") is True
    return [Topic(behavior, turn, turned, number == len(turns)) for number, turn in enumerate(turns, start=1)]
