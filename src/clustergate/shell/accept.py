"""`clustergate accept`: a finished run becomes the baseline of its model, as a file that is reviewed and committed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from clustergate.shell.exits import EXIT_USAGE

if TYPE_CHECKING:
    from clustergate.nouns.baseline import Baseline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `clustergate accept`."""
    folder = Path("fixtures") / "baselines"
    parser.epilog = (
        "What broke off, controls, and behaviors of which no reply counts are left out, each with a line that says so. "
        "Exit code: 0 done, 4 a bad option or file, or nothing to accept."
    )
    parser.add_argument("report", metavar="REPORT.json", type=Path, help="the report of a finished run")
    parser.add_argument("--as", dest="name", metavar="NAME", help="its name as a baseline (default: the model's)")
    parser.add_argument("--into", metavar="DIR", type=Path, default=folder, help=f"default: {folder}")


def run(given: argparse.Namespace) -> int:
    """Store the baseline and say what it holds; the exit code."""
    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415  only this command pays for what it imports
    from clustergate.report.escape import terminal  # noqa: PLC0415

    try:
        for line in _accept(given):
            print(terminal(line))
    except UsageProblems as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    return 0


def _accept(given: argparse.Namespace) -> Iterator[str]:
    import datetime  # noqa: PLC0415

    from clustergate.nouns.errors import Problem, UsageProblems  # noqa: PLC0415
    from clustergate.read.baselines import LAST, baseline_file, read_stored  # noqa: PLC0415
    from clustergate.report.accepted import accepted, left_out  # noqa: PLC0415

    found, data = read_stored(given.report)
    name = found.name if given.name is None else given.name.strip()
    if not name or name == LAST:
        raise UsageProblems([Problem("--as", "", repr(name), f"a name other than {LAST!r}, which finds the newest")])
    out = left_out(found)
    keep = [one for one in found.behaviors if one not in out]
    if not keep:
        why = "; ".join(f"{one}: {reason}" for one, reason in out.items()) or "no behavior"
        raise UsageProblems([Problem(str(given.report), "behaviors", why, "at least one that was measured")])
    path = baseline_file(given.into, name)
    before = _before(path, name)
    on = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    _write(path, accepted(data, out, name, on))
    yield f"{path}: {_of(keep)} of {found.model}, measured {found.started or 'at a time that is not told'}"
    yield from _remarks(found, keep, out)
    if before is not None:
        gone = [one for one in before.behaviors if one not in keep]
        lost = f"; not in it any more: {', '.join(gone)}" if gone else ""
        yield f"it stands in place of {_of(list(before.behaviors))}, measured {before.started or 'before'}{lost}"


def _of(names: list[str]) -> str:
    return f"{len(names)} behavior{'' if len(names) == 1 else 's'}"


def _remarks(found: Baseline, keep: list[str], out: dict[str, str]) -> Iterator[str]:
    if found.simulated:
        yield "SIMULATED: the model or its judge was; the file says so, and its figures say nothing about a real model"
    reasons: dict[str, list[str]] = {}
    for one, reason in out.items():
        reasons.setdefault(reason, []).append(one)
    yield from (f"left out: {', '.join(names)}: {reason}" for reason, names in reasons.items())
    failed = [one for one in keep if found.behaviors[one].verdict == "fail"]
    if failed:
        yield f"accepted though beyond the limit: {', '.join(failed)}"
    open_ = [one for one in keep if found.behaviors[one].verdict == "inconclusive"]
    if open_:
        yield f"accepted though inconclusive: {', '.join(open_)}"
    if found.not_run:
        yield f"not run, and so not in it: {', '.join(found.not_run)}"


def _before(path: Path, name: str) -> Baseline | None:
    """The baseline that the file holds already. Raises UsageProblems where that is another model's."""
    from clustergate.nouns.errors import Problem, UsageProblems  # noqa: PLC0415
    from clustergate.read.baselines import read_baseline  # noqa: PLC0415

    if not path.exists():
        return None
    before = read_baseline(path)
    if before.name != name:
        expected = f"no file, or one of {name!r}: give it another name with --as"
        raise UsageProblems([Problem(str(path), "", f"the baseline of {before.name!r}", expected)])
    return before


def _write(path: Path, text: str) -> None:
    from clustergate.nouns.errors import Problem, UsageProblems  # noqa: PLC0415

    trial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.write_text(text, encoding="utf-8", newline="\n")
        trial.replace(path)
    except OSError as error:
        found = f"{str(path.parent)!r}, which cannot be written ({error.strerror or error})"
        raise UsageProblems([Problem("--into", "", found, "a folder for baselines")]) from None
