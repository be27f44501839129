"""What a failed statement means to a user."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from clustergate.nouns.errors import StoreError

_READ_ONLY: Final = "cannot be written: it, or the folder it is in, is read-only"
_FORBIDDEN: Final = "cannot be opened: the permissions of it or of its folder do not allow it"
_LOCKED: Final = "was locked by another program for longer than {seconds:g} s"

_SQLITE: Final = {
    sqlite3.SQLITE_NOTADB: "is not a database: name another file, or a new one",
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _FORBIDDEN,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written: look at the disk, at its quota, and at limits of file sizes",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore a copy, or name a new file",
}

# By PostgreSQL's SQLSTATE.
_SERVER: Final = {
    "25006": "cannot be written: its server is read-only",
    "42501": "may not be used so by its user: {told}",
    "53100": "cannot grow: the disk of its server is full",
    "55P03": _LOCKED,
}
_REFUSED: Final = "FATAL: "
"""Stands in what a server says that answered and let nobody in: a wrong password, no such database."""


def fault(
    error: SQLAlchemyError | sqlite3.Error | OSError, name: str, busy_timeout: float, secrets: Sequence[str] = ()
) -> StoreError:
    """One sentence about a failure of the store that messages call `name`, without its `secrets`.

    `busy_timeout` is in seconds.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    told = " ".join(str(cause).split())
    for secret in secrets:
        told = told.replace(secret, "***")
    known = _known(cause, told)
    if known is None:
        return StoreError(f"the store {name} failed: {told}")
    return StoreError(f"the store {name} " + known.format(seconds=busy_timeout, told=told))


def _known(cause: BaseException | None, told: str) -> str | None:
    if isinstance(cause, PermissionError):
        return _READ_ONLY
    if cause is not None and hasattr(cause, "sqlstate"):
        if cause.sqlstate is not None:
            return _SERVER.get(cause.sqlstate)
        if type(cause).__name__ != "OperationalError":
            return None
        return "was refused by its server: {told}" if _REFUSED in told else "cannot be reached: {told}"
    code = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else _SQLITE.get(code & 0xFF)  # the higher bits are detail
