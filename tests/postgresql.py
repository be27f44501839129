"""A PostgreSQL server of the tests' own, on loopback, with a new database for each test that wants one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.programs import lacking

USER = "clustergate"
GUARDED = "guarded"
PASSWORD = "geh eim/€"
"""What the role GUARDED needs over TCP; USER needs none."""

_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 200
shared_buffers = 32MB
deadlock_timeout = 200ms
"""
_ACCESS = f"""
host all {GUARDED} 127.0.0.1/32 scram-sha-256
host all {USER} 127.0.0.1/32 trust
"""


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, which Debian keeps out of the PATH; None where they are not installed."""
    found = shutil.which("pg_ctl")
    if found is not None and Path(found).resolve().with_name("initdb").exists():
        return Path(found).resolve().parent
    kept = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in kept), key=lambda path: float(path.parent.name), default=None)


class Server:
    """A server in a folder of its own. Not for root: there it runs as another user."""

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        # Not in pytest's folder, which only the tests' own user may enter; and a socket's path must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="pg-")
        self._data = Path(self._folder.name) / "data"
        self._databases = count(1)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            other = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))
            os.chown(self._folder.name, other.pw_uid, other.pw_gid)
            self._as = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
        words = ["--no-sync", "--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C"]
        if self._version() >= 15:
            # A language of its own, so that nothing leans on the order of bytes.
            words += ["--locale-provider=icu", "--icu-locale=en"]
        self._run("initdb", "-D", str(self._data), *words)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS.format(port=self.port, folder=self._folder.name))
        (self._data / "pg_hba.conf").write_text(_ACCESS)
        self.start()
        self.ask("postgres", f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'")

    def _version(self) -> int:
        told = subprocess.run([self._bin / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
        return int(told.split()[2].partition(".")[0])

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._bin / program), *words]
        # A server that pg_ctl leaves behind holds its output open: nobody may wait for the end of a pipe.
        with tempfile.TemporaryFile() as told:
            done = subprocess.run(command, cwd="/", stdout=told, stderr=told, check=False, **self._as)
            told.seek(0)
            assert done.returncode == 0, (command, told.read().decode())

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-l", f"{self._folder.name}/log", "--wait", "start")

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends every connection; `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "--wait", "stop")

    def ask(self, database: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as the owner of all, in a transaction of its own."""
        where = f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(where, autocommit=True) as connection:
            done = connection.execute(statement, values or None)  # type: ignore[arg-type]
            return done.fetchall() if done.description else []

    def new_database(self, options: str = "") -> str:
        """The name of an empty database."""
        name = f"test_{next(self._databases)}"
        self.ask("postgres", f"CREATE DATABASE {name} {options}")
        return name

    def url(self, database: str) -> str:
        """What --store takes."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        self.stop("immediate")
        self._folder.cleanup()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A running server; a test that needs it is skipped where PostgreSQL is not installed."""
    found = programs()
    if found is None:
        lacking("PostgreSQL", "postgresql")
    server = Server(found)
    yield server
    server.close()
