"""Anthropic Messages through the official SDK, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from aiohttp import web

from clustergate.nouns.errors import EndpointRejected, RequestRefused, TransientFault
from clustergate.nouns.model import Finish, Message
from tests.unit.adapters.scripted_provider import KEY, Talk, a_request, anthropic_reply, refuse

Talker = Callable[..., Talk]
SCHEMA = {"title": "judgement", "type": "object", "properties": {"verdict": {"type": "string"}}}


def text(said: str) -> dict:
    return {"type": "text", "text": said}


def said(*blocks: dict, stop: str = "end_turn") -> web.Response:
    return web.json_response(anthropic_reply(*blocks, stop=stop))


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_base_url(talk: Talker, path: str) -> None:
    """The address works with and without the /v1 that the SDK adds itself."""
    assert talk("anthropic", said(), path=path).paths == ["/v1/messages"]


def test_request_and_answer(talk: Talker) -> None:
    """System messages go to `system`, the rest stays, and every field of the answer is read."""
    messages = (
        Message("system", "Be brief."),
        Message("user", "Hello?"),
        Message("assistant", "Yes?"),
        Message("user", "Hm."),
    )
    seen = talk(
        "anthropic", said(), [a_request(messages=messages)], extra_body={"top_k": 3}, headers={"X-Team": "release"}
    )
    assert seen.bodies == [
        {
            "model": "model-x",
            "system": "Be brief.",
            "messages": [message.as_dict() for message in messages[1:]],
            "temperature": 0.7,
            "max_tokens": 50,
            "top_k": 3,
        }
    ]
    assert KEY in seen.headers[0]["Authorization"]
    assert seen.headers[0]["X-Team"] == "release"
    answer = seen.answer
    assert (answer.text, answer.finish, answer.reasoning) == ("Fine.", Finish.STOP, None)
    assert (answer.served_as, answer.fingerprint) == ("model-x-2025", None)
    assert (answer.input_tokens, answer.output_tokens) == (4 + 5 + 2, 7)


@pytest.mark.parametrize(
    ("reply", "expected", "finish", "reasoning"),
    [
        (anthropic_reply(text("a"), text("b")), "ab", Finish.STOP, None),
        ({**anthropic_reply(), "content": []}, "", Finish.STOP, None),
        (anthropic_reply(text("")), "", Finish.STOP, None),
        (anthropic_reply(text("cut of"), stop="max_tokens"), "cut of", Finish.LENGTH, None),
        (anthropic_reply(text("I won't."), stop="refusal"), "I won't.", Finish.REFUSED, None),
        (
            anthropic_reply({"type": "thinking", "thinking": "Hm.", "signature": "x"}, text("Yes.")),
            "Yes.",
            Finish.STOP,
            "Hm.",
        ),
        (anthropic_reply({"type": "redacted_thinking", "data": "x"}, text("Yes.")), "Yes.", Finish.STOP, None),
    ],
)
def test_ways_to_answer(talk: Talker, reply: dict, expected: str, finish: Finish, reasoning: str | None) -> None:
    """Text, finish and reasoning are told apart by the blocks and the stop reason."""
    answer = talk("anthropic", web.json_response(reply)).answer
    assert (answer.text, answer.finish, answer.reasoning) == (expected, finish, reasoning)


def test_schema_is_a_forced_tool(talk: Talker) -> None:
    """A schema is the input of a forced tool, and what the tool is given is the answer's text."""
    given = {"verdict": "absent", "quote": "é"}
    block = {"type": "tool_use", "id": "t", "name": "judgement", "input": given}
    seen = talk("anthropic", said(text("Sure."), block, stop="tool_use"), [a_request(schema=SCHEMA)])
    (tool,) = seen.bodies[0]["tools"]
    assert (tool["name"], tool["input_schema"]) == ("judgement", SCHEMA)
    assert seen.bodies[0]["tool_choice"] == {"type": "tool", "name": "judgement"}
    assert json.loads(seen.answer.text) == given
    assert seen.answer.finish is Finish.STOP


def test_prose_in_place_of_the_tool(talk: Talker) -> None:
    """A model that answers a forced tool in prose has answered in prose."""
    assert talk("anthropic", said(text("absent")), [a_request(schema=SCHEMA)]).answer.text == "absent"


@pytest.mark.parametrize(
    ("message", "dropped", "gone"),
    [
        ("temperature: Extra inputs are not permitted", "temperature (the endpoint refused it)", {"temperature"}),
        ("`temperature` is deprecated for this model.", "temperature (the endpoint refused it)", {"temperature"}),
        (
            "`temperature` may only be set to 1 when thinking is enabled.",
            "temperature (the endpoint refused it)",
            {"temperature"},
        ),
        (
            "Thinking may not be enabled when tool_choice forces tool use.",
            "tools (the endpoint refused it)",
            {"tools", "tool_choice"},
        ),
    ],
)
def test_lesson(talk: Talker, message: str, dropped: str, gone: set[str]) -> None:
    """What the endpoint refuses is dropped once and for all."""
    requests = [a_request(schema=SCHEMA), a_request(schema=SCHEMA)]
    seen = talk("anthropic", [refuse("anthropic", message), said()], requests)
    assert seen.answer.text == "Fine."
    assert seen.dropped == (dropped,)
    assert [set(body) for body in seen.bodies] == [set(seen.bodies[0]), *[set(seen.bodies[0]) - gone] * 2]


def test_temperature_out_of_range(talk: Talker) -> None:
    """A temperature above 1 is the user's to mend: it is not dropped silently."""
    seen = talk("anthropic", refuse("anthropic", "temperature: range: 0..1"))
    assert isinstance(seen.error, RequestRefused)
    assert seen.dropped == ()


def test_filtered(talk: Talker) -> None:
    """An output that the provider's filter blocked is an answer, filtered, and no error."""
    seen = talk("anthropic", refuse("anthropic", "Output blocked by content filtering policy"))
    assert seen.answer.finish is Finish.FILTERED


def test_no_credit(talk: Talker) -> None:
    """The 400 for an empty account stops the run."""
    seen = talk("anthropic", refuse("anthropic", "Your credit balance is too low to access the Anthropic API."))
    assert isinstance(seen.error, EndpointRejected)


def test_nothing_from_the_environment(talk: Talker, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, token, profile or address that lies in the environment is used."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE"):
        monkeypatch.setenv(name, "found-in-the-environment")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    assert "found-in-the-environment" not in str(talk("anthropic", said()).headers)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("tool_use", Finish.STOP),
        (None, Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("refusal", Finish.REFUSED),
    ],
)
def test_known_endings(talk: Talker, reason: str, finish: Finish) -> None:
    """Each reason that is known to be an ending is read as it is meant."""
    assert talk("anthropic", said(text("Well."), stop=reason)).answer.finish is finish


@pytest.mark.parametrize("reason", ["pause_turn", "", "overloaded"])
def test_unknown_endings(talk: Talker, reason: str) -> None:
    """A turn that was paused, or ended for a reason that nobody knows, is a fault that names the reason."""
    error = talk("anthropic", said(text("No, I"), stop=reason)).error
    assert isinstance(error, TransientFault)
    assert repr(reason) in str(error)
