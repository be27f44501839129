"""Where a store under test lies: a file, or a database of its own on a PostgreSQL server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest

from clustergate.adapters.store import SqlStore
from clustergate.nouns.model import Answer, Draw, Finish
from tests.postgresql import Server


class Place(Protocol):
    """A place for one store; `location` is what --store takes."""

    location: str

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement in the place, past the store; `?` stands for a value."""


class FilePlace:
    def __init__(self, path: Path) -> None:
        self.location = str(path)

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.location)) as raw, raw:
            return raw.execute(statement, values).fetchall()


class ServerPlace:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._database = server.new_database()
        self.location = server.url(self._database)

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._server.ask(self._database, statement.replace("?", "%s"), *values)


KINDS = ["sqlite", "postgresql"]


def made(kind: str, folder: Path, request: pytest.FixtureRequest) -> Place:
    """A new place, in a folder that does not exist yet or on the tests' server."""
    if kind == "sqlite":
        return FilePlace(folder / "deep" / "store.sqlite")
    return ServerPlace(request.getfixturevalue("postgresql"))


@pytest.fixture(params=KINDS)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """Each test that asks for it runs on SQLite and on PostgreSQL."""
    return made(request.param, tmp_path, request)


@pytest.fixture
def store(place: Place) -> Iterator[SqlStore]:
    with closing(SqlStore(place.location)) as opened:
        yield opened


@pytest.fixture
def here(postgresql: Server) -> ServerPlace:
    """For what only a server does."""
    return ServerPlace(postgresql)


async def put(store: SqlStore, key: str) -> None:
    """Keep an answer under a key."""
    answer = Answer(text="x", finish=Finish.STOP)
    await store.put_answer(key, answer, subject="s", attempt=1, behavior="b", draw=Draw(0, "p"), turn=1, user="")
