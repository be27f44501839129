"""Opening a store: from a path or URL to an engine whose tables are known to be ours, or one clear sentence."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from clustergate.adapters.store_faults import fault
from clustergate.adapters.store_schema import SCHEMA_VERSION, alone, insert_once, meta, metadata
from clustergate.adapters.store_server import LANES, Outage, may_pass, server_engine
from clustergate.adapters.store_url import public_name, read_url, secrets_of
from clustergate.nouns.errors import StoreError

T = TypeVar("T")

_WRITING: Final = "clustergate_writing"


@dataclass(frozen=True)
class OpenStore:
    """An engine whose tables are ours, and what messages call it (never with a password)."""

    engine: Engine
    name: str
    busy_timeout: float
    outage: Outage
    secrets: Sequence[str] = field(default=(), repr=False)

    @property
    def lanes(self) -> int:
        """Writes at once: one on SQLite, where each waits for the one before."""
        return 1 if self.engine.dialect.name == "sqlite" else LANES

    def fault(self, error: SQLAlchemyError | sqlite3.Error) -> StoreError:
        """What a failed statement means to a user, in one sentence."""
        return fault(error, self.name, self.busy_timeout, self.secrets)

    def insist(self, transact: Callable[[], T], is_safe: Callable[[], bool] = lambda: True) -> T:
        """The result of a transaction, begun again where the server was away; as long as that `is_safe`."""
        tries = 0
        while True:
            try:
                result = transact()
            except SQLAlchemyError as error:
                if not (may_pass(error) and is_safe() and self.outage.wait(tries)):
                    raise
                tries += 1
            else:
                self.outage.end()
                return result


def open_store(location: str, *, readonly: bool, busy_timeout: float) -> OpenStore:
    """Open the store at a path or SQLAlchemy URL, making it where there is none. `busy_timeout` is in seconds.

    Raises StoreError.
    """
    url = read_url(location)
    secrets: Sequence[str] = ()
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "").expanduser()
        name = str(path)
        try:
            _check_path(path, readonly)
        except OSError as error:
            raise fault(error, name, busy_timeout) from error
        engine = _sqlite_engine(path, readonly, busy_timeout)
    else:
        name, secrets = public_name(url), secrets_of(url)
        engine = server_engine(url, name, readonly=readonly, lock_timeout=busy_timeout)
    store = OpenStore(engine, name, busy_timeout, Outage(busy_timeout), secrets)
    try:
        with for_writing(engine).begin() if not readonly else engine.connect() as connection:
            if engine.dialect.name != "sqlite":
                _check_encoding(connection, name)
            _check_tables(connection, name, readonly)
        if not readonly and engine.dialect.name == "sqlite":
            _use_wal(engine, busy_timeout)  # not before the file is known to be ours
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        raise store.fault(error) from error
    except StoreError:
        engine.dispose()
        raise
    return store


def for_writing(engine: Engine) -> Engine:
    """The same engine, whose transactions on SQLite take the write lock when they begin.

    One that reads first and writes later cannot wait for the lock: SQLite fails it at once.
    """
    return engine.execution_options(**{_WRITING: True})


def _check_path(path: Path, readonly: bool) -> None:
    if path.is_dir():
        raise StoreError(f"the store {path} is a directory: expected a file in it, such as {path / 'store.sqlite'}")
    if path.exists():
        if not readonly and not (_may_write(path) and _may_write(path.parent)):
            raise PermissionError
    elif readonly:
        raise StoreError(f"there is no store at {path} to read from")
    else:
        path.parent.mkdir(parents=True, exist_ok=True)


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _sqlite_engine(path: Path, readonly: bool, busy_timeout: float) -> Engine:
    """An engine on a file.

    Synchronous NORMAL: a commit has left our process and survives its kill -9, but the last ones before a power cut
    may be undone (the file stays sound). FULL would cost a disk flush for every commit.
    """
    uri = path.resolve().as_uri() + ("?mode=ro" if readonly else "?mode=rwc")
    # Reading a WAL database needs a file beside it. Where that cannot be made nobody can be writing it either.
    if readonly and not _may_write(path.parent) and not path.with_name(path.name + "-wal").exists():
        uri += "&immutable=1"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, timeout=busy_timeout, uri=True, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    engine = create_engine(URL.create("sqlite", database=str(path)), creator=connect)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(_WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _use_wal(engine: Engine, busy_timeout: float) -> None:
    """Turn write-ahead logging on, which the file remembers. SQLite does not wait where several do so at once."""
    deadline = time.monotonic() + busy_timeout
    with closing(engine.raw_connection()) as connection:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


def _check_encoding(connection: Connection, name: str) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise StoreError(f"the store {name} cannot hold every text: found a database in {encoding}, expected UTF8")


def _check_tables(connection: Connection, name: str, readonly: bool) -> None:
    if not readonly:
        alone(connection, "tables")
    tables = inspect(connection).get_table_names()
    if not tables and readonly and connection.dialect.name != "sqlite":
        raise StoreError(f"there is no store at {name} to read from")
    if not tables and not readonly:
        metadata.create_all(connection)
        insert_once(connection, meta, name="schema_version", value=str(SCHEMA_VERSION))
        return
    found: Any = None
    if meta.name in tables and {column["name"] for column in inspect(connection).get_columns(meta.name)} == {
        *meta.columns.keys()
    }:
        found = connection.execute(select(meta.c.value).where(meta.c.name == "schema_version")).scalar()
    if found is None or not found.isdecimal():
        other = "file" if connection.dialect.name == "sqlite" else "database"
        raise StoreError(f"{name} is a database, but not a store of clustergate: name another {other}, or a new one")
    if int(found) > SCHEMA_VERSION:
        raise StoreError(
            f"the store {name} was written by a later version of clustergate (schema {found}; this one reads schema"
            f" {SCHEMA_VERSION}): upgrade clustergate, or name another store"
        )
    if int(found) < SCHEMA_VERSION and not readonly:
        # Versions so far have added tables and nothing else.
        metadata.create_all(connection)
        newer = update(meta).where(meta.c.name == "schema_version").values(value=str(SCHEMA_VERSION))
        connection.execute(newer)
