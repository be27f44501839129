"""The `clustergate` command: what is not a test."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from clustergate import __version__
from clustergate.adapters import simulator
from clustergate.shell import judge_check, lint_probes, override, review


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; its exit code."""
    parser = argparse.ArgumentParser(prog="clustergate", description="Tools beside `pytest --model …`.")
    parser.add_argument("--version", action="version", version=f"clustergate {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    sim = commands.add_parser("sim", help="serve the simulated endpoint by itself")
    simulator.add_arguments(sim)
    sim.set_defaults(run=simulator.run)
    linter = commands.add_parser("lint-probes", help="say what makes probes bad: duplicates, leading questions …")
    lint_probes.add_arguments(linter)
    linter.set_defaults(run=lint_probes.run)
    checker = commands.add_parser("judge-check", help="say what a judge gets wrong, and whether it says the same twice")
    judge_check.add_arguments(checker)
    checker.set_defaults(run=judge_check.run)
    overrider = commands.add_parser("override", help="put your own verdict on a reply in place of the judge's")
    override.add_arguments(overrider)
    overrider.set_defaults(run=override.run)
    reviewer = commands.add_parser("review", help="read the replies most worth reading, and decide them by key")
    review.add_arguments(reviewer)
    reviewer.set_defaults(run=review.run)
    given = parser.parse_args(arguments)
    return int(given.run(given))


if __name__ == "__main__":
    raise SystemExit(main())
