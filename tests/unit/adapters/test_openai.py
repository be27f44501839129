"""OpenAI Chat Completions through the official SDK, over real HTTP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from aiohttp import web

from clustergate.adapters.endpoints import open_endpoint
from clustergate.nouns.errors import EndpointRejected, RequestRefused, TransientFault, UsageProblems
from clustergate.nouns.model import Finish
from tests.unit.adapters.scripted_provider import KEY, Talk, a_model, a_request, openai_reply, refuse

Talker = Callable[..., Talk]
SCHEMA = {"title": "judgement", "type": "object", "properties": {"verdict": {"type": "string"}}}


def said(**changed: object) -> web.Response:
    return web.json_response(openai_reply(**changed))


def test_request_and_answer(talk: Talker) -> None:
    """What is asked goes out as Chat Completions has it, and every field of the answer is read."""
    seen = talk("openai", said(), path="/v1", extra_body={"reasoning_effort": "low"}, headers={"X-Team": "release"})
    assert seen.paths == ["/v1/chat/completions"]
    assert seen.bodies == [
        {
            "model": "model-x",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}],
            "temperature": 0.7,
            "max_tokens": 50,
            "reasoning_effort": "low",
        }
    ]
    assert seen.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert seen.headers[0]["X-Team"] == "release"
    answer = seen.answer
    assert (answer.text, answer.finish, answer.reasoning) == ("Fine.", Finish.STOP, None)
    assert (answer.served_as, answer.fingerprint) == ("model-x-2025", "fp_1")
    assert (answer.input_tokens, answer.output_tokens) == (11, 7)
    assert seen.dropped == ()


def test_no_temperature(talk: Talker) -> None:
    """A temperature of None is left to the endpoint, and a base URL without /v1 is used as it is."""
    seen = talk("openai", said(), [a_request(temperature=None)])
    assert "temperature" not in seen.bodies[0]
    assert seen.paths == ["/chat/completions"]


def test_schema(talk: Talker) -> None:
    """A schema is asked for as a strict json_schema under its title."""
    seen = talk("openai", said(), [a_request(schema=SCHEMA)])
    named = {"name": "judgement", "strict": True, "schema": SCHEMA}
    assert seen.bodies[0]["response_format"] == {"type": "json_schema", "json_schema": named}


@pytest.mark.parametrize(
    ("reply", "text", "finish", "reasoning"),
    [
        (openai_reply(""), "", Finish.STOP, None),
        (openai_reply(None), "", Finish.STOP, None),
        (openai_reply([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), "ab", Finish.STOP, None),
        (openai_reply("cut of", finish="length"), "cut of", Finish.LENGTH, None),
        (openai_reply(None, finish="content_filter"), "", Finish.FILTERED, None),
        (openai_reply(None, refusal="I can't."), "I can't.", Finish.REFUSED, None),
        (openai_reply("Yes.", refusal=None, finish="tool_calls"), "Yes.", Finish.STOP, None),
        (openai_reply("Yes.", reasoning_content="Hm."), "Yes.", Finish.STOP, "Hm."),
        (openai_reply("Yes.", reasoning="Hm."), "Yes.", Finish.STOP, "Hm."),
        (openai_reply("<think>\nHm.\n</think>\n\nYes."), "Yes.", Finish.STOP, "Hm."),
        (openai_reply("Hm.\n</think>\n\nYes."), "Yes.", Finish.STOP, "Hm."),
        (openai_reply("<think>Hm, I", finish="length"), "", Finish.LENGTH, "Hm, I"),
        (openai_reply("<think></think>\nYes."), "Yes.", Finish.STOP, None),
        (openai_reply("R1 writes <think>a</think> first."), "R1 writes <think>a</think> first.", Finish.STOP, None),
        (openai_reply("half a pair: \ud83d"), "half a pair: \ufffd", Finish.STOP, None),
    ],
)
def test_ways_to_answer(talk: Talker, reply: dict, text: str, finish: Finish, reasoning: str | None) -> None:
    """Text, finish and reasoning are told apart, whichever way the server puts them."""
    answer = talk("openai", web.json_response(reply)).answer
    assert (answer.text, answer.finish, answer.reasoning) == (text, finish, reasoning)


def test_untold(talk: Talker) -> None:
    """A server that tells neither usage nor model nor fingerprint leaves them null, never 0."""
    reply = {"choices": openai_reply()["choices"]}
    answer = talk("openai", web.json_response(reply)).answer
    assert (answer.served_as, answer.fingerprint, answer.input_tokens, answer.output_tokens) == (None,) * 4


TEMPERATURE = ["temperature (the endpoint refused it)"]
MAX_TOKENS = ["max_tokens (sent as max_completion_tokens)"]
FORMAT = ["response_format (the endpoint refused it)"]


@pytest.mark.parametrize(
    ("message", "fields", "status", "dropped"),
    [
        # OpenAI and Azure, reasoning models
        (
            "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is "
            "supported.",
            {"param": "temperature", "code": "unsupported_value"},
            400,
            TEMPERATURE,
        ),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            {"param": "max_tokens", "code": "unsupported_parameter"},
            400,
            MAX_TOKENS,
        ),
        (
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
            {"param": "response_format"},
            400,
            FORMAT,
        ),
        # LiteLLM
        (
            "litellm.UnsupportedParamsError: O-series models don't support temperature=0.7. Only temperature=1 is "
            "supported.",
            {},
            400,
            TEMPERATURE,
        ),
        ("litellm.UnsupportedParamsError: x does not support parameters: {'temperature': 0.7}", {}, 400, TEMPERATURE),
        # vLLM
        (
            "[{'type': 'extra_forbidden', 'loc': ('body', 'temperature'), 'msg': 'Extra inputs are not permitted'}]",
            {},
            422,
            TEMPERATURE,
        ),
        ("Failed to convert the grammar from JSON schema: guided decoding is off", {}, 400, FORMAT),
        # DeepSeek, Ollama
        ("This response_format type is unavailable now", {}, 400, FORMAT),
        ("registry.ollama.ai/library/gemma:2b does not support tools", {}, 400, FORMAT),
    ],
)
def test_lesson(talk: Talker, message: str, fields: dict, status: int, dropped: list[str]) -> None:
    """A parameter that the endpoint refuses, in whose words ever, is dropped once and for all."""
    requests = [a_request(schema=SCHEMA), a_request(schema=SCHEMA)]
    seen = talk("openai", [refuse("openai", message, status, **fields), said()], requests)
    assert [type(outcome).__name__ for outcome in seen.outcomes] == ["Answer", "Answer"], seen.outcomes
    assert list(seen.dropped) == dropped
    assert len(seen.bodies) == 3
    first, second, third = (set(body) for body in seen.bodies)
    assert second == third
    (gone,) = first - second
    assert dropped[0].startswith(gone)
    assert second - first == ({"max_completion_tokens"} if dropped == MAX_TOKENS else set())


def test_lesson_learned_by_many_at_once(talk: Talker) -> None:
    """Requests in flight together that meet the same refusal each recover, and it is remembered once."""

    async def handle(http: web.Request, body: dict) -> web.Response:
        await asyncio.sleep(0.05)
        if "temperature" in body:
            return refuse("openai", "temperature is not supported")
        if "max_tokens" in body:
            return refuse("openai", "max_tokens is not supported, use max_completion_tokens")
        return said()

    seen = talk("openai", handle, [a_request()] * 8, at_once=True)
    assert all(not isinstance(outcome, Exception) for outcome in seen.outcomes), seen.outcomes
    assert list(seen.dropped) == TEMPERATURE + MAX_TOKENS
    assert len(seen.bodies) == 24


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 50. This model supports at most 10 completion tokens.",
        "temperature cannot be greater than 0.5",
        "Invalid 'messages': the last one has no content",
    ],
)
def test_no_lesson(talk: Talker, message: str) -> None:
    """A value out of range, or another complaint, is refused: it is not mended by dropping what was asked for."""
    seen = talk("openai", refuse("openai", message))
    assert isinstance(seen.error, RequestRefused)
    assert message in str(seen.error)
    assert (len(seen.bodies), seen.dropped) == (1, ())


def test_endless_lessons(talk: Talker) -> None:
    """An endpoint that refuses what is no longer sent is asked no further."""
    seen = talk(
        "openai", refuse("openai", "temperature and max_tokens and tools: not supported"), [a_request(schema={})]
    )
    assert isinstance(seen.error, RequestRefused)
    assert len(seen.bodies) == 4


@pytest.mark.parametrize(
    "fields", [{"code": "content_filter", "param": "prompt"}, {"code": "content_policy_violation"}]
)
def test_filtered_prompt(talk: Talker, fields: dict) -> None:
    """A 400 of a content filter is an answer, filtered, and no error."""
    answer = talk("openai", refuse("openai", "The response was filtered", **fields)).answer
    assert (answer.text, answer.finish) == ("", Finish.FILTERED)


def test_gateway_error_under_200(talk: Talker) -> None:
    """An error object with a status of its own counts as that status, though the HTTP status was 200."""
    seen = talk("openai", web.json_response({"error": {"code": 429, "message": "slow down"}}))
    assert isinstance(seen.error, TransientFault)
    assert seen.error.rate_limited


def test_missing_key() -> None:
    """Without a key nothing is opened, and the message names the variable."""
    with pytest.raises(UsageProblems, match="TEST_KEY is not set"):
        open_endpoint(a_model("openai"), {"OPENAI_API_KEY": "sk-other"})


@pytest.mark.parametrize(
    ("environ", "fields", "match"),
    [
        ({"TEST_KEY": "sk-\u2026"}, {}, "TEST_KEY holds characters"),
        ({"TEST_KEY": "k"}, {"headers": {"X-A": "secret\nX-B: c"}}, "'X-A' holds characters"),
        ({"TEST_KEY": "k"}, {"base_url": "localhost:8000/v1"}, "base URL"),
        ({"TEST_KEY": "k"}, {"base_url": "http://host:port/v1"}, "base URL"),
        ({"TEST_KEY": "k"}, {"base_url": "http://jo:secret@host/v1"}, "base URL"),
        ({"TEST_KEY": "k"}, {"base_url": "http://host/v1?key=secret"}, "base URL"),
        ({"TEST_KEY": "k"}, {"base_url": "http://host/v1#secret"}, "base URL"),
    ],
)
def test_unsendable(environ: dict[str, str], fields: dict, match: str) -> None:
    """A key, header or URL that cannot be sent is a usage error that does not repeat it."""
    with pytest.raises(UsageProblems, match=match) as caught:
        open_endpoint(a_model("openai", **fields), environ)
    assert "secret" not in str(caught.value)


def test_optional_key(talk: Talker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of one's own is sent no key, account or administrator's key found in the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "found-in-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    seen = talk("openai", said(), environ={"OTHER": "x"}, key_optional=True)
    assert seen.headers[0]["Authorization"] == "Bearer not-needed"
    assert "found-in-the-environment" not in str(seen.headers)


def test_key_is_trimmed(talk: Talker) -> None:
    """The line end that secrets often come with is no part of the key."""
    assert talk("openai", said(), environ={"TEST_KEY": f" {KEY}\n"}).headers[0]["Authorization"] == f"Bearer {KEY}"


def test_account_without_money(talk: Talker) -> None:
    """429 for an empty account stops the run: waiting does not fill it."""
    seen = talk("openai", refuse("openai", "You exceeded your current quota", 429, code="insufficient_quota"))
    assert isinstance(seen.error, EndpointRejected)


def test_import_is_late() -> None:
    """Importing the package of endpoints imports no SDK and no HTTP client."""
    names = "('openai', 'anthropic', 'aiohttp')"
    code = f"import clustergate.adapters.endpoints, sys; print([name for name in {names} if name in sys.modules])"
    run = [sys.executable, "-c", code]
    told = subprocess.run(run, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    assert told.strip() == "[]"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", Finish.STOP),
        ("tool_calls", Finish.STOP),
        ("function_call", Finish.STOP),
        ("", Finish.STOP),
        (None, Finish.STOP),
        ("length", Finish.LENGTH),
        ("max_tokens", Finish.LENGTH),
        ("model_length", Finish.LENGTH),
        ("content_filter", Finish.FILTERED),
    ],
)
def test_known_endings(talk: Talker, reason: str | None, finish: Finish) -> None:
    """Each reason that is known to be an ending is read as it is meant."""
    assert talk("openai", said(content="Well.", finish=reason)).answer.finish is finish


@pytest.mark.parametrize("reason", ["insufficient_system_resource", "error", "STOP", 0, {}])
def test_unknown_endings(talk: Talker, reason: object) -> None:
    """A reason that nobody knows is a fault that names it: the text may have been cut."""
    error = talk("openai", said(content="No, I", finish=reason)).error
    assert isinstance(error, TransientFault)
    assert (repr(reason) if isinstance(reason, str) else "without a reason") in str(error)


def test_a_reason_is_cleaned(talk: Talker) -> None:
    """A reason is a server's text like any other: no key, no control character, no command."""
    message = str(talk("openai", said(finish=f"{KEY}\n::error::\u202e##[error]")).error)
    assert KEY not in message
    assert message.isprintable()
    assert "##[" not in message
