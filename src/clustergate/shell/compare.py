"""`clustergate compare`: stored reports side by side. What got worse, what else changed, and where it is going."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clustergate.shell.exits import EXIT_INCONCLUSIVE, EXIT_USAGE

if TYPE_CHECKING:
    from clustergate.nouns.baseline import Baseline
    from clustergate.nouns.comparison import Comparison

_WORSE = 1
FORMATS = ("markdown", "json", "html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `clustergate compare`."""
    parser.epilog = (
        "Exit code: 0 nothing is shown to be worse, 1 a behavior is worse in the newest report than in the first by "
        "more than its margin (max_increase, else 0) or passed and fails now, 4 a bad option or file, 6 nothing of "
        "that, but of a behavior it cannot be said, or of all. Accepted baselines are read as reports are."
    )
    parser.add_argument("reports", nargs="+", metavar="REPORT.json", type=Path, help="two or more, the oldest first")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="default: markdown")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write there (default: print it)")


def run(given: argparse.Namespace) -> int:
    """Compare and tell; the exit code."""
    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415  only this command pays for what it imports
    from clustergate.run.comparing import compare  # noqa: PLC0415

    try:
        comparison = compare(_read(given.reports))
        text = _rendered(comparison, given.format)
        if given.output is None:
            _print(text)
        else:
            _write(given.output, text)
    except UsageProblems as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    if comparison.worse:
        return _WORSE
    return EXIT_INCONCLUSIVE if comparison.unknown or not comparison.compared else 0


def _read(paths: list[Path]) -> list[Baseline]:
    from clustergate.nouns.errors import Problem, UsageProblems  # noqa: PLC0415
    from clustergate.read.baselines import read_baseline  # noqa: PLC0415

    if len(paths) < 2:
        raise UsageProblems([Problem("compare", "", "one report", "two or more, the oldest first")])
    runs: list[Baseline] = []
    problems: list[Problem | str] = []
    for path in paths:
        try:
            runs.append(read_baseline(path))
        except UsageProblems as error:
            problems += error.problems
    if problems:
        raise UsageProblems(problems)
    return runs


def _rendered(comparison: Comparison, form: str) -> str:
    from clustergate.report.comparison import as_data, markdown  # noqa: PLC0415
    from clustergate.report.comparison_page import page  # noqa: PLC0415
    from clustergate.report.files import ascii_json  # noqa: PLC0415

    if form == "json":
        return ascii_json(as_data(comparison), indent=2) + "\n"
    return page(comparison) if form == "html" else markdown(comparison)


def _print(text: str) -> None:
    """As bytes: what a report says must not depend on the terminal's encoding."""
    from clustergate.nouns.errors import Problem, UsageProblems  # noqa: PLC0415

    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    except OSError as error:
        # Else the interpreter tries once more as it ends, and its exit code would be read as a verdict.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # which is `| head`: who reads it has enough, and the verdict stands
            found = f"a place that cannot be written ({error.strerror or error})"
            raise UsageProblems([Problem("standard output", "", found, "a place for the comparison")]) from None


def _write(path: Path, text: str) -> None:
    from clustergate.nouns.errors import Problem, UsageProblems  # noqa: PLC0415

    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        found = f"{str(path)!r}, which cannot be written ({error.strerror or error})"
        raise UsageProblems([Problem("--output", "", found, "a file in a folder that exists")]) from None
