"""A store that cannot be opened says why, in one sentence."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clustergate.adapters.store import SqlStore
from clustergate.nouns.errors import StoreError
from clustergate.nouns.model import Answer, Draw, Finish
from tests.unit.adapters.store_house import Place

NOBODY = 65534


def refusal(location: Path | str, *, readonly: bool = False) -> str:
    with pytest.raises(StoreError) as caught:
        SqlStore(str(location), readonly=readonly)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "store.sqlite"
    fill(path)
    return path


def fill(path: Path) -> None:
    with closing(SqlStore(str(path))) as store:
        answer = Answer(text="", finish=Finish.STOP)
        asyncio.run(
            store.put_answer("k", answer, subject="s", attempt=1, behavior="b", draw=Draw(0, "p"), turn=1, user="")
        )


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder outside pytest's own, which only its owner may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder
        folder.chmod(0o777)


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root may write everywhere, so become nobody where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


def test_folders_are_made(tmp_path: Path) -> None:
    """`--store` may name a path whose folders do not exist yet."""
    SqlStore(str(tmp_path / "a" / "b" / "store.sqlite")).close()
    assert (tmp_path / "a" / "b" / "store.sqlite").is_file()


@pytest.mark.parametrize("name", ["with space", "100%.sqlite", "a?b#c.sqlite", "ü.sqlite", "mode=ro&x"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    """Signs that mean something in a URL mean nothing in a path."""
    fill(tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    with closing(SqlStore(str(tmp_path / name), readonly=True)) as store:
        assert list(store.answers("s", 1, "b")) == ["k"]


def test_a_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shells do not expand the tilde of --store=~/x."""
    monkeypatch.setenv("HOME", str(tmp_path))
    SqlStore("~/store.sqlite").close()
    assert (tmp_path / "store.sqlite").is_file()


def test_a_url_names_the_same_store_as_its_path(made: Path) -> None:
    """sqlite:///PATH is the file at PATH."""
    with closing(SqlStore(f"sqlite:///{made}")) as store:
        assert list(store.answers("s", 1, "b")) == ["k"]


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A text file named by mistake survives."""
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n" * 200)
    assert refusal(path) == f"the store {path} is not a database: name another file, or a new one"
    assert refusal(path, readonly=True) == refusal(path)
    assert path.read_text() == "my notes\n" * 200


@pytest.mark.parametrize(
    "table", ["create table users (id)", "create table meta (key, value)", "create table meta (name, value)"]
)
def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path, table: str) -> None:
    """No tables are added to it and its journal is not changed."""
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(table)
    before = path.read_bytes()
    expected = f"{path} is a database, but not a store of clustergate: name another file, or a new one"
    assert refusal(path) == expected
    assert refusal(path, readonly=True) == expected
    assert path.read_bytes() == before


def test_a_directory_is_refused(tmp_path: Path) -> None:
    """The message names a file that would do."""
    expected = f"the store {tmp_path} is a directory: expected a file in it, such as {tmp_path}/store.sqlite"
    assert refusal(tmp_path) == expected
    assert refusal(tmp_path, readonly=True) == expected


def test_a_path_through_a_file_is_refused(made: Path) -> None:
    """A folder cannot be made where a file is."""
    assert refusal(made / "store.sqlite").startswith(f"the store {made}/store.sqlite failed: ")


def test_a_store_of_a_later_version_is_refused_and_both_versions_named(place: Place) -> None:
    """It is neither read nor written."""
    SqlStore(place.location).close()
    place.ask("update meta set value = '7'")
    expected = (
        f"the store {place.location} was written by a later version of clustergate (schema 7; this one reads schema 3):"
        " upgrade clustergate, or name another store"
    )
    assert refusal(place.location) == expected
    assert refusal(place.location, readonly=True) == expected


def test_a_damaged_store_says_so(made: Path) -> None:
    """A file whose first page is whole and whose others are not is reported when it is read."""
    content = bytearray(made.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    made.write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged: restore a copy, or name a new file$"):
        SqlStore(str(made)).answers("s", 1, "b")


@pytest.mark.usefixtures("unprivileged")
def test_a_read_only_file_is_refused(open_folder: Path) -> None:
    """At the start, and not when the first reply has been paid for."""
    path = open_folder / "store.sqlite"
    fill(path)
    path.chmod(0o444)
    assert refusal(path) == f"the store {path} cannot be written: it, or the folder it is in, is read-only"


@pytest.mark.usefixtures("unprivileged")
def test_a_read_only_folder_is_refused_for_an_old_and_a_new_store(open_folder: Path) -> None:
    """SQLite needs files beside the store."""
    folder = open_folder / "inner"
    folder.mkdir()
    fill(folder / "store.sqlite")
    folder.chmod(0o555)
    for name in ("store.sqlite", "new.sqlite", "sub/new.sqlite"):
        path = folder / name
        assert refusal(path).startswith(f"the store {path} cannot be "), name
    folder.chmod(0o755)


@pytest.mark.usefixtures("unprivileged")
def test_offline_reads_a_store_in_a_read_only_folder(open_folder: Path) -> None:
    """A store that came as a CI artifact needs no place to write."""
    folder = open_folder / "inner"
    folder.mkdir()
    fill(folder / "store.sqlite")
    (folder / "store.sqlite").chmod(0o444)
    folder.chmod(0o555)
    with closing(SqlStore(str(folder / "store.sqlite"), readonly=True)) as store:
        assert list(store.answers("s", 1, "b")) == ["k"]
    folder.chmod(0o755)


def test_offline_needs_a_store(tmp_path: Path) -> None:
    """A missing store is an error for a reader and is not made."""
    path = tmp_path / "folder" / "store.sqlite"
    assert refusal(path, readonly=True) == f"there is no store at {path} to read from"
    assert not path.parent.exists()
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    assert "not a store of clustergate" in refusal(empty, readonly=True)


def test_a_reader_sees_what_a_live_writer_put_and_writes_nothing(place: Place) -> None:
    """Offline and a running gate may share a store."""
    with closing(SqlStore(place.location)) as writer, closing(SqlStore(place.location, readonly=True)) as reader:
        writer.open_attempt("s", {}, "r", served_as=None, fresh=False)
        assert reader.latest_attempt("s") == writer.latest_attempt("s")
        for write in (
            lambda: reader.claim_run("r"),
            lambda: reader.put_briefing("r", {}),
            lambda: asyncio.run(reader.claim("k")),
            lambda: asyncio.run(reader.spend("r", 1)),
        ):
            with pytest.raises(StoreError, match="was opened to be read only"):
                write()


def test_locations_that_are_no_store_are_refused() -> None:
    """Each without a word of the URL, which may hold a password."""
    assert "cannot be read" in refusal("postgres ql://jo:geheim@x/y")
    assert refusal("mysql://jo:geheim@host/db") == (
        "the store cannot be a mysql database: expected sqlite or postgresql"
    )
    assert "a nonsense database" in refusal("nonsense://jo:geheim@host/db")
    assert "in memory" in refusal("sqlite://")
    for location in (
        "postgres ql://jo:geheim@x/y",
        "nonsense://jo:geheim@host/db",
        "postgresql+psycopg2://jo:geheim@127.0.0.1:1/db",
    ):
        assert "geheim" not in refusal(location)


def test_eight_processes_may_open_a_new_store_at_once(place: Place) -> None:
    """Tables are made once and none of them fails."""
    code = (
        "import sys\n"
        "from clustergate.adapters.store import SqlStore\n"
        "sys.stdin.readline()\n"
        "store = SqlStore(sys.argv[1]); print(store.claim_run('r')); store.close()\n"
    )
    command = [sys.executable, "-c", code, place.location]
    with_pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, **with_pipes) for _ in range(8)]  # type: ignore[call-overload]
    told = [child.communicate("go\n", timeout=60)[0].strip() for child in children]
    assert sorted(told) == ["False"] * 7 + ["True"]
