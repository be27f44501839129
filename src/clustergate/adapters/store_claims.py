"""Claims: who is asking for an answer at this moment, so that no two runs pay for it."""

from __future__ import annotations

import os
import socket
import time
import uuid
from typing import Final

from sqlalchemy import Connection, delete, select, update

from clustergate.adapters.store_schema import batch_lines, claims, insert_once

LEASE: Final = 600.0
"""Seconds after which a claim may be taken over, should its owner have gone without a word."""


def new_owner() -> str:
    """A name for one store object, which tells other processes of this machine whether its process still lives."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"


def take(connection: Connection, key: str, owner: str) -> bool:
    """True where the claim is ours now; False while another one, or an earlier call of ours, holds it."""
    expires = time.time() + LEASE
    if insert_once(connection, claims, key=key, owner=owner, expires=expires):
        return True
    held = connection.execute(select(claims.c.owner, claims.c.expires).where(claims.c.key == key).with_for_update())
    row = held.first()
    if row is None or (row.expires > time.time() and not is_dead(row.owner)):
        return False
    connection.execute(update(claims).where(claims.c.key == key).values(owner=owner, expires=expires))
    return True


def give_back(connection: Connection, key: str, owner: str) -> None:
    connection.execute(delete(claims).where(claims.c.key == key, claims.c.owner == owner))


def give_all_back(connection: Connection, owner: str) -> None:
    connection.execute(delete(claims).where(claims.c.owner == owner))


def renew(connection: Connection, owner: str) -> None:
    """Whoever waits for a batch is not gone because it takes long."""
    connection.execute(update(claims).where(claims.c.owner == owner).values(expires=time.time() + LEASE))


def settle(connection: Connection, key: str) -> None:
    """The answer is stored: whoever claimed it, nobody need ask, or take it from a batch."""
    connection.execute(delete(claims).where(claims.c.key == key))
    connection.execute(delete(batch_lines).where(batch_lines.c.key == key))


def is_dead(owner: str) -> bool:
    """True only where the owner's process was on this machine and is gone: a killed run holds up none after it."""
    host, _, rest = owner.partition("/")
    process = rest.partition("/")[0]
    if host != socket.gethostname() or not process.isdecimal() or os.name != "posix":
        return False  # on Windows, os.kill with signal 0 would not ask but interrupt
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it lives, and is another user's
        pass
    return False
