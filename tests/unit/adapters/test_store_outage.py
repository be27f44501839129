"""A store on a server that goes away, for a moment or for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, text

from clustergate.adapters.store import SqlStore
from clustergate.nouns.errors import StoreError
from tests.postgresql import Server
from tests.unit.adapters.store_house import ServerPlace, put


@pytest.fixture
def store(here: ServerPlace) -> Iterator[SqlStore]:
    with closing(SqlStore(here.location)) as opened:
        yield opened


def test_a_restart_in_the_middle_is_waited_for(postgresql: Server, store: SqlStore) -> None:
    """Writes and reads that fall into it are done when the server is back; none of them fails."""

    async def through() -> None:
        for number in range(20):
            await put(store, f"before {number}")
        away = asyncio.get_running_loop().run_in_executor(None, restart)
        number = 0
        while not away.done():
            await asyncio.gather(*(put(store, f"during {number} {lane}") for lane in range(4)))
            await asyncio.to_thread(store.answers, "s", 1, "b")
            number += 1
        await away

    def restart() -> None:
        postgresql.stop()
        time.sleep(0.3)
        postgresql.start()

    asyncio.run(through())
    found = set(store.answers("s", 1, "b"))
    assert {f"before {number}" for number in range(20)} | {"during 0 0"} <= found


def test_a_process_that_stood_still_writes_again(store: SqlStore) -> None:
    """The server ends a transaction in which nothing happens, so that it holds up nobody; the write is begun again."""
    tries = []

    def work(connection: Connection) -> int:
        tries.append(connection)
        if len(tries) == 1:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 20"))
            time.sleep(0.3)
        return connection.execute(text("SELECT 7")).scalar_one()

    assert store._writer.wait(work) == 7
    assert len(tries) == 2


def test_a_server_that_stays_away_ends_in_one_sentence(postgresql: Server, here: ServerPlace) -> None:
    """After busy_timeout; when it is back the store works again."""
    with closing(SqlStore(here.location, busy_timeout=0.5)) as store:
        asyncio.run(put(store, "k1"))
        postgresql.stop("immediate")
        try:
            with pytest.raises(StoreError, match=r"cannot be reached: .*Connection refused"):
                asyncio.run(put(store, "k2"))
            with pytest.raises(StoreError, match=r"cannot be reached: .*Connection refused"):
                store.answers("s", 1, "b")
        finally:
            postgresql.start()
        asyncio.run(put(store, "k3"))
        assert {"k1", "k3"} <= set(store.answers("s", 1, "b"))


@pytest.fixture
def cut(postgresql: Server) -> Iterator[list[int]]:
    """Breaks so many of the next commits after the server has done them and before anybody is told so."""
    left = [0]

    def commit(connection: Connection) -> None:
        if left[0]:
            left[0] -= 1
            raw = connection.connection.dbapi_connection
            assert isinstance(raw, psycopg.Connection)
            raw.commit()
            raw.close()

    event.listen(Engine, "commit", commit)
    yield left
    event.remove(Engine, "commit", commit)


def test_a_commit_that_nobody_confirmed(store: SqlStore, here: ServerPlace, cut: list[int]) -> None:
    """A claim is the caller's, an answer is there once; what may not happen twice fails and has happened once."""
    cut[0] = 1
    assert asyncio.run(store.claim("k")) is True
    assert asyncio.run(store.claim("k")) is False
    cut[0] = 1
    asyncio.run(put(store, "k"))
    assert set(store.answers("s", 1, "b")) == {"k"}
    assert asyncio.run(store.spend("r", None, 1.0, 10.0)) is None
    cut[0] = 1
    with pytest.raises(StoreError):
        asyncio.run(store.settle("r", -0.75))
    assert store.spent_usd("r") == 0.25
    assert cut == [0]
