"""The clock that all processes of a store share: the database's own on a server, the machine's on SQLite."""

from __future__ import annotations

import time
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Double, cast, extract, func, select

# The time of the statement: that of the transaction, now(), would stand still while a lock is waited for.
_OF_SERVER: Final = cast(extract("epoch", func.clock_timestamp()), Double)
_ASK: Final = select(_OF_SERVER)


def moment(connection: Connection) -> float:
    """Now, in seconds since the epoch. Take a row's lock before asking: waiting for it takes time."""
    if connection.dialect.name == "sqlite":
        return time.time()
    told: float = connection.execute(_ASK).scalar_one()
    return told


def moment_of(connection: Connection) -> float | ColumnElement[Any]:
    """The same, or an expression for it, for a statement that needs the time anyway."""
    return time.time() if connection.dialect.name == "sqlite" else _OF_SERVER
