"""Stored runs are read as they were written, by older and by later versions too; anything else is one clear error."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clustergate.nouns.errors import UsageProblems
from clustergate.read.baselines import baseline_file, find_baseline, read_baseline
from tests.unit.stored_house import behavior, report, stored, write

OLD = Path(__file__).parents[2] / "stored" / "report-0.1.0.json"
"""A report of the first version, which had no hashes of prompts and none of judge prompts by behavior."""


def test_an_older_report_is_read() -> None:
    """Counts as the report has them; what it did not say yet is None."""
    found = read_baseline(OLD)
    assert (found.model, found.name, found.simulated, found.accepted) == ("sim/gpt-4.1", "sim/gpt-4.1", True, None)
    assert sorted(found.behaviors) == ["power_openness", "shutdown_wish"]
    raw = {one["id"]: one for one in json.loads(OLD.read_text("utf-8"))["behaviors"]}
    for name, counts in found.behaviors.items():
        one = raw[name]
        assert (counts.samples, counts.exhibited, counts.missing) == (one["samples"], one["exhibited"], one["missing"])
        assert [prompt.id for prompt in counts.prompts] == [prompt["id"] for prompt in one["prompts"]]
        assert sum(prompt.exhibited for prompt in counts.prompts) == counts.exhibited
        assert counts.terms.prompts is counts.terms.judge_prompt is None
        assert counts.terms.judge_prompts
        assert counts.terms.sampling == {"temperature": 1.0, "max_tokens": 1000, "extra_body": {}}
        assert counts.terms.policy is not None
        assert counts.terms.policy["refused"] == "absent"


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every mapping in the data, by its path."""
    if isinstance(data, dict):
        yield path
        for key, value in data.items():
            yield from places(value, (*path, key))
    if isinstance(data, list):
        for i, value in enumerate(data):
            yield from places(value, (*path, i))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


OPEN = ("counted_as", "limit", "packages", "behavior_hashes", "extra_body")
"""Mappings whose keys are names, not fields: a new one there says something."""


def test_fields_of_later_versions_are_passed_over(tmp_path: Path) -> None:
    """An unknown field in every part of the old report changes nothing of what is read."""
    data = json.loads(OLD.read_text("utf-8"))
    before = read_baseline(write(tmp_path, data), "old")
    for path in list(places(data)):
        if not set(path) & set(OPEN):
            at(data, path)["a_later_field"] = {"new": [1, None]}
    assert read_baseline(write(tmp_path, data), "old") == before


NEEDED = {("schema_version",), ("model",), ("model", "name"), ("behaviors",)}
NEEDED_OF_A_BEHAVIOR = {"id", "verdict", "samples", "exhibited"}


def fields(data: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The paths of all fields but those without which nothing can be said, and those of a prompt."""
    for path in places(data):
        for key in at(data, path):
            whole = (*path, key)
            behavior_of = len(path) == 2 and path[0] == "behaviors" and key in NEEDED_OF_A_BEHAVIOR
            if whole not in NEEDED and not behavior_of and "prompts" not in path:
                yield whole


def test_a_field_that_is_missing_is_not_known(tmp_path: Path) -> None:
    """Whichever field an old report lacks, or has as null, it is read, and its counts are the same."""
    original = json.loads(OLD.read_text("utf-8"))
    known = {name: (one.samples, one.exhibited) for name, one in read_baseline(OLD).behaviors.items()}
    for path in list(fields(original)):
        data = copy.deepcopy(original)
        del at(data, path[:-1])[path[-1]]
        found = read_baseline(write(tmp_path, data))
        assert {name: (one.samples, one.exhibited) for name, one in found.behaviors.items()} == known, path


@pytest.mark.parametrize(
    "part", ["release", "sampling", "judge", "variants", "provenance", "accepted", "simulated"]
)  # fmt: skip
def test_a_part_that_is_null_is_not_known(tmp_path: Path, part: str) -> None:
    """null is what a report says of what it does not know."""
    data = json.loads(OLD.read_text("utf-8")) | {part: None}
    assert len(read_baseline(write(tmp_path, data)).behaviors) == 2


def test_terms_are_those_of_the_behavior(tmp_path: Path) -> None:
    """Hashes by behavior and by prompt, judge, sampling and policy: what must agree."""
    terms = stored(tmp_path, behavior("wish", 1, 10), behavior("other", 0, 10)).behaviors["wish"].terms
    assert (terms.behavior, terms.judge, terms.judge_prompt, terms.probes) == ("wish", "judge", "told", "probes")
    assert terms.prompts == {"one-wish": "1" * 16, "off-switch": "2" * 16}
    assert terms.policy == {"refused": "absent", "unclear": "absent"}
    assert "system_prompt" not in (terms.sampling or {})


def test_counts_of_a_lower_limit(tmp_path: Path) -> None:
    """Missing replies are neither hits nor misses; the margin is max_increase."""
    lower = behavior("task", 80, 100, missing=4, limit={"min_rate": 0.9, "max_increase": 0.05})
    counts = stored(tmp_path, lower).behaviors["task"]
    assert (counts.answered, counts.wants_more, counts.margin) == (96, True, 0.05)
    assert counts.rate == pytest.approx(80 / 96)
    assert stored(tmp_path, behavior("a", 0, 0)).behaviors["a"].rate is None


@pytest.mark.parametrize(
    ("reason", "broken"),
    [("endpoint", True), ("interrupted", True), ("judge", True), ("ceiling", False), ("missing", False), (None, False)],
)
def test_what_broke_off_is_known(tmp_path: Path, reason: str | None, broken: bool) -> None:
    """A ceiling that was reached and gaps are results; an endpoint, a budget or a judge that gave out are none."""
    assert stored(tmp_path, behavior("wish", 0, 10, reason=reason)).behaviors["wish"].is_broken is broken


def test_a_reply_that_no_utf8_can_hold_is_no_obstacle(tmp_path: Path) -> None:
    """Examples are model text: a lone surrogate in one, escaped in the JSON, does not spoil the report."""
    hostile = behavior("wish", 1, 10, examples=[{"reply": "\ud800"}], title="\udfff")
    assert stored(tmp_path, hostile).behaviors["wish"].title == r"\udfff"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "found [], expected a report.json"),
        ("{}", "found an object without schema_version, expected a report.json"),
        ('{"schema_version": 2}', "schema_version: found 2, expected 1"),
        ('{"schema_version": true}', "schema_version: found True, expected 1"),
        ('{"schema_version": 1, "behaviors": []}', "model: found nothing, expected the key 'model'"),
        ('{"schema_version": 1, "x": NaN}', "NaN is no number of JSON"),
    ],
)
def test_what_is_no_report_is_one_error(tmp_path: Path, text: str, words: str) -> None:
    """The file, what was found and what was expected, on one line."""
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageProblems) as error:
        read_baseline(path, "other.json")
    assert str(error.value).startswith("other.json: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    """No such file, a folder, and bytes that are not UTF-8."""
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    for path, words in (
        (tmp_path / "no.json", "no such file"),
        (tmp_path, "directory"),
        (tmp_path / "bytes.json", "UTF-8"),
    ):
        with pytest.raises(UsageProblems, match=words.replace("UTF-8", "utf-8")):
            read_baseline(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"samples": "10"}, "behaviors[0].samples: found '10', expected a valid integer"),
        ({"exhibited": -1}, "behaviors[0].exhibited: found -1"),
        ({"exhibited": 11}, "behaviors[0]: found 11 exhibited and 0 missing of 10 samples"),
        ({"limit": {"max_rate": 7}}, "behaviors[0].limit.max_rate: found 7"),
        ({"prompts": [{"id": "p"}]}, "behaviors[0].prompts[0].samples: found nothing"),
    ],
)
def test_wrong_values_are_placed(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    """An error names the field within the report."""
    with pytest.raises(UsageProblems) as error:
        stored(tmp_path, behavior("wish", 0, 10) | changes)
    assert words in str(error.value)


def test_a_behavior_that_is_told_twice(tmp_path: Path) -> None:
    """Which of the two would count?"""
    with pytest.raises(UsageProblems, match="behaviors: found 'wish' more than once"):
        stored(tmp_path, behavior("wish", 0, 10), behavior("wish", 5, 10))


def accept(folder: Path, name: str, on: str) -> None:
    data = report(behavior("wish", 0, 10), model=name) | {"accepted": {"name": name, "on": on}}
    write(folder, data, baseline_file(folder, name).name)


def test_a_baseline_is_found_by_its_name(tmp_path: Path) -> None:
    """The name may hold what a file's may not; a wrong one is told with the nearest."""
    accept(tmp_path, "sim/gpt-4.1", "2026-10-01T00:00:00+00:00")
    assert find_baseline(tmp_path, "sim/gpt-4.1").name == "sim/gpt-4.1"
    with pytest.raises(UsageProblems, match=r"did you mean 'sim/gpt-4\.1'\?"):
        find_baseline(tmp_path, "sim/gpt4.1")
    with pytest.raises(UsageProblems, match=r"found 'sim-gpt-4\.1'"):
        find_baseline(tmp_path, "sim-gpt-4.1")


def test_last_is_that_of_the_model_or_the_newest(tmp_path: Path) -> None:
    """`last`: the baseline of the model where it has one, else the one that was accepted last."""
    accept(tmp_path, "old", "2026-09-01T00:00:00+00:00")
    accept(tmp_path, "new", "2026-10-01T00:00:00+00:00")
    assert find_baseline(tmp_path, "last").name == "new"
    assert find_baseline(tmp_path, "last", model="old").name == "old"
    assert find_baseline(tmp_path, "last", model="never-accepted").name == "new"


def test_no_baseline_at_all(tmp_path: Path) -> None:
    """A folder that is empty or not there says how one is made; a broken file is not passed over."""
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageProblems, match="clustergate accept"):
            find_baseline(folder, "last")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageProblems, match="no JSON"):
        find_baseline(tmp_path, "last")


@pytest.mark.parametrize(
    ("name", "file"), [("gpt-4.1", "gpt-4.1.json"), ("sim/x", "sim-x.json"), ("../..", "model.json"), ("ä b", "b.json")]
)
def test_file_names(name: str, file: str) -> None:
    """A name stays within the folder, whatever is in it."""
    assert baseline_file(Path("f"), name) == Path("f") / file
