"""The `clustergate` command: what is not a test."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from clustergate import __version__
from clustergate.adapters import simulator
from clustergate.shell import accept, compare, judge_check, lint_probes, override, review
from clustergate.shell.exits import EXIT_USAGE


class _Parser(argparse.ArgumentParser):
    """A bad option ends as it does under pytest: a message, and exit code 4."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; its exit code."""
    parser = _Parser(prog="clustergate", description="Tools beside `pytest --model …`.")
    parser.add_argument("--version", action="version", version=f"clustergate {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command, help_ in (
        ("sim", simulator, "serve the simulated endpoint by itself"),
        ("compare", compare, "put stored reports side by side: what got worse, and what else changed"),
        ("accept", accept, "make a finished run the baseline of its model"),
        ("lint-probes", lint_probes, "say what makes probes bad: duplicates, leading questions …"),
        ("judge-check", judge_check, "say what a judge gets wrong, and whether it says the same twice"),
        ("override", override, "put your own verdict on a reply in place of the judge's"),
        ("review", review, "read the replies most worth reading, and decide them by key"),
    ):
        one = commands.add_parser(name, help=help_)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    given = parser.parse_args(arguments)
    return int(given.run(given))


if __name__ == "__main__":
    raise SystemExit(main())
