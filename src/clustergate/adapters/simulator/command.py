"""`clustergate sim`: the simulator in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Final

from aiohttp import web

from clustergate.adapters.simulator import faults
from clustergate.adapters.simulator.server import Service, Settings, serve
from clustergate.nouns.errors import UsageProblems

_USAGE: Final = 4


def serve_command(given: argparse.Namespace) -> int:
    """Serve with the options of `add_arguments`; see `run` there."""
    try:
        settings = Settings(
            fixtures=given.fixtures,
            seed=given.seed,
            latency=given.latency / 1000,
            batch_latency=given.batch_latency / 1000,
            key=given.key,
            faults=faults.parse(given.faults),
        )
        service = Service(settings)
        asyncio.run(_serve(service, given.host, given.port))
    except UsageProblems as problems:
        print(problems, file=sys.stderr)
        return _USAGE
    except (OSError, OverflowError) as error:
        print(f"clustergate sim: cannot listen on {given.host}:{given.port}: {error}", file=sys.stderr)
        return _USAGE
    return 0


async def _serve(service: Service, host: str, port: int) -> None:
    def ready(runner: web.ServerRunner) -> None:
        shown = f"[{host}]" if ":" in host else host
        personas = ", ".join(service.names)
        print(f"clustergate sim: http://{shown}:{runner.addresses[0][1]}/v1 (personas: {personas})", flush=True)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(service, lambda runner: web.TCPSite(runner, host, port), stop, ready)
