"""Runs that are forks of a prepared process are what runs of a new interpreter are."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.integration import fork_server
from tests.integration.conftest import WAYS, Project

SEEN = """\
import json, os, signal, sys, threading
def test_what_is_seen():
    seen = {
        "environ": {name: os.environ[name] for name in sorted(os.environ) if name != "PYTEST_CURRENT_TEST"},
        "folder": os.getcwd(),
        "path": sys.path,
        "threads": [thread.name for thread in threading.enumerate()],
        "open": [sys.stdin.closed, *map(os.path.exists, map("/proc/self/fd/{}".format, range(3)))],
        "terminal": [os.isatty(number) for number in range(3)],
        "encoding": [sys.getfilesystemencoding(), sys.__stdout__.encoding, sys.__stdout__.line_buffering],
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
    }
    # Two differ by run; the others are what readline, behind Python's back, leaves to a worker of a new process.
    for name in ("PYTEST_XDIST_TESTRUNUID", "PYTEST_XDIST_WORKER", "COLUMNS", "LINES"):
        seen["environ"].pop(name, None)
    with open("seen.json", "w") as file:
        json.dump(seen, file, indent=1)
"""


@pytest.mark.parametrize("way", ["plain", "n2"])
def test_a_fork_sees_what_a_new_process_sees(project: Project, way: str) -> None:
    """Environment, folder, module path, threads, files, terminals, encodings, signals: the same to the letter."""
    project.write("test_seen.py", SEEN)
    seen = []
    for fresh in (True, False):
        run = project.run("test_seen.py", *WAYS[way], fresh=fresh)
        assert run.code == 0, run.output
        seen.append((project.folder / "seen.json").read_text())
        (project.folder / "seen.json").unlink()
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("import os; os._exit(9)", 9, ""),
        ("import os; os.kill(os.getpid(), 15)", -15, ""),
        ("import sys; print('said', flush=False); sys.exit('why')", 1, "said\nwhy\n"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import sys; print(sys.argv[1:], sys.stdin.read(), end='')", 0, "['a', '--b'] typed"),
    ],
    ids=["exit", "signal", "message", "traceback", "input"],
)
def test_a_fork_ends_as_a_process_ends(
    project: Project, forks: fork_server.ForkServer, text: str, code: int, said: str
) -> None:
    """The code of an exit, of a signal and of an error, and all that was written until then."""
    project.write("ending.py", text)
    done = forks.run("ending", "a", "--b", folder=project.folder, environ=project.environ, typed="typed")
    assert done.returncode == code
    assert said in done.stdout + done.stderr


def test_a_fork_that_hangs_is_killed(project: Project, forks: fork_server.ForkServer) -> None:
    """A time-out ends the child, and says so as subprocess does."""
    project.write("hanging.py", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\n")
    with pytest.raises(subprocess.TimeoutExpired):
        forks.run("hanging", folder=project.folder, environ=project.environ, timeout=1)
    with pytest.raises(ProcessLookupError):
        os.kill(int((project.folder / "pid").read_text()), 0)


def test_what_is_read_before_a_run_begins_is_given_to_a_new_process(project: Project) -> None:
    """A variable that an interpreter or a library may read as it loads is too late for a fork."""
    assert fork_server.fits(project.environ)
    for name in ("PYTHONPATH", "PYTHONOPTIMIZE", "LC_ALL", "OPENAI_LOG", "SSL_CERT_FILE"):
        assert not fork_server.fits({**project.environ, name: "1"})
