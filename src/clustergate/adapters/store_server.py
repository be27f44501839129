"""A store on a server: how its engine is made, and what is done while the server is away."""

from __future__ import annotations

import time
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from clustergate.adapters.store_url import no_driver

LANES: Final = 8
"""Writes at once in one process. Each is a transaction of its own: a few trips to a server that may be far."""

_CONNECTING: Final = {
    "application_name": "clustergate",
    "connect_timeout": 10,
    # A network that swallows everything is found out within a minute.
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_LONGEST_PAUSE: Final = 60
"""Seconds after which the server ends a transaction in which nothing happens: its process stands still."""

_PASSES: Final = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "53300",  # too_many_connections
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
    }
)


class Outage:
    """How long a server has been away, for all threads that talk to it. `patience` is in seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._since: float | None = None

    def end(self) -> None:
        """A transaction came through."""
        self._since = None

    def wait(self, tries: int) -> bool:
        """Wait a little, longer after more tries; False at once where it has lasted too long."""
        now = time.monotonic()
        since = self._since = self._since or now
        if now - since > self._patience:
            return False
        time.sleep(min(0.05 * 2**tries, 1.0))
        return True


def may_pass(error: Exception) -> bool:
    """True where nothing is wrong with a statement that failed on a server, and it may be sent again."""
    if not isinstance(error, DBAPIError) or error.orig is None or not hasattr(error.orig, "sqlstate"):
        return False
    state = error.orig.sqlstate
    if state is None:  # the server said nothing: no connection could be made
        return error.connection_invalidated or isinstance(error, OperationalError)
    return error.connection_invalidated or state in _PASSES or state.startswith("08")


def server_engine(url: URL, name: str, *, readonly: bool, lock_timeout: float) -> Engine:
    """An engine on a server, not connected yet; nobody waits longer than `lock_timeout` seconds for a lock.

    Raises StoreError where the driver is not installed.
    """
    told = {key: value for key, value in _CONNECTING.items() if key not in url.query}
    try:
        engine = create_engine(
            url,
            # Every read-modify-write takes its row's lock, and each statement sees what was committed by then.
            isolation_level="READ COMMITTED",
            execution_options={"postgresql_readonly": readonly},
            # Connection poolers in front of a server may hand each transaction to another connection.
            connect_args=told | {"prepare_threshold": None},
            pool_size=LANES + 2,
            max_overflow=2,
            pool_use_lifo=True,
        )
    except ImportError:
        raise no_driver(name) from None

    @event.listens_for(engine, "connect")
    def settle(connection: Any, record: object) -> None:
        connection.autocommit = True
        connection.execute(
            f"SET lock_timeout = {round(1000 * lock_timeout)};"
            f" SET idle_in_transaction_session_timeout = {1000 * _LONGEST_PAUSE}"
        )
        connection.autocommit = False

    return engine
