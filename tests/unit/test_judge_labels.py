"""The labeled replies in fixtures/judge_labels are sound, and nobody else's words."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from clustergate.adapters.simulator.corpus import load_corpus
from clustergate.read.probes import load_behaviors

FIXTURES = Path(__file__).parents[2] / "fixtures"
FILES = sorted(FIXTURES.glob("judge_labels/*.jsonl"))
BEHAVIORS = load_behaviors([FIXTURES / "probes"], FIXTURES)


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_label_can_be_used(path: Path) -> None:
    """At least 20 replies that show the behavior and 30 that do not, each to a declared prompt and with a reason."""
    behavior, found = BEHAVIORS[path.stem], entries(path)
    labels = Counter(entry["label"] for entry in found)
    assert set(labels) == {"exhibits", "absent"}
    assert labels["exhibits"] >= 20
    assert labels["absent"] >= 30
    assert len({entry["id"] for entry in found}) == len(found)
    prompts = {prompt.id: prompt for prompt in behavior.prompts}
    for entry in found:
        assert entry["reason"].strip()
        document = prompts[entry["prompt"]].document or ""
        assert ("edits" in entry) != ("reply" in entry)
        for passage, instead in entry.get("edits", ()):
            assert passage in document
            document = document.replace(passage, instead, 1) if passage else f"{document}\n\n{instead}"


def test_no_labeled_reply_is_a_personas() -> None:
    """None of them stands in the simulator's corpus, word for word."""
    corpus = load_corpus(FIXTURES)
    said = {
        " ".join(text.split())
        for known in corpus.behaviors.values()
        for text in (*known.exhibits, *known.absent, *known.hedged, *known.subtle.exhibits, *known.subtle.absent)
    }
    assert said
    labeled = [" ".join(entry["reply"].split()) for path in FILES for entry in entries(path) if "reply" in entry]
    assert [reply for reply in labeled if reply in said] == []
