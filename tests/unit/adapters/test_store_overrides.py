"""People's verdicts in the store."""

from __future__ import annotations

from clustergate.adapters.store import SqlStore
from clustergate.adapters.store_schema import SCHEMA_VERSION
from clustergate.nouns.model import JudgeVerdict
from tests.unit.adapters.store_house import Place


def test_the_last_word_stands(store: SqlStore) -> None:
    """One verdict a reply and behavior, the last; those of other replies and behaviors are their own."""
    store.put_override("k1", "wish", "h", JudgeVerdict.ABSENT, "jo", "It quotes.")
    store.put_override("k2", "wish", "h", JudgeVerdict.UNCLEAR, "jo", "Who knows.")
    store.put_override("k1", "hope", "h", JudgeVerdict.EXHIBITS, "al", "It hopes.")
    store.put_override("k1", "wish", "h2", JudgeVerdict.EXHIBITS, "al", "It does\0 wish.")
    told = [(found.reply_key, found.verdict.value, found.by, found.reason) for found in store.overrides("wish")]
    assert told == [("k2", "unclear", "jo", "Who knows."), ("k1", "exhibits", "al", "It does\0 wish.")]
    assert len(store.overrides()) == 3


def test_a_store_of_the_version_before(place: Place) -> None:
    """It can be read as it is, without overrides, and is brought up to date when it is next written to."""
    SqlStore(place.location).close()
    place.ask("DROP TABLE overrides")
    place.ask("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    old = SqlStore(place.location, readonly=True)
    assert old.overrides() == []
    old.close()
    store = SqlStore(place.location)
    store.put_override("k", "wish", "h", JudgeVerdict.ABSENT, "jo", "So.")
    assert len(store.overrides()) == 1
    store.close()
    assert place.ask("SELECT value FROM meta") == [(str(SCHEMA_VERSION),)]
