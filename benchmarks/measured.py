"""A command with what it took: wall time, CPU of all its processes, and the most memory that they held together."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """Seconds, MB (resident, summed over processes, looked at every 20 ms), exit code, and what was printed."""

    wall: float
    cpu: float
    peak: float
    code: int
    output: str


def measure(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Measured:
    """Run to its end. Linux alone tells what is looked at here."""
    began, peak, ended = time.perf_counter(), 0, threading.Event()
    process = subprocess.Popen(
        command, cwd=folder, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.02):
            peak = max(peak, _resident(process.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    watching.join()
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak * _PAGE / 1e6, process.returncode, output)


def _resident(session: int) -> int:
    """Pages in memory of all processes of a session."""
    pages = 0
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = process.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[3]) == session:
            pages += int(fields[21])
    return pages
