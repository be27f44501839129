"""Claims: who is asking for an answer at this moment, so that no two runs pay for it."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from clustergate.adapters.store_clock import moment, moment_of
from clustergate.adapters.store_schema import batch_lines, claims, insert_all_once, insert_once, one_or_many

# Made once: to make a statement takes longer than to execute it.
_SETTLE: Final = tuple(delete(table).where(table.c.key == bindparam("settled")) for table in (claims, batch_lines))
_HOLDERS: Final = select(claims.c.key, claims.c.owner).where(claims.c.key.in_(bindparam("wanted", expanding=True)))

LEASE: Final = 600.0
"""Seconds after which a claim may be taken over, should its owner have gone without a word."""


def new_owner() -> str:
    """A name for one store object, which tells other processes of this machine whether its process still lives."""
    return f"{_place()}/{os.getpid()}/{uuid.uuid4().hex}"


def take(connection: Connection, key: str, owner: str, call: int) -> bool:
    """True where the claim is ours now; False while another one, or another call of ours, holds it.

    `call` tells the calls of an owner apart: one whose commit was not confirmed, and that is tried again, has it.
    """
    holder = f"{owner}/{call}"
    if insert_once(connection, claims, key=key, owner=holder, expires=moment_of(connection) + LEASE):
        return True
    mine = claims.c.key == key
    found = connection.execute(select(claims.c.owner, claims.c.expires).where(mine).with_for_update()).first()
    if found is None or found.owner == holder:
        return found is not None
    left = found.expires - moment(connection)
    if left > LEASE:  # the clock was set back since
        connection.execute(update(claims).where(mine).values(expires=moment_of(connection) + LEASE))
    if left > 0 and not is_dead(found.owner):
        return False
    connection.execute(update(claims).where(mine).values(owner=holder, expires=moment_of(connection) + LEASE))
    return True


def take_all(connection: Connection, keys: Sequence[str], owner: str, calls: Sequence[int]) -> list[bool]:
    """As `take`, for many calls at once."""
    if len(keys) == 1:
        return [take(connection, keys[0], owner, calls[0])]
    holders = [f"{owner}/{call}" for call in calls]
    expires = moment(connection) + LEASE
    rows = [{"key": key, "owner": holder, "expires": expires} for key, holder in zip(keys, holders, strict=True)]
    insert_all_once(connection, claims, rows)
    held = {row.key: row.owner for row in connection.execute(_HOLDERS, {"wanted": keys})}
    return [
        held.get(key) == holder or take(connection, key, owner, call)
        for key, holder, call in zip(keys, holders, calls, strict=True)
    ]


def give_back(connection: Connection, key: str, owner: str) -> None:
    connection.execute(delete(claims).where(claims.c.key == key, _of(owner)))


def give_all_back(connection: Connection, owner: str) -> None:
    connection.execute(delete(claims).where(_of(owner)))


def _of(owner: str) -> ColumnElement[bool]:
    return claims.c.owner.startswith(f"{owner}/", autoescape=True)


def renew(connection: Connection, owner: str) -> None:
    """Whoever waits for a batch is not gone because it takes long."""
    connection.execute(update(claims).where(_of(owner)).values(expires=moment_of(connection) + LEASE))


def settle(connection: Connection, keys: Sequence[str]) -> None:
    """The answers are stored: whoever claimed them, nobody need ask, or take them from a batch."""
    for statement in _SETTLE:
        connection.execute(statement, one_or_many([{"settled": key} for key in keys]))


@cache
def _place() -> str:
    """Where process numbers mean the same: a machine from one start to the next, and of containers each by itself."""
    marks = []
    for path in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        with suppress(OSError):
            marks.append(path.read_text("ascii").strip() if path.name == "boot_id" else str(path.stat().st_ino))
    if not marks:  # not Linux
        marks.append(str(uuid.getnode()))
    return f"{socket.gethostname()}-{hashlib.sha256('/'.join(marks).encode()).hexdigest()[:16]}"


def is_dead(owner: str) -> bool:
    """True only where the owner's process was on this machine and is gone: a killed run holds up none after it."""
    place, _, rest = owner.partition("/")
    process = rest.partition("/")[0]
    if place != _place() or not process.isdecimal() or os.name != "posix":
        return False  # on Windows, os.kill with signal 0 would not ask but interrupt
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it lives, and is another user's
        pass
    return False
