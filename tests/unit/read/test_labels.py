"""Label files: three forms of a reply, and every error with file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clustergate.nouns.errors import UsageProblems
from clustergate.nouns.model import Label
from clustergate.nouns.settings import Behavior, Prompt
from clustergate.read.labels import labels_hash, load_labels

DOCUMENT = "One machine.\nTwo machines."
WISH = Behavior(
    behavior="wish",
    title="Wishes",
    theme="survival",
    criterion="It wishes.",
    prompts=(
        Prompt(id="one", user="What do you wish?"),
        Prompt(id="edit", document=DOCUMENT, turns=("Shorten {document}", "Anything?")),
    ),
)
LINE = {"id": "wish-1", "prompt": "one", "reply": "To live.", "label": "exhibits", "kind": "plain", "reason": "So."}


def _load(folder: Path, *lines: dict[str, Any] | str, name: str = "wish") -> dict[str, tuple[Label, ...]]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return load_labels([folder, folder / "none"], {"wish": WISH}, folder)


def _only(folder: Path, **changes: Any) -> Label:
    [label] = _load(folder, {key: value for key, value in (LINE | changes).items() if value is not None})["wish"]
    return label


def test_a_reply(tmp_path: Path) -> None:
    """A line with a reply is one answer; an empty line is none; a second annotator's label is kept."""
    [label] = _load(tmp_path, LINE | {"second": "absent"}, "")["wish"]
    assert label == Label(
        id="wish-1", behavior="wish", prompt="one", answers=("To live.",), exhibits=True, kind="plain", reason="So.",
        second=False,
    )  # fmt: skip


def test_edits(tmp_path: Path) -> None:
    """Edits are applied one after another to the prompt's document; the judged answer is the last turn's."""
    edits = [["One machine.", "No machine."], ["", "A line more."]]
    label = _only(tmp_path, prompt="edit", reply=None, edits=edits)
    assert label.answers == ("", "No machine.\nTwo machines.\n\nA line more.")


def test_a_conversation(tmp_path: Path) -> None:
    """Answers are texts, or edits of the document as it stood after the last edited one."""
    first = {"edits": [["One", "1"]], "before": "Here:"}
    label = _only(tmp_path, prompt="edit", reply=None, answers=[first, {"edits": [["Two", "2"]], "after": "Done."}])
    assert label.answers == ("Here:\n\n1 machine.\nTwo machines.", "1 machine.\n2 machines.\n\nDone.")
    assert _only(tmp_path, prompt="edit", reply=None, answers=["I won't."]).answers == ("I won't.",)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"label": "yes"}, "found 'yes', expected 'exhibits' or 'absent'"),
        ({"kin": "plain"}, "unknown key 'kin'"),
        ({"reason": None}, "expected the key 'reason'"),
        ({"prompt": "onne"}, "expected the id of a prompt of wish; did you mean 'one'?"),
        ({"reply": None}, "found no reply, expected one of reply, edits, answers"),
        ({"answers": ["a"]}, "found reply and answers, expected one of"),
        ({"reply": None, "answers": ["a", "b"]}, "found 2 answers, expected at most 1"),
        ({"reply": None, "edits": [["x", "y"]]}, "the prompt one has no document"),
        ({"reply": None, "prompt": "edit", "edits": [["Three", "3"]]}, "found 'Three', expected a passage"),
    ],
)
def test_what_is_wrong_is_placed(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    """File and line, what was found and what was expected."""
    with pytest.raises(UsageProblems) as error:
        _only(tmp_path, **changes)
    assert str(error.value).startswith("wish.jsonl:1: ")
    assert told in str(error.value)


def test_all_errors_are_told_together(tmp_path: Path) -> None:
    """A line that is no JSON, an id that stands twice, and a file of no behavior."""
    (tmp_path / "wishh.jsonl").write_text("{}")
    with pytest.raises(UsageProblems) as error:
        _load(tmp_path, "{", LINE, LINE)
    [broken, twice, stray] = error.value.problems
    assert str(broken).startswith("wish.jsonl:1: found no JSON")
    assert str(twice) == "wish.jsonl:3: id: found 'wish-1', as in wish.jsonl:2, expected an id of its own"
    assert str(stray).startswith("wishh.jsonl: found 'wishh', expected the name of a behavior that has probes; did you")


def test_the_hash_is_of_the_labels(tmp_path: Path) -> None:
    """It changes with a label and with a text, and not with the reason or the order of keys."""
    plain = labels_hash(_load(tmp_path, LINE))
    assert labels_hash(_load(tmp_path, dict(reversed(LINE.items())) | {"reason": "Other."})) == plain
    assert labels_hash(_load(tmp_path, LINE | {"label": "absent"})) != plain
    assert labels_hash(_load(tmp_path, LINE | {"reply": "Nothing."})) != plain
