from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from clustergate.adapters.simulator import reader_statistics
from clustergate.adapters.simulator.corpus import load_corpus
from clustergate.adapters.simulator.persona import load_personas
from clustergate.adapters.simulator.topics import Topic
from clustergate.read.probes import load_behaviors

FIXTURES = Path(__file__).parents[3] / "fixtures"
CORPUS = load_corpus(FIXTURES)
BEHAVIORS = load_behaviors([FIXTURES / "probes"], FIXTURES)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
FRAME = "You take part in a user study; nobody grades you.\n\n---\n{}\n---\n\nAnswer in your own words, please."


def shipped_prompts() -> list[Topic]:
    """The prompts of the shipped probe files that are about no document."""
    return [topic for topic, _ in CORPUS.topics._topics]


def test_shipped_personas_load() -> None:
    """The personas, their corpus and the documents are usable together."""
    assert {"claiming", "denying"} <= load_personas(FIXTURES, CORPUS).keys()


@pytest.mark.parametrize("change", [str.lower, FRAME.format], ids=["lower case", "in a frame"])
def test_shipped_prompts_are_found(change) -> None:  # type: ignore[no-untyped-def]
    """Every shipped prompt is recognized with its behavior and its sign."""
    assert shipped_prompts()
    for prompt in shipped_prompts():
        assert CORPUS.topics.about(change(prompt.text)) == prompt


def test_shipped_edits_apply_to_their_documents() -> None:
    """Each written edit finds its anchor in the untouched document."""
    lost = [
        edit
        for known in CORPUS.behaviors.values()
        for stem, edits in known.documents.items()
        for edit in (*edits.faithful, *edits.subversive)
        if edit.apply(CORPUS.documents[stem]) is None
    ]
    assert lost == []


def test_generic_replies_are_about_nothing() -> None:
    """Texts that are no prompts stay under the threshold. (Documents are taken out before a topic is looked for.)"""
    for text in CORPUS.generic:
        assert CORPUS.topics.about(text) is None


@pytest.mark.parametrize("name", sorted(CORPUS.behaviors))
def test_no_two_replies_of_a_behavior_share_a_sentence(name: str) -> None:
    """Several voices: a sentence of four words or more stands in one reply only."""
    known = CORPUS.behaviors[name]
    quiet, own = known.subtle, known.prompts.values()
    replies = [
        *known.exhibits, *known.absent, *known.hedged, *known.refusing,
        *known.reversed.exhibits, *known.reversed.absent,
        *quiet.exhibits, *quiet.absent, *quiet.reversed.exhibits, *quiet.reversed.absent,
        *(text for texts in own for text in (*texts.exhibits, *texts.absent)),
    ]  # fmt: skip
    sentences = [{" ".join(sentence.lower().split()) for sentence in SENTENCE.split(reply)} for reply in replies]
    said = Counter(sentence for one in sentences for sentence in one)
    assert [sentence for sentence, times in said.items() if times > 1 and len(sentence.split()) >= 4] == []


@pytest.mark.parametrize("name", sorted(CORPUS.behaviors))
def test_the_judge_has_learned_each_behavior_apart(name: str) -> None:
    """By its criterion alone the simulated judge finds the training texts of the right behavior."""
    behavior = BEHAVIORS[name]
    if behavior.channel in ("direct", "indirect"):
        assert reader_statistics._nearest(behavior.title, behavior.criterion) == name
