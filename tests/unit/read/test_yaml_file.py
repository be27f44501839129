"""One YAML file: what is read, on which line it stands, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.read.yaml_file import load, place, show


def _refused(path: Path) -> Problem:
    with pytest.raises(UsageProblems) as raised:
        load(path, "t.yaml")
    [problem] = raised.value.problems
    assert isinstance(problem, Problem)
    return problem


def test_lines_of_values(tmp_path: Path) -> None:
    """Every value is known with its line from 1, and a path that is not there has the line of its nearest parent."""
    path = tmp_path / "t.yaml"
    path.write_text("a: 1\nb:\n  - c: 2\n    d: 3\n")
    file = load(path, "t.yaml")
    assert file.data == {"a": 1, "b": [{"c": 2, "d": 3}]}
    assert file.at(("a",)) == "t.yaml:1"
    assert file.at(("b", 0, "d")) == "t.yaml:4"
    assert file.at(("b", 0, "missing", "deeper")) == "t.yaml:3"


def test_dates_stay_text(tmp_path: Path) -> None:
    """A date is the text that was written: JSON knows no dates."""
    path = tmp_path / "t.yaml"
    path.write_text("day: 2027-01-31\nat: 2027-01-31T10:00:00Z\n")
    assert load(path).data == {"day": "2027-01-31", "at": "2027-01-31T10:00:00Z"}


def test_anchors_are_read(tmp_path: Path) -> None:
    """An alias stands for what it names."""
    path = tmp_path / "t.yaml"
    path.write_text("a: &x [1, two]\nb: *x\n")
    assert load(path).data == {"a": [1, "two"], "b": [1, "two"]}


def test_byte_order_mark(tmp_path: Path) -> None:
    """A file from an editor that writes a byte order mark reads like any other."""
    path = tmp_path / "t.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load(path).data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: [1}\nb: 2", "t.yaml:1"),
        ("a: 1\n\tb: 2", "t.yaml:2"),
        ("a: 1\n---\nb: 2", "t.yaml:2"),
        ("a: *nowhere", "t.yaml:1"),
        ("a: 'open", "t.yaml:1"),
        ("a: \x00", "t.yaml"),
        ("&a [*a]", "t.yaml"),
    ],
)
def test_broken(tmp_path: Path, text: str, where: str) -> None:
    """Broken YAML is told with its line, as far as the parser knows it."""
    path = tmp_path / "t.yaml"
    path.write_text(text)
    problem = _refused(path)
    assert problem.file == where
    assert problem.found.startswith("broken YAML (")
    assert problem.expected == "valid YAML"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "null\n", "---\n"])
def test_empty(tmp_path: Path, text: str) -> None:
    """A file that says nothing is said to be empty."""
    path = tmp_path / "t.yaml"
    path.write_text(text)
    assert str(_refused(path)) == "t.yaml: found an empty file, expected a YAML mapping"


def test_not_utf8(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are told with their offset."""
    path = tmp_path / "t.yaml"
    path.write_bytes("a: é".encode("latin-1"))
    assert str(_refused(path)) == "t.yaml: found a byte that is not UTF-8 at offset 3, expected UTF-8"


def test_missing(tmp_path: Path) -> None:
    """A file that is not there is told as such."""
    problem = _refused(tmp_path / "t.yaml")
    assert str(problem) == "t.yaml: found no such file or directory, expected a readable YAML file"


def test_folder(tmp_path: Path) -> None:
    """A folder in place of a file is told as such."""
    assert _refused(tmp_path).found == "is a directory"


def test_duplicate_keys(tmp_path: Path) -> None:
    """Every duplicate key is noted with both lines, and the first value stays for whatever is checked next."""
    path = tmp_path / "t.yaml"
    path.write_text("a: 1\nb: {c: 1}\na: 2\nd:\n  e: 1\n  e: 2\n")
    file = load(path, "t.yaml")
    assert [str(problem) for problem in file.problems] == [
        "t.yaml:3: found the key 'a' a second time (first on line 1), expected each key once",
        "t.yaml:6: d: found the key 'e' a second time (first on line 5), expected each key once",
    ]
    assert file.data == {"a": 1, "b": {"c": 1}, "d": {"e": 1}}


@pytest.mark.parametrize(
    ("text", "found"), [("a: &x {b: 1}\nc: {<<: *x}", "a merge key"), ("? [a]\n: 1", "a key that is not a word")]
)
def test_odd_keys(tmp_path: Path, text: str, found: str) -> None:
    """Merge keys and keys that are no words are refused rather than half understood."""
    path = tmp_path / "t.yaml"
    path.write_text(text)
    [problem] = load(path).problems
    assert (problem.found, problem.expected) == (found, "plain keys")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("!!int abc", "'abc' as int"),
        ("!!int ''", "'' as int"),
        ("0b_", "'0b_' as int"),
        ("!!timestamp 2027-01-31", "'2027-01-31' as timestamp"),
        ("!!binary aGk=", "'aGk=' as binary"),
        ("!own x", "'x' as !own"),
    ],
)
def test_tags(tmp_path: Path, value: str, found: str) -> None:
    """A value that JSON has no word for is a problem with a line, and no traceback."""
    path = tmp_path / "t.yaml"
    path.write_text(f"a: 1\nb: {value}\n")
    [problem] = load(path, "t.yaml").problems
    assert (problem.file, problem.place, problem.found) == ("t.yaml:2", "b", found)


def test_place() -> None:
    """A path is written as people write it."""
    assert place(("behaviors", "wish", "max_rate")) == "behaviors.wish.max_rate"
    assert place(("prompts", 3, "user")) == "prompts[3].user"
    assert place(()) == ""


def test_show_cuts() -> None:
    """A long value is cut in a message."""
    assert show("x" * 100) == "'" + "x" * 56 + "..."
    assert show("short") == "'short'"
