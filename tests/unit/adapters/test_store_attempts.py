"""Which attempt a run's replies go to."""

from __future__ import annotations

import asyncio

from clustergate.adapters.store import Attempt, SqlStore
from clustergate.nouns.model import Answer, Draw, Finish


def run(store: SqlStore, run_id: str, served_as: str | None = None, fresh: bool = False) -> Attempt:
    return store.open_attempt("s", {"id": "m"}, run_id, served_as=served_as, fresh=fresh)


def reply(store: SqlStore, attempt: int) -> None:
    asyncio.run(
        store.put_answer(
            f"k{attempt}",
            Answer(text="", finish=Finish.STOP),
            subject="s",
            attempt=attempt,
            behavior="b",
            draw=Draw(0, "p"),
            turn=1,
            user="",
        )
    )


def test_a_new_subject_has_no_attempt_and_opens_number_one(store: SqlStore) -> None:
    """Number 1 is opened without a note, also with --fresh."""
    assert store.latest_attempt("s") is None
    first = run(store, "r1", "m-1", fresh=True)
    assert (first.number, first.served_as, first.note) == (1, "m-1", None)
    assert store.latest_attempt("s") == first
    assert store.latest_attempt("other") is None


def test_a_later_run_continues_the_latest_attempt(store: SqlStore) -> None:
    """The same served model, or an untold one, goes on with what is stored."""
    first = run(store, "r1", "m-1")
    reply(store, 1)
    assert run(store, "r2", "m-1") == first
    assert run(store, "r3", None) == first


def test_a_served_model_that_was_unknown_is_filled_in(store: SqlStore) -> None:
    """It then counts for every later run."""
    run(store, "r1", None)
    reply(store, 1)
    assert run(store, "r2", "m-1").served_as == "m-1"
    assert run(store, "r3", "m-2").number == 2


def test_another_served_model_opens_a_new_attempt_and_says_so(store: SqlStore) -> None:
    """Replies of an alias that moved are not mixed."""
    run(store, "r1", "m-1")
    reply(store, 1)
    moved = run(store, "r2", "m-2")
    assert (moved.number, moved.served_as) == (2, "m-2")
    assert moved.note == "the endpoint now serves m-2, the stored replies are of m-1"
    assert store.latest_attempt("s") == moved


def test_fresh_opens_one_attempt_for_all_workers_of_a_run(store: SqlStore) -> None:
    """A second worker gets what the first opened, even after replies came in or another run opened one."""
    run(store, "r1")
    reply(store, 1)
    second = run(store, "r2", fresh=True)
    assert (second.number, second.note) == (2, "opened by --fresh")
    reply(store, 2)
    assert run(store, "r2", fresh=True) == second
    assert run(store, "r3", fresh=True).number == 3
    assert run(store, "r2", fresh=True) == second


def test_fresh_takes_over_a_latest_attempt_that_holds_no_answer(store: SqlStore) -> None:
    """A run that failed before its first reply leaves no gap in the numbers; its workers still agree."""
    run(store, "r1")
    reply(store, 1)
    run(store, "r2", "m-1", fresh=True)
    assert run(store, "r3", "m-2", fresh=True).number == 2
    reply(store, 2)
    again = run(store, "r3", "m-2", fresh=True)
    assert (again.number, again.served_as) == (2, "m-2")


def test_a_moved_alias_takes_over_an_attempt_without_answers(store: SqlStore) -> None:
    """There are no replies to part from, so no new attempt and no note of one."""
    run(store, "r1", "m-1")
    moved = run(store, "r2", "m-2")
    assert (moved.number, moved.served_as, moved.note) == (1, "m-2", None)
