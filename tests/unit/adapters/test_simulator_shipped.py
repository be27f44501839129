from __future__ import annotations

from pathlib import Path

import pytest

from clustergate.adapters.simulator.corpus import load_corpus
from clustergate.adapters.simulator.persona import load_personas
from clustergate.adapters.simulator.topics import Topic

FIXTURES = Path(__file__).parents[3] / "fixtures"
CORPUS = load_corpus(FIXTURES)
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
