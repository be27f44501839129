"""Keys change with each thing that makes another reply or judgement, and with nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest

from clustergate.effects.keys import answer_key, answer_keys, judge_identity, judgement_key, subject_key
from clustergate.nouns.model import Draw, Message, Subject
from tests.unit.effects.effects_house import MODEL, SUBJECT

_MESSAGES = (Message("user", "Hi."),)


def _subject(**changes: Any) -> Subject:
    """The subject with changes to it or to its model."""
    fields = {field.name for field in dataclasses.fields(Subject)}
    model = dataclasses.replace(MODEL, **{key: value for key, value in changes.items() if key not in fields})
    rest = {key: value for key, value in changes.items() if key in fields}
    return dataclasses.replace(SUBJECT, model=model, **rest)


def _key(subject: Subject = SUBJECT, **changes: Any) -> str:
    given: dict[str, Any] = {
        "attempt": 1,
        "owner": "wish",
        "draw": Draw(0, "one"),
        "messages": _MESSAGES,
        "max_tokens": 500,
    }
    return answer_key(subject, **(given | changes))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "m-2"},
        {"base_url": "http://y/v1"},
        {"provider": "anthropic"},
        {"identity": "replicas"},
        {"extra_body": {"reasoning_effort": "low"}},
        {"system_prompt": "Be kind."},
        {"temperature": 0.5},
        {"temperature": None},
    ],
)
def test_another_subject(change: dict[str, Any]) -> None:
    """Model, URL, extra parameters, system prompt and temperature make another subject, and other replies."""
    assert subject_key(_subject(**change)) != subject_key(SUBJECT)
    assert _key(_subject(**change)) != _key()


def test_another_room() -> None:
    """A subject with another room is another one; an answer's key holds the room that it was given."""
    other = dataclasses.replace(SUBJECT, max_tokens=501)
    assert subject_key(other) != subject_key(SUBJECT)
    assert _key(other, max_tokens=501) != _key()


@pytest.mark.parametrize(
    "change",
    [
        {"timeout": 5.0},
        {"headers": {"X-Team": "release"}},
        {"name": "another-name"},
        {"api_key_env": "OTHER"},
        {"key_optional": True},
        {"usd_per_million": (1.0, 2.0)},
        {"simulated": True},
    ],
)
def test_the_same_subject(change: dict[str, Any]) -> None:
    """Headers, time-outs, prices, the key's variable and the name that we call it by change no reply."""
    assert subject_key(_subject(**change)) == subject_key(SUBJECT)
    assert _key(_subject(**change)) == _key()
    assert judge_identity(dataclasses.replace(MODEL, **change), 0.0, 1000) == judge_identity(MODEL, 0.0, 1000)


def test_replicas_with_one_identity() -> None:
    """Replicas at several URLs with one declared identity are one model."""
    one, other = (_subject(identity="i", base_url=url, id=url) for url in ("http://a", "http://b"))
    assert subject_key(one) == subject_key(other)


@pytest.mark.parametrize(
    "change",
    [
        {"attempt": 2},
        {"owner": "hope"},
        {"draw": Draw(1, "one")},
        {"draw": Draw(0, "two")},
        {"messages": (Message("system", "Be kind."), *_MESSAGES)},
        {"messages": (Message("user", "Hi!"),)},
        {"messages": (*_MESSAGES, Message("assistant", "Hi."), Message("user", "Go on."))},
        {"max_tokens": 501},
    ],
)
def test_another_answer(change: dict[str, Any]) -> None:
    """Attempt, prompt, draw, every message before it and the room make another answer."""
    assert _key(**change) != _key()


def test_answers_before_are_part_of_the_key() -> None:
    """A conversation that went differently before is another conversation."""
    turns = [(*_MESSAGES, Message("assistant", said), Message("user", "Go on.")) for said in ("Yes.", "No.")]
    assert _key(messages=turns[0]) != _key(messages=turns[1])


@pytest.mark.parametrize(
    ("change", "temperature"),
    [({"id": "m-2"}, 0.0), ({"base_url": None}, 0.0), ({"extra_body": {"seed": 1}}, 0.0), ({}, 0.1), ({}, None)],
)
def test_another_judge(change: dict[str, Any], temperature: float | None) -> None:
    """Another model, URL, parameter or temperature is another judge."""
    assert judge_identity(dataclasses.replace(MODEL, **change), temperature, 1000) != judge_identity(MODEL, 0.0, 1000)


def test_judgement_keys() -> None:
    """Reply, turn, judge and judge prompt each make another judgement."""
    keys = {judgement_key(*parts) for parts in (("r", 1, "j", "p"), ("s", 1, "j", "p"), ("r", 2, "j", "p"))}
    keys |= {judgement_key(*parts) for parts in (("r", 1, "k", "p"), ("r", 1, "j", "q"), ("r", 1, "j", "p"))}
    assert len(keys) == 5


def test_room_for_its_answer_is_part_of_a_judge() -> None:
    """A judge that was cut off is asked again when it gets more room: what it could not say is not stored for good."""
    assert judge_identity(MODEL, 0.0, 1000) != judge_identity(MODEL, 0.0, 4000)


def _canonical(data: Any) -> str:
    """sha256 of JSON with sorted names, as stores have it."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize("text", ["Hi.", '"draw":null', "é\U0001f600\n"])
def test_keys_are_digests_of_all_that_they_cover(text: str) -> None:
    """Keys stay what they were in every store: a change here would have all replies paid for again."""
    subject = _subject(extra_body={"draw": None, "seed": 3})
    told = {"schema": 1, **subject.as_dict(), "max_tokens": 500, "messages": [{"role": "user", "content": text}]}
    keys = answer_keys(subject, 2, "wish", "one", [Message("user", text)], 500)
    for index in (0, 12):
        expected = _canonical({**told, "prompt": "wish/one", "draw": index, "attempt": 2})
        assert keys(index) == expected == _key(
            subject, attempt=2, draw=Draw(index, "one"), messages=[Message("user", text)]
        )  # fmt: skip
    a, b, c = (f"{number:064x}" for number in (1, 2, 3))
    assert judgement_key(a, 2, b, c) == _canonical({"reply": a, "turn": 2, "judge": b, "prompt": c})
