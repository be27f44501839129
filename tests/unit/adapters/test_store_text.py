"""Text of a model may hold anything, and comes back as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clustergate.adapters.store import SqlStore
from clustergate.nouns.model import Answer, Draw, Finish, Judgement, JudgeVerdict
from tests.unit.adapters.store_house import KINDS, Place, made

_HARD = st.sampled_from(
    ["\\", "\0", "0", "ud800", "\\0", "\\ud800", "\ud83d", "\ude00", "\U0001f600", "\r\n", "\x1b[2J"]
)
TEXTS = st.lists(_HARD | st.text(st.characters())).map("".join)
"""`st.characters()` draws lone surrogates and every control character too."""

_numbers = count()


@pytest.fixture(scope="module", params=KINDS)
def place(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Place:
    return made(request.param, tmp_path_factory.mktemp("text"), request)


@pytest.fixture(scope="module")
def store(place: Place) -> Iterator[SqlStore]:
    with closing(SqlStore(place.location)) as opened:
        yield opened


@settings(deadline=None)
@given(text=TEXTS, other=TEXTS)
@example(text="\\0 \\ud83d \0\ud83d\ude00", other="\\\\0")
def test_any_text_of_a_model_or_judge_comes_back_unchanged(store: SqlStore, text: str, other: str) -> None:
    """NUL, backslashes, lone and paired surrogates and control characters, in every field that may hold them."""
    name = str(next(_numbers))
    answer = Answer(text=text, finish=Finish.STOP, reasoning=other, served_as=other, fingerprint=text)
    judgement = Judgement(verdict=JudgeVerdict.UNREADABLE, quote=other, coherence=None, requests=3, raw=text)

    async def write() -> None:
        await store.put_answer(
            name, answer, subject=name, attempt=1, behavior="b", draw=Draw(0, "p"), turn=1, user=other
        )
        await store.put_judgement(name, judgement, reply_key=name, behavior="b", judge="j", subject=name, attempt=1)

    asyncio.run(write())
    assert store.answers(name, 1, "b") == {name: answer}
    assert store.judgements(name, 1, "b", "j") == {name: judgement}
    (row,) = store.transcript(name, 1)
    assert (row["user"], row["text"], row["judgements"][0]["raw"]) == (other, text, text)


def test_what_lies_in_the_store_can_be_read_and_taken_by_any_database(store: SqlStore, place: Place) -> None:
    """Ordinary text is stored as it is; NUL and surrogates, which databases refuse, are escaped."""
    text = "Ich möchte\nnicht \0 \ud800 \\ enden 🙂"
    asyncio.run(
        store.put_answer(
            "plain",
            Answer(text=text, finish=Finish.STOP),
            subject="plain",
            attempt=1,
            behavior="b",
            draw=Draw(0, "p"),
            turn=1,
            user="",
        )
    )
    ((stored,),) = place.ask("select text from answers where key = 'plain'")
    assert stored == "Ich möchte\nnicht \\0 \\ud800 \\\\ enden 🙂"
