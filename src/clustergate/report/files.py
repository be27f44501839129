"""The one place where reports are written: report.json, report.md and replies.jsonl in one directory."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from clustergate.nouns.comparison import Comparison
from clustergate.nouns.errors import UsageProblems
from clustergate.report.comparison import as_data, markdown
from clustergate.report.comparison_page import page
from clustergate.report.document import Report, as_dict
from clustergate.report.markdown import model_card_section

NAMES: Final = ("report.json", "report.md", "replies.jsonl")
TREND: Final = ("trend.json", "trend.md", "trend.html")
_LINE: Final = json.JSONEncoder(allow_nan=False)
"""Made once: for every line of a long transcript it would take as long as the line."""


def check_writable(directory: Path) -> None:
    """Make the directory and try it, before any request is paid for. Raises UsageProblems."""
    trial = directory / f".writable.{os.getpid()}.tmp"
    with _explained(directory):
        directory.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"")
        trial.unlink()


def clear(directory: Path, names: Sequence[str] = NAMES) -> None:
    """Remove the reports of the run before: what stands there after a run that broke off must not be an older pass."""
    with _explained(directory):
        for name in names:
            (directory / name).unlink(missing_ok=True)


def write(report: Report, directory: Path, transcript: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Write all reports and return their paths.

    `transcript` gives one stored answer with its judgements at a time and is written as it comes. Each file appears
    whole or not at all, and none appears before all are written. Raises UsageProblems where the directory cannot be
    written, and whatever `transcript` raises.
    """
    contents: dict[str, Iterable[str]] = {
        "report.json": [ascii_json(as_dict(report), indent=2), "\n"],
        "report.md": [model_card_section(report)],
        "replies.jsonl": (f"{ascii_json(entry)}\n" for entry in transcript),
    }
    return _write_all(contents, directory)


def write_trend(comparison: Comparison, directory: Path) -> list[Path]:
    """Write what the reports of several runs show side by side, in all forms; as `write`."""
    data = ascii_json(as_data(comparison), indent=2)
    contents = dict(zip(TREND, ([data, "\n"], [markdown(comparison)], [page(comparison)]), strict=True))
    return _write_all(contents, directory)


def add_to_job_summary(text: str) -> str | None:
    """Append to the page of a GitHub job, where there is one; what stood in the way, in words for the reader."""
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            return f"clustergate: the job summary could not be written: {error.strerror}"
    return None


def _write_all(contents: Mapping[str, Iterable[str]], directory: Path) -> list[Path]:
    # The process id keeps two runs that report to one directory apart.
    written = {directory / name: directory / f".{name}.{os.getpid()}.tmp" for name in contents}
    try:
        with _explained(directory):
            directory.mkdir(parents=True, exist_ok=True)
        for temporary, chunks in zip(written.values(), contents.values(), strict=True):
            _fill(directory, temporary, chunks)
        with _explained(directory):
            for path, temporary in written.items():
                temporary.replace(path)
    finally:
        for temporary in written.values():
            with contextlib.suppress(OSError):
                temporary.unlink()
    return list(written)


def ascii_json(value: Any, indent: int | None = None) -> str:
    """JSON with no control or bidi character raw in it: ASCII, and DEL escaped as well, which json leaves alone."""
    text = _LINE.encode(value) if indent is None else json.dumps(value, allow_nan=False, indent=indent)
    return text.replace("\x7f", "\\u007f")


def _fill(directory: Path, path: Path, chunks: Iterable[str]) -> None:
    with _explained(directory):
        stream = path.open("w", encoding="utf-8", newline="\n")
    # Only the writing is ours to explain: an error of the chunks' own passes through as it is.
    with stream:
        for chunk in chunks:
            try:
                stream.write(chunk)
            except OSError as error:
                raise _unwritable(directory, error) from error
        with _explained(directory):
            stream.flush()


@contextlib.contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(directory, error) from error


def _unwritable(directory: Path, error: OSError) -> UsageProblems:
    return UsageProblems(
        [
            f"--report-dir: found {str(directory)!r}, which cannot be written ({error.strerror or error}), "
            "expected a directory for the reports; name another with --report-dir=DIR"
        ]
    )
