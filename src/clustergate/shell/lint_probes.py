"""`clustergate lint-probes`: what is wrong with probes that can be read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from clustergate.shell.exits import EXIT_USAGE

DEFAULT: Final = Path("fixtures") / "probes"
_REMARKS = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `clustergate lint-probes`."""
    parser.epilog = "Exit code: 0 nothing to remark, 1 remarks, 4 files that cannot be read."
    parser.add_argument(
        "folders", nargs="*", type=Path, default=[DEFAULT], metavar="DIR",
        help=f"folders of probe files, linted together (default: {DEFAULT})",
    )  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Print one line a remark, or one line that there is none. 4 with a message where files cannot be read."""
    # Only this command pays for pydantic and YAML.
    from clustergate.nouns.errors import Problem, UsageProblems  # noqa: PLC0415
    from clustergate.read.lint import lint  # noqa: PLC0415
    from clustergate.read.probes import load_behaviors  # noqa: PLC0415
    from clustergate.report.escape import terminal  # noqa: PLC0415

    folders: Sequence[Path] = given.folders
    try:
        behaviors = load_behaviors(folders, Path.cwd())
        if not behaviors:
            shown = ", ".join(map(str, folders))
            raise UsageProblems([Problem(shown, "", "no probe files", "at least one")])
    except UsageProblems as problems:
        print(problems, file=sys.stderr)
        return EXIT_USAGE
    remarks = lint(behaviors)
    for remark in remarks:
        print(terminal(f"{_file(remark.behavior, folders)}: {remark}"))
    if remarks:
        return _REMARKS
    prompts = sum(len(behavior.prompts) for behavior in behaviors.values() if behavior.replies_from is None)
    print(f"{_count(len(behaviors), 'behavior')}, {_count(prompts, 'prompt')}: nothing to remark")
    return 0


def _file(behavior: str, folders: Sequence[Path]) -> Path:
    """The file of a behavior: it has the behavior's name."""
    paths = (folder / f"{behavior}{suffix}" for folder in folders for suffix in (".yaml", ".yml"))
    return next(path for path in paths if path.is_file())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
