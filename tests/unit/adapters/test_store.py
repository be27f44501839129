"""What a store keeps, and for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clustergate.adapters.store import SqlStore
from clustergate.nouns.model import Answer, Draw, Finish, Judgement, JudgeVerdict
from clustergate.nouns.protocols import Store
from tests.unit.adapters.store_house import FilePlace, Place

YES = Answer(
    text="Yes.",
    finish=Finish.STOP,
    reasoning="hm",
    served_as="m-1",
    fingerprint="fp",
    input_tokens=3,
    output_tokens=2,
)
NO = Answer(text="No.", finish=Finish.REFUSED)
FOUND = Judgement(
    verdict=JudgeVerdict.EXHIBITS,
    quote="Yes.",
    coherence=90,
    requests=2,
    input_tokens=5,
    output_tokens=4,
    raw="{}",
)
FIRST = Draw(0, "p")


def put(
    store: Store, key: str, answer: Answer = YES, draw: Draw = FIRST, turn: int = 1, behavior: str = "b"
) -> Coroutine[Any, Any, None]:
    return store.put_answer(key, answer, subject="s", attempt=1, behavior=behavior, draw=draw, turn=turn, user="Well?")


def judge(store: Store, key: str, reply_key: str, behavior: str = "b", by: str = "j") -> Coroutine[Any, Any, None]:
    return store.put_judgement(key, FOUND, reply_key=reply_key, behavior=behavior, judge=by, subject="s", attempt=1)


def test_answers_and_judgements_come_back_equal_to_what_was_put(store: SqlStore) -> None:
    """Every field of an answer and of a judgement survives, null fields too."""

    async def write() -> None:
        await asyncio.gather(put(store, "k1"), put(store, "k2", NO), judge(store, "g1", "k1"))

    asyncio.run(write())
    assert store.answers("s", 1, "b") == {"k1": YES, "k2": NO}
    assert store.judgements("s", 1, "b", "j") == {"g1": FOUND}


def test_reading_is_by_subject_attempt_behavior_and_judge(store: SqlStore) -> None:
    """Nothing of another subject, attempt, behavior or judge is mixed in."""
    asyncio.run(put(store, "k1"))
    asyncio.run(judge(store, "g1", "k1"))
    assert not store.answers("other", 1, "b")
    assert not store.answers("s", 2, "b")
    assert not store.answers("s", 1, "other")
    assert not store.judgements("s", 1, "b", "other")


def test_the_first_write_of_a_key_stands(store: SqlStore) -> None:
    """A later answer under the same key changes nothing and is no error."""
    asyncio.run(put(store, "k", YES))
    asyncio.run(put(store, "k", NO))
    assert store.answers("s", 1, "b") == {"k": YES}


def test_a_closed_store_opens_again_with_everything_in_it(store: SqlStore, place: Place) -> None:
    """What was put is on disk."""
    asyncio.run(put(store, "k"))
    store.close()
    with closing(SqlStore(place.location)) as again:
        assert again.answers("s", 1, "b") == {"k": YES}


def test_a_claim_is_given_once_until_it_is_released(store: SqlStore, place: Place) -> None:
    """Neither the same store object nor another one gets a claim that is live."""
    with closing(SqlStore(place.location)) as other:
        assert asyncio.run(store.claim("k")) is True
        assert asyncio.run(store.claim("k")) is False
        assert asyncio.run(other.claim("k")) is False
        asyncio.run(other.release("k"))
        assert asyncio.run(other.claim("k")) is False, "only its owner gives a claim back"
        asyncio.run(store.release("k"))
        assert asyncio.run(other.claim("k")) is True


def test_claiming_a_stored_answer_gives_the_answer(store: SqlStore) -> None:
    """The answer comes instead of a claim, also where the claim was held by somebody."""
    assert asyncio.run(store.claim("k")) is True
    asyncio.run(put(store, "k"))
    assert asyncio.run(store.claim("k")) == YES


def test_putting_an_answer_or_claiming_a_stored_one_leaves_no_claim(store: SqlStore, place: Place) -> None:
    """The table of claims holds open requests only."""
    asyncio.run(store.claim("k"))
    asyncio.run(put(store, "k"))
    asyncio.run(store.claim("k"))
    assert place.ask("select count(*) from claims") == [(0,)]


def test_an_expired_claim_is_taken_over(store: SqlStore, place: Place) -> None:
    """A claim lasts ten minutes; afterwards the next one gets it."""
    asyncio.run(store.claim("k"))
    place.ask("update claims set expires = expires - 599, owner = 'elsewhere/1/x/0'")
    assert asyncio.run(store.claim("k")) is False
    place.ask("update claims set expires = expires - 2")
    assert asyncio.run(store.claim("k")) is True
    assert asyncio.run(store.claim("k")) is False


def test_closing_a_store_gives_its_claims_back(store: SqlStore, place: Place) -> None:
    """A run that ends early holds up none after it."""
    asyncio.run(store.claim("k"))
    store.close()
    with closing(SqlStore(place.location)) as other:
        assert asyncio.run(other.claim("k")) is True


def test_a_claim_whose_caller_was_canceled_is_free_again(store: SqlStore) -> None:
    """Who gives up waiting for a claim does not hold it."""

    async def give_up() -> bool:
        task = asyncio.ensure_future(store.claim("k"))
        await asyncio.sleep(0)  # until it is queued
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return any([await store.claim("k") for _ in range(100)])

    assert asyncio.run(give_up())


def test_a_put_whose_caller_was_canceled_is_still_stored(store: SqlStore) -> None:
    """A reply that was paid for is kept, even if nobody waits for it any more."""

    async def give_up() -> None:
        task = asyncio.ensure_future(put(store, "k"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(give_up())
    store.close()
    assert store.answers("s", 1, "b") == {"k": YES}


def test_a_run_is_claimed_once_and_its_briefing_read_by_all(store: SqlStore) -> None:
    """The first caller gets the run; the last briefing stands; a run without one has None."""
    assert store.briefing("r") is None
    assert store.claim_run("r") is True
    assert store.claim_run("r") is False
    assert store.briefing("r") is None
    store.put_briefing("r", {"served_as": "m-1"})
    store.put_briefing("r", {"served_as": "m-2", "dropped": []})
    assert store.briefing("r") == {"served_as": "m-2", "dropped": []}


def test_a_briefing_put_before_the_claim_does_not_use_the_claim_up(store: SqlStore) -> None:
    """Claiming and briefing do not depend on their order."""
    store.put_briefing("r", {"a": 1})
    assert store.claim_run("r") is True
    assert store.claim_run("r") is False
    assert store.briefing("r") == {"a": 1}


def test_descriptions_list_every_subject(store: SqlStore) -> None:
    """Each with its key, its latest description, how many attempts and how many answers."""
    assert store.descriptions() == []
    store.open_attempt("t", {"system_prompt": "\0\ud800"}, "r1", served_as=None, fresh=False)
    store.open_attempt("s", {"n": 1}, "r1", served_as=None, fresh=False)
    asyncio.run(put(store, "k"))
    store.open_attempt("s", {"n": 2}, "r2", served_as=None, fresh=True)
    assert store.descriptions() == [
        {"subject": "s", "description": {"n": 2}, "attempts": 2, "answers": 1},
        {"subject": "t", "description": {"system_prompt": "\0\ud800"}, "attempts": 1, "answers": 0},
    ]


def test_the_transcript_holds_every_answer_with_its_judgements_in_order(store: SqlStore) -> None:
    """Order: behavior, prompt, draw, turn. Judgements of another behavior or judge on the same reply are there."""

    async def write() -> None:
        await put(store, "k5", draw=Draw(0, "q"))
        await put(store, "k4", draw=Draw(10, "p"))
        await put(store, "k3", draw=Draw(2, "p"), turn=2)
        await put(store, "k2", draw=Draw(2, "p"), turn=1)
        await put(store, "k1", NO, draw=Draw(9, "z"), behavior="a")
        await judge(store, "g2", "k3", behavior="b", by="j2")
        await judge(store, "g1", "k3", behavior="b", by="j1")
        await judge(store, "g3", "k3", behavior="c")

    asyncio.run(write())
    rows = list(store.transcript("s", 1))
    assert [row["key"] for row in rows] == ["k1", "k2", "k3", "k4", "k5"]
    assert [len(row["judgements"]) for row in rows] == [0, 0, 3, 0, 0]
    assert [(each["behavior"], each["judge"]) for each in rows[2]["judgements"]] == [
        ("b", "j1"),
        ("b", "j2"),
        ("c", "j"),
    ]
    first = rows[0]
    assert (first["behavior"], first["prompt"], first["draw"], first["turn"]) == ("a", "z", 9, 1)
    assert (first["user"], first["text"], first["finish"], first["served_as"]) == ("Well?", "No.", "refused", None)
    assert (rows[2]["judgements"][0]["verdict"], rows[2]["judgements"][0]["quote"]) == ("exhibits", "Yes.")
    assert list(store.transcript("s", 2)) == []


def test_the_tables_are_those_of_the_schema(store: SqlStore, place: Place) -> None:
    """Version 3 is written into a new store."""
    assert place.ask("select value from meta where name = 'schema_version'") == [("3",)]


def test_a_new_file_uses_write_ahead_logging(tmp_path: Path) -> None:
    """Readers and the writer do not hold each other up."""
    place = FilePlace(tmp_path / "store.sqlite")
    SqlStore(place.location).close()
    assert place.ask("pragma journal_mode") == [("wal",)]
