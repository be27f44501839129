"""The tables of a store. One schema for SQLite and PostgreSQL; only `insert_once` knows which of them it talks to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

SCHEMA_VERSION: Final = 3

_ESCAPED: Final = re.compile(r"\\(\\|0|ud[89a-f][0-9a-f]{2})")


def _unescape(match: re.Match[str]) -> str:
    sign = match[1]
    return "\\" if sign == "\\" else "\0" if sign == "0" else chr(int(sign[1:], 16))


class ModelText(TypeDecorator[str]):
    """Text that a model wrote, which may hold anything.

    PostgreSQL refuses NUL and no database takes lone surrogates: those are written as `\\0` and `\\ud800`, a backslash
    as two; all else stays as it is, readable in any client. (JSON would not do: it joins two surrogates into one sign.)
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.replace("\\", r"\\").replace("\0", r"\0").encode("utf-8", "backslashreplace").decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], str | None]:
        # In place of process_result_value, which takes a call more for each value of a long transcript.
        return _read


def _read(value: str | None) -> str | None:
    return _ESCAPED.sub(_unescape, value) if value is not None and "\\" in value else value


Name: Final = String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
"""Text of ours, ordered by its bytes everywhere: the language of a server changes no report."""

metadata: Final = MetaData()

meta: Final = Table("meta", metadata, Column("name", Name, primary_key=True), Column("value", Name, nullable=False))

runs: Final = Table(
    "runs",
    metadata,
    Column("run_id", Name, primary_key=True),
    Column("claimed_at", Name),  # null where a briefing was put by a run that nobody claimed
    Column("briefing", JSON(none_as_null=True)),
)

attempts: Final = Table(
    "attempts",
    metadata,
    Column("subject", Name, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("run_id", Name, nullable=False),
    Column("description", JSON, nullable=False),
    Column("served_as", ModelText),
    Column("opened", Name, nullable=False),
    Column("note", ModelText),
)

answers: Final = Table(
    "answers",
    metadata,
    Column("key", Name, primary_key=True),
    Column("subject", Name, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("behavior", Name, nullable=False),
    Column("prompt", Name, nullable=False),
    Column("draw", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("user", ModelText, nullable=False),
    Column("text", ModelText, nullable=False),
    Column("finish", Name, nullable=False),
    Column("reasoning", ModelText),
    Column("served_as", ModelText),
    Column("fingerprint", ModelText),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("created", Name, nullable=False),
    Index("answers_of_behavior", "subject", "attempt", "behavior"),
)

judgements: Final = Table(
    "judgements",
    metadata,
    Column("key", Name, primary_key=True),
    Column("reply_key", Name, nullable=False, index=True),  # the transcript looks judgements up by it
    Column("subject", Name, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("behavior", Name, nullable=False),
    Column("judge", Name, nullable=False),
    Column("verdict", Name, nullable=False),
    Column("quote", ModelText, nullable=False),
    Column("coherence", Integer),
    Column("requests", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("raw", ModelText, nullable=False),
    Column("created", Name, nullable=False),
    Index("judgements_of_behavior", "subject", "attempt", "behavior", "judge"),
)

# A person's verdicts; the last one on a reply stands, those before it remain to be read.
overrides: Final = Table(
    "overrides",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("reply_key", Name, nullable=False),
    Column("behavior", Name, nullable=False),
    Column("prompt_hash", Name, nullable=False),  # of what judges of the behavior were told by then
    Column("verdict", Name, nullable=False),
    Column("by", ModelText, nullable=False),
    Column("reason", ModelText, nullable=False),
    Column("created", Name, nullable=False),
    Index("overrides_of_behavior", "behavior", "reply_key"),
)

claims: Final = Table(
    "claims",
    metadata,
    Column("key", Name, primary_key=True),
    Column("owner", Name, nullable=False),
    Column("expires", Float(53), nullable=False),
)

# Batches at a provider, whichever run submitted them.
batches: Final = Table(
    "batches",
    metadata,
    Column("tag", Name, primary_key=True),
    Column("account", Name, nullable=False, index=True),
    Column("batch_id", Name),  # null until the provider has answered: a run that is killed then leaves it so
    Column("size", Integer, nullable=False),
    Column("created", Float(53), nullable=False),
)

# Their requests, as long as nobody has stored what they are for.
batch_lines: Final = Table(
    "batch_lines",
    metadata,
    Column("line", Name, primary_key=True),
    Column("tag", Name, primary_key=True),
    Column("key", Name, nullable=False, index=True),
)

pace: Final = Table(
    "pace",
    metadata,
    Column("row", Name, primary_key=True),
    Column("tat", Float(53), nullable=False),
    Column("blocked_until", Float(53), nullable=False),
    Column("seen", Float(53), nullable=False),
)

# What is known of an account by those who ask there, and what each of them may have in flight.
accounts: Final = Table(
    "accounts",
    metadata,
    Column("account", Name, primary_key=True),
    Column("allowed", Float(53), nullable=False),
    Column("steep", Boolean, nullable=False),
    Column("epoch", Integer, nullable=False),
)

slots: Final = Table(
    "slots",
    metadata,
    Column("account", Name, primary_key=True),
    Column("owner", Name, primary_key=True),
    Column("held", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("seen", Float(53), nullable=False),
)

spending: Final = Table(
    "spending",
    metadata,
    Column("run_id", Name, primary_key=True),
    Column("requests", Integer, nullable=False),
)

money: Final = Table(
    "money",
    metadata,
    Column("run_id", Name, primary_key=True),
    Column("usd", Float(53), nullable=False),
)

_INSERTS: Final[Mapping[str, Callable[[Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
DIALECTS: Final = frozenset(_INSERTS)


@cache
def _insert_once(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return _INSERTS[dialect](table).on_conflict_do_nothing()


def insert_once(connection: Connection, table: Table, **values: Any) -> bool:
    """Insert a row of values, or expressions; where its key is taken nothing is changed and the answer is False."""
    statement = _insert_once(connection.dialect.name, table)
    computed = {name: value for name, value in values.items() if isinstance(value, ColumnElement)}
    if computed:
        statement = statement.values(computed)
    given = {name: value for name, value in values.items() if name not in computed}
    return connection.execute(statement, given, execution_options={"preserve_rowcount": True}).rowcount == 1


def insert_all_once(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """As `insert_once` for rows with the same columns, values alone."""
    connection.execute(_insert_once(connection.dialect.name, table), one_or_many(rows))


def one_or_many(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
    """Parameters of a statement for all rows. For a single one, a driver's way to execute many takes longer."""
    return rows if len(rows) > 1 else rows[0]


def alone(connection: Connection, what: str) -> None:
    """Wait until no other transaction does the same. On SQLite a writing transaction is alone from its beginning."""
    if connection.dialect.name != "sqlite":
        number = int.from_bytes(hashlib.sha256(f"clustergate/{what}".encode()).digest()[:8], signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(number)))


def now_text(moment: float | None = None) -> str:
    """The time, or that of a moment, as it stands in the store: ISO 8601, UTC, milliseconds."""
    told = datetime.now(UTC) if moment is None else datetime.fromtimestamp(moment, UTC)
    return told.isoformat(timespec="milliseconds")
