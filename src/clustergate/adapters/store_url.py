"""Where a store is: a path, or the URL of a database, and how messages call it without what is secret in it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from clustergate.adapters.store_schema import DIALECTS
from clustergate.nouns.errors import StoreError

DRIVER: Final = "postgresql+psycopg"
_EXPECTED: Final = f"expected a path or {DRIVER}://USER@HOST/DATABASE"
_PLAIN: Final = frozenset({"postgres", "postgresql"})
"""What other tools write before such a URL. SQLAlchemy would take the second for a driver of its own choice."""


def read_url(location: str) -> URL:
    """The URL of a path or URL. Raises StoreError, whose message repeats nothing that may be a password."""
    if "://" not in location:
        return URL.create("sqlite", database=location)
    try:
        url = make_url(location)
    except (ArgumentError, ValueError):
        raise StoreError(f"the store's URL cannot be read: {_EXPECTED}") from None
    if "@" in (url.host or ""):
        raise StoreError("the store's URL cannot be read: expected %40 for each @ in its user or password") from None
    if url.drivername in _PLAIN:
        url = url.set(drivername=DRIVER)
    backend, _, driver = url.drivername.partition("+")
    if backend not in DIALECTS:
        raise StoreError(f"the store cannot be a {backend} database: expected sqlite or postgresql")
    if backend == "postgresql" and url.drivername != DRIVER:
        raise StoreError(f"the store cannot be reached by the driver {driver}: {_EXPECTED}")
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise StoreError("the store cannot be a database in memory: workers could not share it, and it would be lost")
    return url


def check_url(location: str) -> None:
    """See that a URL could be opened here. Raises StoreError."""
    url = read_url(location)
    if url.drivername == DRIVER and find_spec("psycopg") is None:
        raise no_driver(public_name(url))


def no_driver(name: str) -> StoreError:
    """What to install for the store that messages call `name`."""
    return StoreError(
        f"the store {name} needs the Python package psycopg, which cannot be imported here: "
        "pip install 'clustergate[postgresql]'"
    )


def public(location: str) -> str:
    """A path as it is; a URL with neither password nor query; `***` for one that cannot be read."""
    if "://" not in location:
        return location
    try:
        return public_name(read_url(location))
    except StoreError:
        return "***"


def public_name(url: URL) -> str:
    """A URL without password and query, either of which may be secret."""
    return url.set(query={}).render_as_string(hide_password=True) + ("?***" if url.query else "")


def secrets_of(url: URL) -> list[str]:
    """What must stand in no message: passwords, wherever the URL has them."""
    query = url.normalized_query.items()
    told = [url.password, *(value for name, values in query if "password" in name for value in values)]
    return [secret for secret in told if secret]
