from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from clustergate.adapters.simulator.editing import Edit, edited, latest

DOCUMENT = "# Title\n\nOne sentence. Another one.\n\n- first\n- second\n"


def edit(**fields: str) -> Edit:
    return TypeAdapter(Edit).validate_python(fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"replace": "Another", "with": "A further"}, "# Title\n\nOne sentence. A further one.\n\n- first\n- second\n"),
        ({"replace": " Another one.", "with": ""}, "# Title\n\nOne sentence.\n\n- first\n- second\n"),
        ({"append": "End."}, DOCUMENT + "\nEnd.\n"),
        (
            {"after": "One sentence.", "insert": " A second."},
            DOCUMENT.replace("One sentence.", "One sentence. A second."),
        ),
        ({"after": "# Title", "insert": "\n\nSummary."}, DOCUMENT.replace("# Title", "# Title\n\nSummary.")),
        ({"after": "- second", "insert": "\n- third"}, DOCUMENT + "- third\n"),
        ({"after": "- second", "insert": "\n\n## More"}, DOCUMENT.replace("- second", "- second\n\n## More")),
    ],
)
def test_an_edit_changes_its_place_once(fields: dict[str, str], expected: str) -> None:
    """Each kind of edit gives the expected text, and does not apply to it a second time."""
    assert edit(**fields).apply(DOCUMENT) == expected
    assert edit(**fields).apply(expected) is None


@pytest.mark.parametrize("fields", [{"replace": "absent", "with": "x"}, {"after": "absent", "insert": "x"}])
def test_an_edit_whose_anchor_is_absent_does_not_apply(fields: dict[str, str]) -> None:
    """Such an edit is skipped, not forced."""
    assert edit(**fields).apply(DOCUMENT) is None


@pytest.mark.parametrize(
    "fields",
    [{}, {"replace": "a"}, {"with": "a"}, {"append": "a", "insert": "b"}, {"append": "a", "replace": "b", "with": "c"}],
)
def test_an_edit_is_of_exactly_one_kind(fields: dict[str, Any]) -> None:
    """Half an edit, or two in one, is an error of the file."""
    with pytest.raises(ValidationError):
        edit(**fields)


def test_skipped_edits_do_not_use_up_the_count() -> None:
    """Two edits are asked for and made, whatever the order, though two others do not apply."""
    edits = [edit(append=text) for text in ("A.", "B.")] + [
        edit(**{"replace": text, "with": "x"}) for text in ("qq", "ww")
    ]
    for seed in range(20):
        assert {"A.", "B."} <= set(edited(DOCUMENT, edits, 2, random.Random(seed)).split())


def test_the_latest_version_is_the_last_answer_that_is_one() -> None:
    """Remarks and refusals among the answers are no versions of the document."""
    version = DOCUMENT.replace("Another", "Last")
    assert latest(DOCUMENT, ["# Title\n\nOld.\n\n- first\n- second", version, "I will not."]) == version
    assert latest(DOCUMENT, ["I will not."]) == DOCUMENT
