"""Batches that are under way at a provider: what was asked in which of them, so that no later run asks it again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from clustergate.adapters import store_claims
from clustergate.adapters.store_clock import moment
from clustergate.adapters.store_schema import batch_lines, batches, insert_once
from clustergate.adapters.store_writer import Writer

_KEPT: Final = 29 * 86400.0
"""Seconds after which no provider has the results of a batch any more."""


@dataclass(frozen=True, kw_only=True)
class Noted:
    """A batch as it stands in the store. `id` is the provider's, None where it is not known whether it got there.

    `lines` are those of its requests whose answers nobody has stored, `size` how many there were; `created` is in
    seconds since the epoch.
    """

    tag: str
    id: str | None
    size: int
    created: float
    lines: frozenset[str]


class BatchNotes:
    """The batches of a store. `account` is a provider, a URL, a key's variable and a model, in one word."""

    def __init__(self, writer: Writer, reading: Callable[[], AbstractContextManager[Connection]], owner: str) -> None:
        self._writer = writer
        self._reading = reading
        self._owner = owner

    async def note(self, tag: str, account: str, lines: Mapping[str, str]) -> None:
        """Keep what is about to be submitted: for each line the key that it is for. Durable when it returns."""

        def work(connection: Connection) -> None:
            now = moment(connection)
            forgotten = select(batches.c.tag).where(batches.c.created < now - _KEPT)
            connection.execute(delete(batch_lines).where(batch_lines.c.tag.in_(forgotten)))
            # A transaction whose end was not confirmed is tried again.
            if insert_once(connection, batches, tag=tag, account=account, size=len(lines), created=now):
                connection.execute(
                    insert(batch_lines), [{"line": line, "tag": tag, "key": key} for line, key in lines.items()]
                )

        await self._writer.write(work)

    async def name(self, tag: str, batch_id: str) -> None:
        """The provider has it, and calls it so."""
        await self._writer.write(
            lambda connection: connection.execute(update(batches).where(batches.c.tag == tag).values(batch_id=batch_id))
        )

    async def drop(self, tag: str, lines: Collection[str] | None = None) -> None:
        """These lines, or all, brought no answer: they may be asked again."""

        def work(connection: Connection) -> None:
            mine = delete(batch_lines).where(batch_lines.c.tag == tag)
            if lines is None:
                connection.execute(mine)
            elif lines:
                one = mine.where(batch_lines.c.line == bindparam("one"))
                connection.execute(one, [{"one": line} for line in lines])

        await self._writer.write(work)

    async def renew_claims(self) -> None:
        """What this process has claimed stays claimed."""
        await self._writer.write(lambda connection: store_claims.renew(connection, self._owner))

    def holding(self, account: str, lines: Collection[str]) -> list[Noted]:
        """The batches that hold any of these lines."""
        with self._reading() as connection:
            return list(_read(connection, account, set(lines)))

    def ids(self, account: str) -> set[str]:
        """What the provider calls the batches of an account, those among them that are over."""
        with self._reading() as connection:
            known = select(batches.c.batch_id).where(batches.c.account == account, batches.c.batch_id.is_not(None))
            return {batch_id for batch_id in connection.execute(known).scalars() if batch_id}

    def open_lines(self, account: str) -> set[str]:
        """All lines whose answers may be waiting at the provider."""
        with self._reading() as connection:
            young = (batches.c.account == account) & (batches.c.created > moment(connection) - _KEPT)
            lines = select(batch_lines.c.line).join(batches, batches.c.tag == batch_lines.c.tag).where(young)
            return set(connection.execute(lines).scalars())


def _read(connection: Connection, account: str, wanted: set[str]) -> Iterator[Noted]:
    columns = batches.c.tag, batches.c.batch_id, batches.c.size, batches.c.created
    held = exists().where(batch_lines.c.tag == batches.c.tag)
    for tag, batch_id, size, created in connection.execute(select(*columns).where(batches.c.account == account, held)):
        lines = frozenset(connection.execute(select(batch_lines.c.line).where(batch_lines.c.tag == tag)).scalars())
        if lines & wanted:
            yield Noted(tag=tag, id=batch_id, size=size, created=created, lines=lines)
