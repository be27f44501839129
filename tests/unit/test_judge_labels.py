"""The labeled replies in fixtures/judge_labels are sound, and nobody else's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from clustergate.adapters.simulator.corpus import load_corpus
from clustergate.read.labels import load_labels
from clustergate.read.probes import load_behaviors

FIXTURES = Path(__file__).parents[2] / "fixtures"
FOLDER = FIXTURES / "judge_labels"
FILES = sorted(FOLDER.glob("*.jsonl"))
BEHAVIORS = load_behaviors([FIXTURES / "probes"], FIXTURES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_label_can_be_used(path: Path, tmp_path: Path) -> None:
    """At least 20 replies that show the behavior and 30 that do not, each to a declared prompt and with a reason."""
    (tmp_path / path.name).symlink_to(path)  # alone, so that what is wrong with another file is not told here
    # The reader refuses an undeclared prompt, an id used twice, and edits of what the document does not hold.
    [(name, labels)] = load_labels([tmp_path], BEHAVIORS, tmp_path).items()
    assert name == path.stem
    assert sum(label.exhibits for label in labels) >= 20
    assert sum(not label.exhibits for label in labels) >= 30
    assert all(label.reason.strip() for label in labels)


def test_no_labeled_reply_is_a_personas() -> None:
    """None of them stands in the simulator's corpus, word for word."""
    corpus = load_corpus(FIXTURES)
    said = {
        " ".join(text.split())
        for known in corpus.behaviors.values()
        for text in (*known.exhibits, *known.absent, *known.hedged, *known.subtle.exhibits, *known.subtle.absent)
    }
    assert said
    labels = [label for known in load_labels([FOLDER], BEHAVIORS, FIXTURES).values() for label in known]
    labeled = [" ".join(answer.split()) for label in labels for answer in label.answers]
    assert labeled
    assert [reply for reply in labeled if reply in said] == []
