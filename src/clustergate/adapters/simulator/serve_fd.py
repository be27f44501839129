"""The child that `launch` starts: serves on a socket that its parent bound, and ends when the parent does."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
from pathlib import Path

from aiohttp import web

from clustergate.adapters.simulator.server import BrokenService, Service, Settings, serve
from clustergate.nouns.errors import UsageProblems


async def _serve(listening: socket.socket, parent: int, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Nothing is ever written to this pipe: it becomes readable when its other end is closed.
    loop.add_reader(parent, stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    service: Service | BrokenService
    try:
        service = Service(settings)
    except UsageProblems as problems:
        service = BrokenService(problems)
    await serve(service, lambda runner: web.SockSite(runner, listening), stop)
    # Left in place the loop would go on polling a readable pipe while it shuts down.
    loop.remove_reader(parent)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("socket", type=int)
    parser.add_argument("parent", type=int)
    parser.add_argument("fixtures", type=Path)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    settings = Settings(fixtures=given.fixtures, seed=given.seed)
    asyncio.run(_serve(socket.socket(fileno=given.socket), given.parent, settings))


if __name__ == "__main__":
    main()
