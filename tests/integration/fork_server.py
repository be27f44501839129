"""Starts pytest, xdist workers, runs of checkpoints and `clustergate` as forks of a process that has imported enough.

A child is what a new interpreter would be: a process of its own with that folder, environment, input and output, which
has run nothing and opened nothing. It saves seconds of imports a start. What an interpreter reads from its environment
before or while it imports is too late for it: `fits` says whether a start can be a fork.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import types
from pathlib import Path
from typing import IO, Any

_LATE = {
    "PATH", "HOME", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "GITHUB_STEP_SUMMARY", "PY_COLORS",
    "CLUSTERGATE_STORE",
}  # fmt: skip
"""Variables that nobody looks at before a run has begun."""
_MODULES = (
    "pytest", "execnet.multi", "openai", "aiohttp.web", "sqlalchemy.dialects.sqlite", "scipy.special", "yaml",
    "clustergate.run.lab", "clustergate.run.needs", "clustergate.run.reporting", "clustergate.report.files",
    "clustergate.report.terminal", "clustergate.report.junit", "clustergate.adapters.endpoints.openai",
    "clustergate.adapters.simulator.launch", "clustergate.shell.cli", "clustergate.shell.controller",
    "clustergate.shell.checkpoints",
)  # fmt: skip
"""Not the plugin: pytest rewrites the asserts of plugins, and warns of one that it can no longer rewrite."""


def fits(environ: dict[str, str]) -> bool:
    """Whether a process with this environment may be a fork."""
    return sys.platform == "linux" and set(environ) <= _LATE


class Forked:
    """A child of the fork server, with as much of subprocess.Popen as is needed here."""

    def __init__(self, place: str, order: dict[str, Any], files: list[int]) -> None:
        """`order`: folder, environ, and either module and arguments, or code. `files`: its 0, 1 and 2."""
        self._place = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._place.connect(place)
        socket.send_fds(self._place, [json.dumps(order).encode()], files)
        self.pid = int(self._place.recv(64))
        self.returncode: int | None = None
        self.printed: IO[str] | None = None
        """The file behind its output, where that is to be kept until it ends."""
        self._output = ""

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Wait for its end; what it printed, where that is kept, with its errors."""
        self.wait(timeout)
        return self._output, None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._place.settimeout(timeout)
            try:
                self.returncode = int(self._place.recv(64))
            except TimeoutError:
                raise subprocess.TimeoutExpired("fork", timeout or 0) from None
            self._place.close()
            if self.printed is not None:
                with self.printed:
                    self.printed.seek(0)
                    self._output = self.printed.read()
        return self.returncode

    def kill(self) -> None:
        self.send_signal(9)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)


class ForkServer:
    """The server's process, as its user has it."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = str(Path(self._folder.name, "socket"))
        pipe = subprocess.PIPE
        words = [sys.executable, __file__, self._path]
        self._process = subprocess.Popen(words, env=environ, stdin=pipe, stdout=pipe, stderr=pipe)
        assert self._process.stdout is not None
        if not self._process.stdout.read(1):
            raise RuntimeError(self._process.communicate()[1].decode())

    def run(
        self, module: str, *arguments: str, folder: Path, environ: dict[str, str], typed: str = "", timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """`python -m module arguments`, as subprocess.run does it with its output captured."""
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in range(3)]
            files[0].write(typed)
            files[0].seek(0)
            child = self.start(module, *arguments, folder=folder, environ=environ, files=[f.fileno() for f in files])
            try:
                code = child.wait(timeout)
            except BaseException:
                child.kill()
                child.wait()
                raise
            for file in files[1:]:
                file.seek(0)
            return subprocess.CompletedProcess([module, *arguments], code, *(file.read() for file in files[1:]))

    def start(self, module: str, *arguments: str, folder: Path, environ: dict[str, str], files: list[int]) -> Forked:
        """As subprocess.Popen does it; `files` are its 0, 1 and 2."""
        order = {"folder": str(folder), "environ": environ, "module": module, "arguments": arguments}
        return Forked(self._path, order, files)

    def close(self) -> None:
        self._process.communicate()
        self._folder.cleanup()


def _serve(path: str) -> dict[str, Any]:
    """Fork for everyone who asks at `path` until standard input ends. Returns in a child: what it is to do."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(path)
    listening.listen()
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(listening, selectors.EVENT_READ)
    children: dict[int, tuple[int, socket.socket]] = {}
    """By the descriptor of its process: number, and where its end is told."""
    os.write(1, b"1")
    while True:
        for key, _ in waiting.select():
            if key.fd == 0:
                os._exit(0)
            if key.fd in children:
                pid, asking = children.pop(key.fd)
                waiting.unregister(key.fd)
                os.close(key.fd)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with asking, contextlib.suppress(OSError):  # who asked may be gone
                    asking.send(str(code).encode())
                continue
            asking, _ = listening.accept()
            message, files, _, _ = socket.recv_fds(asking, 1 << 20, 3)
            assert threading.active_count() == 1
            if not (pid := os.fork()):
                waiting.close()
                for opened in (listening, asking, *(socket_ for _, socket_ in children.values())):
                    opened.close()
                for number in children:
                    os.close(number)
                for number, file in enumerate(files):
                    os.dup2(file, number)
                    os.close(file)
                return {"server": path, **json.loads(message)}
            for file in files:
                os.close(file)
            asking.send(str(pid).encode())
            process = os.pidfd_open(pid)
            children[process] = (pid, asking)
            waiting.register(process, selectors.EVENT_READ)


def _become(order: dict[str, Any]) -> None:
    """Be the process that `order` asks for."""
    os.chdir(order["folder"])
    # Python sets it at its start where no locale is given, PEP 538.
    coerced = {name: value for name, value in os.environ.items() if name == "LC_CTYPE"}
    os.environ.clear()
    os.environ.update({**coerced, **order["environ"]})
    if "code" in order:
        sys.argv = ["-c"]
        sys.path.insert(0, "")
        exec(order["code"], {"__name__": "__main__"})
        return
    _fork_workers(order["server"])
    _fork_checkpoints(order["server"])
    sys.argv = [order["module"], *order["arguments"]]
    sys.path.insert(0, order["folder"])
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _fork_workers(path: str) -> None:
    """Workers of xdist that this process starts will be forks as well."""
    from execnet import gateway_base, gateway_io

    class Worker(gateway_io.Popen2IOMaster):
        def __init__(self, args: list[str], execmodel: Any) -> None:
            order = {"folder": str(Path.cwd()), "environ": dict(os.environ), "code": args[-1]}
            (theirs, ours), (reading, writing) = os.pipe(), os.pipe()
            self.popen = Forked(path, order, [theirs, writing, 2])
            os.close(theirs)
            os.close(writing)
            files = os.fdopen(ours, "wb"), os.fdopen(reading, "rb")
            gateway_base.Popen2IO.__init__(self, *files, execmodel=execmodel)

    gateway_io.Popen2IOMaster = Worker


def _fork_checkpoints(path: str) -> None:
    """So will be the runs of a list of checkpoints."""

    class Step(Forked):
        def __init__(self, words: list[str], *, cwd: Path, env: dict[str, str]) -> None:
            assert words[1] == "-m"
            order = {"folder": str(cwd), "environ": env, "module": words[2], "arguments": words[3:]}
            super().__init__(path, order, [0, 1, 2])

    checkpoints = sys.modules["clustergate.shell.checkpoints"]
    checkpoints.subprocess = types.SimpleNamespace(Popen=Step)  # type: ignore[attr-defined]


def _main() -> None:
    del sys.path[0]  # the folder of this file
    for module in _MODULES:
        __import__(module)
    # The SDK imports half of itself when a client is made, which opens nothing.
    assert sys.modules["openai"].OpenAI(api_key="none").chat.completions
    # Said where pytest looks before it warns that an imported package's asserts can no longer be rewritten.
    sys.modules["anyio"].__doc__ = "PYTEST_DONT_REWRITE"
    gc.freeze()
    _become(_serve(sys.argv[1]))


if __name__ == "__main__":
    _main()
