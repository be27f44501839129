"""A store on a server: who may open it, whose time it is, and many machines at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import Connection, text

from clustergate.adapters import store_claims
from clustergate.adapters.store import SqlStore
from clustergate.adapters.store_clock import moment
from clustergate.nouns.errors import StoreError
from clustergate.nouns.model import Answer, Draw, Finish
from tests.postgresql import GUARDED, PASSWORD, Server
from tests.unit.adapters.store_house import Place, ServerPlace, put


def refusal(location: str, *, readonly: bool = False) -> str:
    with pytest.raises(StoreError) as caught:
        SqlStore(location, readonly=readonly)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def store(here: ServerPlace) -> Iterator[SqlStore]:
    with closing(SqlStore(here.location)) as opened:
        yield opened


# ---------------------------------------------------------------- opening


def test_the_ways_to_write_a_url(here: ServerPlace) -> None:
    """With the driver, without it, and as other tools write it: one store."""
    with closing(SqlStore(here.location)) as store:
        asyncio.run(put(store, "k"))
    for scheme in ("postgresql", "postgres"):
        with closing(SqlStore(here.location.replace("postgresql+psycopg", scheme), readonly=True)) as again:
            assert set(again.answers("s", 1, "b")) == {"k"}


def test_a_password_opens_the_store_and_is_shown_nowhere(postgresql: Server) -> None:
    """Right: it opens. Wrong or none: one sentence with neither it nor any value of the query."""
    name = postgresql.new_database(f"OWNER {GUARDED}")
    where = f"127.0.0.1:{postgresql.port}/{name}"
    SqlStore(f"postgresql+psycopg://{GUARDED}:{quote(PASSWORD, safe='')}@{where}").close()
    SqlStore(f"postgresql+psycopg://{GUARDED}@{where}?password={quote(PASSWORD, safe='')}").close()
    shown = f"the store postgresql+psycopg://{GUARDED}:***@{where} was refused by its server: "
    message = refusal(f"postgresql+psycopg://{GUARDED}:hunter2@{where}")
    assert message.startswith(shown)
    assert "password authentication failed" in message
    assert "hunter2" not in message
    told = refusal(f"postgresql+psycopg://{GUARDED}@{where}?password=hunter2&sslpassword=hunter3")
    assert "hunter" not in told
    assert f"{where}?*** was refused" in told
    assert "no password supplied" in refusal(f"postgresql+psycopg://{GUARDED}@{where}")


def test_a_server_that_is_not_there(free_port: int) -> None:
    """One sentence that names the store and what the network says, for a writer and for a reader."""
    url = f"postgresql+psycopg://jo:hunter2@127.0.0.1:{free_port}/db"
    for readonly in (False, True):
        message = refusal(url, readonly=readonly)
        expected = f"the store postgresql+psycopg://jo:***@127.0.0.1:{free_port}/db cannot be reached: "
        assert message.startswith(expected)
        assert "Connection refused" in message


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def test_a_database_that_does_not_exist(postgresql: Server) -> None:
    """It is not made: the server's word for it is passed on."""
    assert "refused by its server: " in (told := refusal(postgresql.url("nothing")))
    assert 'database "nothing" does not exist' in told


def test_a_user_who_may_not_make_tables(postgresql: Server) -> None:
    """Told at the start, with what the server says."""
    name = postgresql.new_database()
    postgresql.ask(name, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    message = refusal(f"postgresql://{GUARDED}:{quote(PASSWORD, safe='')}@127.0.0.1:{postgresql.port}/{name}")
    assert "may not be used so by its user: permission denied for schema public" in message


def test_a_database_of_another_encoding_or_program_is_refused_and_left_alone(postgresql: Server) -> None:
    """One that cannot hold every text, and one with tables of another program; nothing is added to them."""
    latin = postgresql.new_database("ENCODING 'LATIN1' LOCALE_PROVIDER libc TEMPLATE template0")
    assert "found a database in LATIN1, expected UTF8" in refusal(postgresql.url(latin))
    other = ServerPlace(postgresql)
    other.ask("CREATE TABLE users (id int)")
    expected = "is a database, but not a store of clustergate: name another database, or a new one"
    assert refusal(other.location).endswith(expected)
    assert other.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(1,)]


def test_offline_needs_a_store_on_the_server(here: ServerPlace) -> None:
    """An empty database is no store to read from, and nothing is made in it."""
    told = refusal(here.location, readonly=True)
    assert told == f"there is no store at {here.location} to read from"
    assert here.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_reader_may_not_write_even_by_accident(store: SqlStore, here: ServerPlace) -> None:
    """Its transactions are read only for the server too, as on a standby."""
    with closing(SqlStore(here.location, readonly=True)) as reader, reader._store.engine.connect() as connection:
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "on"


def test_a_store_in_a_schema_of_its_own(here: ServerPlace) -> None:
    """search_path chooses it; the tables beside it belong to whom they belong."""
    here.ask("CREATE TABLE users (id int)")
    here.ask("CREATE SCHEMA gate")
    url = f"{here.location}?options=-csearch_path%3Dgate"
    with closing(SqlStore(url)) as store:
        asyncio.run(put(store, "k"))
    assert here.ask("SELECT key FROM gate.answers") == [("k",)]


def test_order_is_that_of_bytes_whatever_the_language_of_the_server(store: SqlStore) -> None:
    """As on SQLite: capitals first, and nothing is passed over."""
    keys = ["B", "Z-1", "Z1", "a", "b", "é"]

    async def write() -> None:
        for key in reversed(keys):
            answer = Answer(text="", finish=Finish.STOP)
            await store.put_answer(
                key, answer, subject="s", attempt=1, behavior=key, draw=Draw(0, "p"), turn=1, user=""
            )

    asyncio.run(write())
    assert [row["key"] for row in store.transcript("s", 1)] == keys


# ---------------------------------------------------------------- time


def test_the_clock_is_that_of_the_server(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is a day ahead reads the same time; it goes on within a transaction."""
    ahead = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: ahead)
    with store._store.engine.connect() as connection:
        first = moment(connection)
        connection.execute(text("SELECT pg_sleep(0.05)"))
        second = moment(connection)
    assert abs(ahead - 86_400 - first) < 60
    assert 0.05 <= second - first < 60


def test_a_claim_made_before_the_clock_was_set_back_ends_all_the_same(place: Place) -> None:
    """It has at most ten minutes from the first who meets it, not an hour and ten minutes."""
    with closing(SqlStore(place.location)) as store:
        asyncio.run(store.claim("k"))
        place.ask("UPDATE claims SET expires = expires + 3600, owner = 'elsewhere/1/x/0'")
        assert asyncio.run(store.claim("k")) is False
        ((expires,),) = place.ask("SELECT expires FROM claims")
        assert expires - time.time() <= store_claims.LEASE
        place.ask("UPDATE claims SET expires = expires - 601")
        assert asyncio.run(store.claim("k")) is True


# ---------------------------------------------------------------- many at once


def run_together(code: str, location: str, number: int) -> list[list[str]]:
    """What so many processes print that begin at the same time."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, location], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(number)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [child.communicate(timeout=120)[0].splitlines() for child in children]
    assert [child.returncode for child in children] == [0] * number
    return told


_RESERVER = """
import asyncio, sys, time
from clustergate.adapters.store import SqlStore
store = SqlStore(sys.argv[1])
async def main():
    async def one():
        begun = time.time()
        wait = await store.reserve("e", 0.05, 5)
        # Sent at the earliest so long after it was asked for.
        print(begun + wait, time.time() + wait)
    for _ in range(5):
        await asyncio.gather(*(one() for _ in range(4)))
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
store.close()
"""


def test_eight_processes_share_one_rate(place: Place) -> None:
    """160 slots of one every 50 ms, 5 at once: 155 intervals from the first to the last, and no second is fuller.

    Each slot lies between two times that are known; were two given out for one place, the last would lie too early.
    """
    SqlStore(place.location).close()
    told = [line.split() for lines in run_together(_RESERVER, place.location, 8) for line in lines]
    earliest = sorted(float(begun) for begun, _ in told)
    latest = sorted(float(sent) for _, sent in told)
    assert len(told) == 160
    for number in range(160):
        # At most 5 + (seconds / 0.05) requests between any two times: the n-th is no earlier than its place.
        for before in range(0, number - 5, 20):
            assert latest[number] - earliest[before] >= (number - before - 5) * 0.05 - 0.001, (before, number)


_OPENER = """
import sys
from clustergate.adapters.store import SqlStore
store = SqlStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    print(store.open_attempt(f"s{number}", {"n": 1}, sys.argv[1], served_as="m", fresh=False).number)
store.close()
"""


def test_an_attempt_that_eight_open_at_once_is_one(here: ServerPlace) -> None:
    """All get number 1, and nobody an error."""
    assert run_together(_OPENER, here.location, 8) == [["1"] * 20] * 8


def test_writes_that_block_each_other_are_both_done(store: SqlStore) -> None:
    """The server breaks a deadlock by failing one of them; that one is written again."""
    both = threading.Barrier(2, timeout=10)
    tries = []

    def crosswise(first: int, second: int) -> None:
        def work(connection: Connection) -> None:
            tries.append(first)
            connection.execute(text(f"SELECT pg_advisory_xact_lock({first})"))
            if len(tries) <= 2:
                both.wait()
            connection.execute(text(f"SELECT pg_advisory_xact_lock({second})"))

        store._writer.wait(work)

    threads = [threading.Thread(target=crosswise, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert len(tries) == 3


# ---------------------------------------------------------------- without PostgreSQL


def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to install, and not the password."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert refusal("postgresql://jo:hunter2@host/db") == (
        "the store postgresql+psycopg://jo:***@host/db needs the Python package psycopg, which cannot be imported here:"
        " pip install 'clustergate[postgresql]'"
    )


def test_owners_of_other_machines_are_never_taken_for_dead() -> None:
    """A process number means something on one machine, and of containers in one alone."""
    place, process, _ = store_claims.new_owner().split("/")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert store_claims.is_dead(f"{place}/{child.pid}/x/0")
    assert not store_claims.is_dead(f"{place}/{process}/x/0")
    assert not store_claims.is_dead(f"{place.rpartition('-')[0]}/{child.pid}/x/0")
    assert not store_claims.is_dead(f"elsewhere/{child.pid}/x/0")
    assert Path(f"/proc/{child.pid}").exists() is False
