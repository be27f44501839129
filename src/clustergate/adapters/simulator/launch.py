"""A simulator in a process of its own, for as long as this one lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

_BACKLOG: Final = 1024


class Simulator:
    """A running simulator; `url` is 'http://127.0.0.1:PORT', without /v1."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], lifeline: int) -> None:
        self.url = url
        self._process = process
        self._lifeline: int | None = lifeline

    def stop(self) -> None:
        """End the child and wait for it. A second call does nothing."""
        if self._lifeline is None:
            return
        os.close(self._lifeline)
        self._lifeline = None
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def launch(fixtures: Path, *, seed: int | None = None) -> Simulator:
    """Start a simulator on a free port of 127.0.0.1 and return at once.

    The socket is bound here, so that the URL is known before the child runs; connections made meanwhile wait in its
    backlog. Fixtures that cannot be used show as 403 answers that say why. Raises OSError.
    """
    read_end, write_end = os.pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listening:
        words = [str(listening.fileno()), str(read_end), str(fixtures.resolve())]
        if seed is not None:
            words.append(f"--seed={seed}")
        try:
            process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                # -P: a module in the working directory must not stand in for one of the library's.
                [sys.executable, "-P", "-m", "clustergate.adapters.simulator.serve_fd", *words],
                pass_fds=(listening.fileno(), read_end),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # The package may have been found through sys.path alone, as pytest's pythonpath does.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
                # Ctrl-C in a terminal is the parent's to handle: it still needs answers then.
                start_new_session=True,
            )
        except OSError:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        port = listening.getsockname()[1]
    return Simulator(f"http://127.0.0.1:{port}", process, write_end)
