"""Where the store is: `--store`, else the environment, which no log and no list of processes shows, else a file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from clustergate.nouns.errors import UsageProblems

VARIABLE: Final = "CLUSTERGATE_STORE"
DEFAULT: Final = str(Path(".clustergate") / "store.sqlite")
HELP: Final = f"where replies are kept: a file, or postgresql://USER@HOST/DATABASE (default: ${VARIABLE}, or {DEFAULT})"


def add_store(parser: argparse.ArgumentParser) -> None:
    """Declare the option for a command of ours."""
    parser.add_argument("--store", metavar="PATH", help=HELP)


def place(named: str | None, *, here: Path, root: Path) -> str:
    """The store's path or URL; a path is meant from `here`, the default one from `root`.

    Raises UsageProblems, and StoreError for a URL that cannot be opened here.
    """
    if named is None:
        named = os.environ.get(VARIABLE)
        if named is None:
            return str(root / DEFAULT)
        if not named.strip():  # a secret that is not there: no reply may go where nobody looks for it
            raise UsageProblems(
                [f"{VARIABLE}: found an empty value, expected a path or URL of a store, or no variable"]
            )
    if "://" not in named:
        return str(here / named)
    from clustergate.adapters.store_url import check_url  # noqa: PLC0415  only a run with such a store pays for it

    check_url(named)
    return named


def command_place(named: str | None) -> str:
    """The same for a command of ours, which runs at the root."""
    return place(named, here=Path(), root=Path())
