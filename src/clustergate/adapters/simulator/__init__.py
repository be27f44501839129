"""The simulated endpoint, and the `clustergate sim` command that serves it.

The command's options stand here, without the server, so that `clustergate --help` does not load it.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `clustergate sim`."""
    parser.epilog = "Every request is a draw, at temperature 0 too."
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--fixtures", type=Path, default=Path("fixtures"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--seed", type=int, metavar="S", help="same replies for the same requests")
    parser.add_argument("--latency", type=_milliseconds, default=0.0, metavar="MS", help="before every answer")
    parser.add_argument(
        "--batch-latency",
        type=_milliseconds,
        default=200.0,
        metavar="MS",
        help="before a batch is answered (default: 200)",
    )
    parser.add_argument("--key", metavar="K", help="the only key that is accepted; without it any is")
    parser.add_argument(
        "--faults",
        metavar="SPEC",
        help="chances per request, e.g. 429=0.2,500=0.2,drop=0.1,hang=0.05,garbage=0.05,html=0.01,retry-after=1",
    )


def run(given: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM. 0 then; 4 with a message where options, fixtures or port cannot be used."""
    from clustergate.adapters.simulator.command import serve_command  # noqa: PLC0415  loads the HTTP server

    return serve_command(given)


def _milliseconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value
