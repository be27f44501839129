"""What a failed statement means to a user."""

from __future__ import annotations

import sqlite3
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


def fault(error: SQLAlchemyError | sqlite3.Error | OSError, name: str, busy_timeout: float) -> StoreError:
    """One sentence about a failure of the store that messages call `name`. `busy_timeout` is in seconds."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    known = None if code is None else _SQLITE.get(code & 0xFF)  # the higher bits are detail
    if isinstance(cause, PermissionError):
        known = _READ_ONLY
    if known is None:
        return StoreError(f"the store {name} failed: {' '.join(str(cause).split())}")
    return StoreError(f"the store {name} " + known.format(seconds=busy_timeout))
