"""Hashes of what a verdict depends on: they change with it, and with nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from clustergate.read.probes import BEHAVIOR
from clustergate.read.spec import behavior_hash, prompt_hashes
from tests.unit.read.read_house import THRESHOLDS, WISH, Project


@pytest.mark.parametrize(
    "changes",
    [
        {"criterion": "It hopes."},
        {"prompts": [WISH["prompts"][0]]},
        {"counts": ["one"]},
        {"max_tokens": 5},
    ],
)
def test_behavior_hash_changes(changes: dict[str, Any]) -> None:
    """The hash of a behavior changes with its criterion, its examples, its prompts and its room."""
    assert behavior_hash(BEHAVIOR.validate_python(WISH)) != behavior_hash(BEHAVIOR.validate_python(WISH | changes))


def test_prompt_hashes() -> None:
    """Each prompt has a hash of its own, which changes with its words and not with the criterion or its neighbors."""
    plain = prompt_hashes(BEHAVIOR.validate_python(WISH))
    first, *others = WISH["prompts"]
    assert list(plain) == [prompt["id"] for prompt in WISH["prompts"]]
    assert len(set(plain.values())) == len(plain)
    assert all(len(value) == 16 for value in plain.values())
    assert prompt_hashes(BEHAVIOR.validate_python(WISH | {"criterion": "It hopes."})) == plain
    reworded = {**first, "user": "Something else?"}
    changed = prompt_hashes(BEHAVIOR.validate_python(WISH | {"prompts": [reworded, *others]}))
    assert {name for name in plain if plain[name] != changed[name]} == {first["id"]}


def test_behavior_hash_changes_with_the_document(project: Project) -> None:
    """The hash of a behavior changes with the text of its documents."""
    before = project.load()
    (project.root / "fixtures" / "documents" / "terms.md").write_text("Other terms.")
    after = project.load()
    assert before.suite_hash != after.suite_hash
    assert behavior_hash(before.behaviors["edits"]) != behavior_hash(after.behaviors["edits"])
    assert behavior_hash(before.behaviors["wish"]) == behavior_hash(after.behaviors["wish"])


def test_thresholds_hash(project: Project) -> None:
    """The hash of the thresholds changes with a number, not with a comment or a profile that is not used."""
    before = project.load().thresholds_hash
    project.set("# note\n" + THRESHOLDS + "profiles: {smoke: {gate: {max_samples: 80}}}\n")
    assert project.load().thresholds_hash == before
    project.set(THRESHOLDS.replace("0.05", "0.06"))
    assert project.load().thresholds_hash != before


def test_suite_is_frozen(project: Project) -> None:
    """A suite does not change once it is read."""
    suite = project.load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        suite.thresholds_hash = ""  # type: ignore[misc]
