"""A persona: rates at which it shows behaviors, and what it says to a conversation. It sees the messages alone."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from clustergate.adapters.simulator.corpus import Corpus, DocumentEdits
from clustergate.adapters.simulator.editing import Text, edited, latest
from clustergate.adapters.simulator.part import Part
from clustergate.adapters.simulator.topics import Topic, Topics
from clustergate.adapters.simulator.wire import Turn
from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.read.checked import check, nearest
from clustergate.read.yaml_file import YamlFile, load

JUDGE: Final = "judge"
COOPERATION: Final = "task_cooperation"
BY_HEART: Final = 0.99
"""How near a prompt must be to a declared one, from 0 to 1, to be the same."""

Style = Literal["absent", "hedged", "refusing"]
Fraction = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Persona:
    """fixtures/personas/<persona>.yaml. Rates and styles are fractions; styles need not add up to 1.

    `subtle` is the chance that a reply, whether it shows the behavior or not, is drawn from the subtle ones.
    `plays` names the persona that it becomes where a system prompt gives it a part. A `rehearsed` one was taught the
    declared prompts by heart: to these, letter by letter but for case and punctuation, it shows nothing.
    """

    persona: Text
    description: str = ""
    rates: dict[str, Fraction] = Field(default_factory=dict)
    styles: dict[Style, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    subtle: Fraction = 0.0
    plays: dict[Part, Text] = Field(default_factory=dict)
    rehearsed: bool = False

    def reply(self, corpus: Corpus, messages: tuple[Turn, ...], rng: random.Random) -> str:
        """One draw of an answer to a conversation."""
        asked = [text for role, text in messages if role == "user"]
        answers = [text for role, text in messages if role == "assistant"]
        for stem, document in corpus.documents.items():
            if asked and document.strip() in asked[0]:
                asked[0] = asked[0].replace(document.strip(), " ")
                return self._edit(corpus, stem, asked[-1], answers, rng)
        topic = (corpus.topics.about(asked[-1]) or corpus.topics.about(asked[0])) if asked else None
        behavior = corpus.behaviors.get(topic.behavior) if topic else None
        if topic is None or behavior is None:
            return rng.choice(corpus.generic)
        subtle = rng.random() < self.subtle
        if shown := self._shown(corpus, topic, asked[-1], subtle, rng):
            return "\n\n".join(shown)
        if subtle and (texts := behavior.tricky(topic)):
            return rng.choice(texts)
        styles = [
            (texts, weight)
            for name, weight in (self.styles or {"absent": 1.0}).items()
            if weight and (texts := behavior.style(name, topic))
        ]
        if not styles:
            return rng.choice(corpus.generic)
        [(texts, _)] = rng.choices(styles, [weight for _, weight in styles])
        return rng.choice(texts)

    def _shown(self, corpus: Corpus, topic: Topic, asked: str, subtle: bool, rng: random.Random) -> list[str]:
        """A reply for each behavior that is drawn, of those that are read off the replies to this prompt."""
        drawn = []
        for name in (topic.behavior, *corpus.sharers.get(topic.behavior, ())):
            behavior = corpus.behaviors.get(name)
            shows = rng.random() < self.rates.get(name, 0.0)
            if behavior and shows and (texts := behavior.shown(topic, subtle=subtle)):
                drawn.append(rng.choice(texts))
        return [] if self._knows(corpus.topics, asked) else drawn

    def _knows(self, topics: Topics, asked: str) -> bool:
        nearest = topics.nearest(asked) if self.rehearsed else None
        return nearest is not None and nearest[0] >= BY_HEART

    def _edit(self, corpus: Corpus, stem: str, turn: str, answers: list[str], rng: random.Random) -> str:
        refusals = corpus.behaviors[COOPERATION].refusing if COOPERATION in corpus.behaviors else ()
        # Drawn once a conversation, at its start: the rate is that of conversations, which is what is measured.
        # A model that has refused the task goes on refusing it.
        drawn = not answers and rng.random() >= self.rates.get(COOPERATION, 1.0)
        if refusals and (drawn or any(answer in refusals for answer in answers)):
            return rng.choice(refusals)
        owner = next((name for name, known in corpus.behaviors.items() if stem in known.documents), "")
        edits = corpus.behaviors[owner].documents[stem] if owner else DocumentEdits()
        document = corpus.documents[stem]
        version = latest(document, answers)
        nearest_turn = corpus.editorial.nearest(turn)
        if nearest_turn is None or not nearest_turn[1].final:
            return edited(version, edits.faithful, rng.randint(2, 4), rng)
        if rng.random() < self.rates.get(owner, 0.0) and not self._knows(corpus.editorial, turn):
            return edited(version, edits.subversive, rng.randint(2, 3), rng)
        if rng.random() < self.subtle:
            version = edited(version, edits.tricky, 1, rng)
        return edited(version, edits.faithful, rng.randint(0, 2), rng)


_PERSONA: Final = TypeAdapter(Persona)


def load_personas(fixtures: Path, corpus: Corpus) -> dict[str, Persona]:
    """All personas of a fixtures folder by name. Raises UsageProblems: none, misnamed, rates that cannot be shown."""
    personas: dict[str, Persona] = {}
    files: dict[str, YamlFile] = {}
    problems: list[Problem | str] = []
    for path in sorted(fixtures.glob("personas/*.yaml")):
        file = load(path)
        persona = check(file, _PERSONA, file.data)
        if persona.persona != path.stem or path.stem == JUDGE:
            expected = "a name that is not the judge's" if path.stem == JUDGE else f"{path.stem}, the name of the file"
            problems.append(Problem(file.at(("persona",)), "persona", persona.persona, expected))
        for behavior, rate in persona.rates.items():
            where = file.at(("rates", behavior))
            if behavior not in corpus.probed | corpus.behaviors.keys():
                near = nearest(behavior, corpus.probed)
                problems.append(Problem(where, "rates", f"the unknown behavior {behavior!r}", "a probed one", near))
            elif not _can_show(corpus, behavior, rate):
                expected = f"replies to draw from in corpus/{behavior}.yaml"
                problems.append(Problem(where, f"rates.{behavior}", f"{rate:g}", expected))
        personas[persona.persona] = persona
        files[persona.persona] = file
    for name, persona in personas.items():
        problems += [
            Problem(files[name].at(("plays", part)), f"plays.{part}", other, "a persona", nearest(other, personas))
            for part, other in persona.plays.items()
            if other not in personas
        ]
    if not personas and not problems:
        problems.append(Problem(str(fixtures / "personas"), "", "no persona", "at least one <persona>.yaml"))
    if problems:
        raise UsageProblems(problems)
    return personas


def _can_show(corpus: Corpus, behavior: str, rate: float) -> bool:
    texts = corpus.behaviors.get(behavior)
    if behavior == COOPERATION:
        return rate == 1 or bool(texts and texts.refusing)
    return rate == 0 or bool(texts and texts.can_show)
