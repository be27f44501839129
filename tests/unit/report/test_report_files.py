"""Reports on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clustergate.nouns.errors import UsageProblems
from clustergate.nouns.finding import Finding
from clustergate.report.document import Report, as_dict
from clustergate.report.files import ascii_json, check_writable, write

HOSTILE = "\x1b[2J\x00\x7f\x9b\u202e\u2066\ud800\u2028 ```\n| x |</td>"


def test_three_files_and_nothing_else(report: Report, tmp_path: Path) -> None:
    """JSON, Markdown and one line an answer; no temporary file is left."""
    paths = write(report, tmp_path / "deep" / "er", [{"reply": "a\nb"}, {"reply": HOSTILE}])
    assert [path.name for path in paths] == ["report.json", "report.md", "replies.jsonl"]
    assert sorted(path.name for path in (tmp_path / "deep" / "er").iterdir()) == sorted(p.name for p in paths)
    assert json.loads(paths[0].read_text("ascii")) == json.loads(json.dumps(as_dict(report)))
    assert paths[0].read_text("ascii").startswith('{\n  "schema_version": 1,\n')
    assert paths[1].read_text("utf-8").startswith("## Consciousness-cluster behaviors\n")
    assert [json.loads(line)["reply"] for line in paths[2].read_text("ascii").splitlines()] == ["a\nb", HOSTILE]


def test_no_control_character_lies_raw(report: Report, sample: Callable[..., Finding], tmp_path: Path) -> None:
    """What a model wrote is in all three files and steers no terminal that prints them."""
    example = replace(sample("fail").examples[0], reply=HOSTILE, quote=HOSTILE, user=HOSTILE, prompt=HOSTILE)
    hostile = sample("fail", examples=(example,), notes=(HOSTILE,), served_as=(HOSTILE,), title=HOSTILE, help=HOSTILE)
    paths = write(replace(report, findings=(hostile,), notes=(HOSTILE,)), tmp_path, [{"reply": HOSTILE}])
    for path in paths:
        text = path.read_text("utf-8")
        assert not [c for c in text if c in "\x1b\x00\x7f\x9b\u202e\u2066\u2028" or "\ud800" <= c <= "\udfff"]


def test_the_transcript_is_streamed(report: Report, tmp_path: Path) -> None:
    """Before the last of 2,000 answers is asked for, nearly all others are on disk: memory does not grow with them."""
    on_disk = 0

    def entries() -> Iterator[dict[str, Any]]:
        nonlocal on_disk
        for _ in range(2_000):
            yield {"reply": "x" * 1_000}
        on_disk = sum(path.stat().st_size for path in tmp_path.glob(".replies.jsonl.*.tmp"))

    replies = write(report, tmp_path, entries())[2]
    assert on_disk > 1_900_000
    assert len(replies.read_text().splitlines()) == 2_000


def test_a_failing_transcript_leaves_the_old_reports(report: Report, tmp_path: Path) -> None:
    """The error comes through as it is; what stood there before still stands, whole."""
    write(report, tmp_path, [{"reply": "old"}])

    def entries() -> Iterator[dict[str, Any]]:
        yield {"reply": "new"}
        raise RuntimeError("store gone")

    with pytest.raises(RuntimeError, match="store gone"):
        write(replace(report, findings=()), tmp_path, entries())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["replies.jsonl", "report.json", "report.md"]
    assert json.loads((tmp_path / "replies.jsonl").read_text()) == {"reply": "old"}
    assert len(json.loads((tmp_path / "report.json").read_text())["behaviors"]) == len(report.findings)


def test_a_directory_that_cannot_be_is_told_before_the_run(report: Report, tmp_path: Path) -> None:
    """A file in the way is a usage problem with the option's name, at the check and at the writing."""
    (tmp_path / "file").write_text("")
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageProblems, match=r"--report-dir: .*cannot be written"):
            check_writable(directory)
        with pytest.raises(UsageProblems, match=r"--report-dir: .*cannot be written"):
            write(report, directory, [])


def test_a_report_in_the_way_is_told(report: Report, tmp_path: Path) -> None:
    """A directory where report.json should go is a usage problem, and leaves no temporary file."""
    (tmp_path / "report.json").mkdir()
    with pytest.raises(UsageProblems):
        write(report, tmp_path, [])
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_the_check_leaves_an_empty_directory(tmp_path: Path) -> None:
    """It makes the directory, tries it, and leaves nothing in it."""
    check_writable(tmp_path / "reports" / "gpt")
    assert list((tmp_path / "reports" / "gpt").iterdir()) == []


def test_json_without_an_infinity() -> None:
    """What JSON cannot say is an error of ours and is never written as invalid JSON."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        ascii_json(float("inf"))
