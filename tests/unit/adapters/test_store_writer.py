"""Writes of many tasks, threads and processes: together where they wait, apart where one fails, and never lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from clustergate.adapters.store import SqlStore
from clustergate.nouns.errors import StoreError
from clustergate.nouns.model import Answer, Draw, Finish
from tests.unit.adapters.store_house import FilePlace, Place


def put(store: SqlStore, key: str, text: str = "x") -> Coroutine[Any, Any, None]:
    return store.put_answer(
        key,
        Answer(text=text, finish=Finish.STOP),
        subject="s",
        attempt=1,
        behavior="b",
        draw=Draw(0, "p"),
        turn=1,
        user="",
    )


def keys(store: SqlStore) -> set[str]:
    return set(store.answers("s", 1, "b"))


@contextmanager
def on(name: str, listener: Callable[[Connection], None]) -> Iterator[None]:
    """Hear of an event of every engine."""
    event.listen(Engine, name, listener)
    try:
        yield
    finally:
        event.remove(Engine, name, listener)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def file_store(path: Path) -> Iterator[SqlStore]:
    with closing(SqlStore(str(path), busy_timeout=0.2)) as opened:
        yield opened


def test_puts_that_wait_together_are_committed_together(file_store: SqlStore) -> None:
    """200 puts at once take at most 20 commits; one after the other they take one each."""
    commits: list[Connection] = []

    async def together() -> None:
        await asyncio.gather(*(put(file_store, f"k{number}") for number in range(200)))

    with on("commit", commits.append):
        asyncio.run(together())
        assert len(commits) <= 20
        commits.clear()
        for number in range(200, 205):
            asyncio.run(put(file_store, f"k{number}"))
        assert len(commits) == 5
    assert len(keys(file_store)) == 205


def test_puts_that_wait_together_share_their_statements(file_store: SqlStore) -> None:
    """200 puts at once take at most 60 statements; one after the other they take three each."""
    statements: list[object] = []

    async def together() -> None:
        await asyncio.gather(*(put(file_store, f"k{number}") for number in range(200)))

    with on("before_cursor_execute", lambda *told: statements.append(told)):
        asyncio.run(together())
    assert len(statements) <= 60
    assert len(keys(file_store)) == 200


def test_of_claims_that_wait_together_one_has_each_key(store: SqlStore, place: Place) -> None:
    """Three calls want each of 40 keys at once; ten are stored, and all three get the answer; ten are another's."""

    async def together(other: SqlStore) -> list[Answer | bool]:
        await asyncio.gather(*(put(store, f"k{number}") for number in range(10)))
        assert all(await asyncio.gather(*(other.claim(f"k{number}") for number in range(10, 20))))
        return await asyncio.gather(*(store.claim(f"k{number}") for _ in range(3) for number in range(40)))

    with closing(SqlStore(place.location)) as other:
        told = asyncio.run(together(other))
    for number in range(40):
        of_key = told[number::40]
        if number < 10:
            assert [isinstance(one, Answer) for one in of_key] == [True] * 3
        else:
            assert sorted(of_key, key=bool) == [False, False, number >= 20]


def test_a_write_that_outlives_its_event_loop_is_kept_and_holds_up_nobody(path: Path) -> None:
    """The loop is closed while the write waits for a lock: it is written all the same, and so is the next."""

    async def begin(store: SqlStore) -> None:
        waiting = asyncio.ensure_future(put(store, "k1"))
        await asyncio.sleep(0)
        assert not waiting.done()

    with closing(SqlStore(str(path))) as store, closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("begin immediate")
        asyncio.run(begin(store))
        raw.execute("rollback")
        asyncio.run(put(store, "k2"))
        assert keys(store) == {"k1", "k2"}


def test_a_put_returns_only_after_its_commit(store: SqlStore, place: Place) -> None:
    """Another connection sees each answer as soon as its put is over."""

    async def check(number: int) -> None:
        await put(store, f"k{number}")
        assert place.ask("select count(*) from answers where key = ?", f"k{number}") == [(1,)]

    async def together() -> None:
        await asyncio.gather(*(check(number) for number in range(50)))

    asyncio.run(together())


def test_a_locked_store_fails_the_write_that_waits_and_no_later_one(file_store: SqlStore, path: Path) -> None:
    """After busy_timeout the caller gets a StoreError; when the lock is gone, writes work again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("begin immediate")
        with pytest.raises(StoreError, match=r"was locked by another program for longer than 0\.2 s$"):
            asyncio.run(put(file_store, "k1"))
        with pytest.raises(StoreError, match="was locked"):
            file_store.claim_run("r")
        raw.execute("rollback")
    asyncio.run(put(file_store, "k2"))
    assert keys(file_store) == {"k2"}


def test_a_full_disk_fails_what_does_not_fit_and_no_later_write(file_store: SqlStore) -> None:
    """What shared its transaction with the write that failed is stored all the same."""
    room = 100

    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"pragma max_page_count = {room}")

    async def together() -> list[BaseException | None]:
        puts = [put(file_store, f"k{number}", "x" * (1_000_000 if number == 3 else 10)) for number in range(6)]
        return await asyncio.gather(*puts, return_exceptions=True)

    with on("begin", limit):
        results = asyncio.run(together())
        assert [type(result) for result in results if result is not None] == [StoreError]
        assert str(results[3]).endswith("cannot grow: the disk is full")
        assert keys(file_store) == {"k0", "k1", "k2", "k4", "k5"}
        room = 10_000
        asyncio.run(put(file_store, "k3", "x" * 1_000_000))
    assert "k3" in keys(file_store)


def test_a_write_that_is_wrong_in_itself_fails_alone(store: SqlStore) -> None:
    """A mistake of the caller reaches the caller, and the writer goes on."""

    async def together() -> list[BaseException | None]:
        wrong = store.put_answer(
            "bad",
            Answer(text=object(), finish=Finish.STOP),  # type: ignore[arg-type]
            subject="s",
            attempt=1,
            behavior="b",
            draw=Draw(0, "p"),
            turn=1,
            user="",
        )
        puts = [put(store, "k1"), wrong, put(store, "k2")]
        return await asyncio.gather(*puts, return_exceptions=True)

    first, error, last = asyncio.run(together())
    assert (first, last) == (None, None)
    assert isinstance(error, Exception)
    assert keys(store) == {"k1", "k2"}


def test_a_closed_store_takes_no_write_and_may_be_closed_twice(store: SqlStore) -> None:
    """A late write is told so instead of waiting for ever."""
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        asyncio.run(put(store, "k"))


def test_close_finishes_what_is_queued(store: SqlStore, place: Place) -> None:
    """Puts that nobody waits for any more are on disk when close returns."""

    async def leave() -> None:
        tasks = [asyncio.ensure_future(put(store, f"k{number}")) for number in range(300)]
        await asyncio.sleep(0)
        store.close()
        await asyncio.gather(*tasks)

    asyncio.run(leave())
    with closing(SqlStore(place.location, readonly=True)) as reader:
        assert len(keys(reader)) == 300


def test_a_store_serves_one_event_loop_after_another(store: SqlStore) -> None:
    """Nothing in it belongs to a loop."""
    for number in range(3):
        asyncio.run(put(store, f"k{number}"))
    assert len(keys(store)) == 3


_COMMON = """\
import asyncio, os, sys
from clustergate.adapters.store import SqlStore
from clustergate.nouns.model import Answer, Draw, Finish
store = SqlStore(sys.argv[1])
async def put(key):
    answer = Answer(text="x" * 2000, finish=Finish.STOP)
    await store.put_answer(key, answer, subject="s", attempt=1, behavior="b", draw=Draw(0, "p"), turn=1, user="")
"""

_CLAIMER = (
    _COMMON
    + """
async def work(key):
    while (mine := await store.claim(key)) is False:
        await asyncio.sleep(0.005)
    if mine is True:
        await asyncio.sleep(0.002)  # the request
        await put(key)
        print(key)
async def main():
    await asyncio.gather(*(work(f"k{number}") for number in range(500)))
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
store.close()
"""
)

_ENDLESS = (
    _COMMON
    + """
async def work(lane):
    for number in range(1_000_000):
        await store.claim(f"{lane}-{number}")
        await put(f"{lane}-{number}")
        os.write(1, f"{lane}-{number}\\n".encode())
async def main():
    await store.claim("in flight")
    await asyncio.gather(*(work(lane) for lane in range(20)))
asyncio.run(main())
"""
)


def child(code: str, location: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, location], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_two_processes_never_ask_for_the_same_key(place: Place) -> None:
    """Of 500 keys that both want at once, each is claimed by one of them, once."""
    children = [child(_CLAIMER, place.location) for _ in range(2)]
    for each in children:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in children:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [each.communicate(timeout=60)[0].split() for each in children]
    assert [each.returncode for each in children] == [0, 0]
    assert sorted(told[0] + told[1]) == sorted(f"k{number}" for number in range(500))
    with closing(SqlStore(place.location)) as store:
        assert len(keys(store)) == 500


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a word of POSIX")
def test_kill_9_loses_no_answer_whose_put_had_returned(place: Place) -> None:
    """The store opens again, holds all that was reported, and the claims of the dead process hold up nobody."""
    writer = child(_ENDLESS, place.location)
    assert writer.stdout is not None
    reported = [writer.stdout.readline().strip() for _ in range(500)]
    writer.send_signal(signal.SIGKILL)
    rest = writer.communicate(timeout=60)[0]
    reported += rest.split() if rest.endswith("\n") else rest.split()[:-1]
    assert len(reported) >= 500
    with closing(SqlStore(place.location, readonly=True)) as reader:
        assert set(reported) <= keys(reader)
    with closing(SqlStore(place.location)) as store:
        assert set(reported) <= keys(store)
        started = time.monotonic()
        assert asyncio.run(store.claim("in flight")) is True
        assert time.monotonic() - started < 5
    if isinstance(place, FilePlace):
        assert place.ask("pragma integrity_check") == [("ok",)]
