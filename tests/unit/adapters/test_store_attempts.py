"""Which attempt a run's replies go to."""

from __future__ import annotations

import asyncio

from clustergate.adapters.store import Attempt, SqlStore
from clustergate.nouns.model import Answer, Draw, Finish
from tests.unit.adapters.store_house import Place


def run(
    store: SqlStore, run_id: str, served_as: str | None = None, *, fresh: bool = False, max_age: float | None = None
) -> Attempt:
    return store.open_attempt("s", {"id": "m"}, run_id, served_as=served_as, fresh=fresh, max_age=max_age)


def reply(store: SqlStore, attempt: int, behavior: str = "b") -> None:
    asyncio.run(
        store.put_answer(
            f"k{attempt}{behavior}",
            Answer(text="", finish=Finish.STOP),
            subject="s",
            attempt=attempt,
            behavior=behavior,
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


def test_replies_that_are_too_old_open_a_new_attempt_and_say_so(store: SqlStore, place: Place) -> None:
    """By the oldest of them; younger ones are gone on from, and an attempt without replies has no age."""
    run(store, "r1")
    assert run(store, "r2", max_age=1).number == 1
    reply(store, 1)
    reply(store, 1, "other")
    assert run(store, "r3", max_age=1).number == 1
    place.ask("update answers set created = ? where behavior = ?", "2026-01-01T00:00:00.000+00:00", "other")
    opened = run(store, "r4", max_age=1.5)
    assert opened.number == 2
    assert opened.note == "opened by --max-age 1.5: the stored replies go back to 2026-01-01T00:00:00.000+00:00"
    assert run(store, "r5", max_age=1.5).number == 2


def test_attempts_are_counted_by_behavior(store: SqlStore) -> None:
    """Those before that hold replies of it; not those in which it was not asked, nor of another model."""
    for number, behaviors in enumerate((["b"], ["b", "other"], ["else"], ["other"]), start=1):
        run(store, f"r{number}", fresh=True)
        for behavior in behaviors:
            reply(store, number, behavior)
    assert [store.earlier_attempts("s", "b", number) for number in (1, 2, 3, 4)] == [0, 1, 2, 2]
    assert store.earlier_attempts("s", "other", 4) == 1
    assert store.earlier_attempts("s", "never", 4) == store.earlier_attempts("t", "b", 4) == 0
