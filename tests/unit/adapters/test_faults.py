"""What each fault becomes: in words alone, and over real HTTP through both SDKs."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from clustergate.adapters.endpoints import open_endpoint
from clustergate.adapters.endpoints.faults import fault
from clustergate.adapters.endpoints.retry_after import retry_after
from clustergate.adapters.endpoints.source import Source
from clustergate.nouns.errors import ClustergateError, EndpointRejected, RequestRefused, TransientFault
from tests.unit.adapters.scripted_provider import KEY, Talk, a_model, a_request, refuse

Talker = Callable[..., Talk]
both = pytest.mark.parametrize("provider", ["openai", "anthropic"])
NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
WITH_SECRETS = a_model(
    "openai", base_url="https://user:hunter2@gate.example:8443/v1?token=abcdefgh12", headers={"X": "T1"}
)


@both
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRefused),
        (401, EndpointRejected),
        (402, EndpointRejected),
        (403, EndpointRejected),
        (404, EndpointRejected),
        (405, EndpointRejected),
        (408, TransientFault),
        (409, TransientFault),
        (413, RequestRefused),
        (422, RequestRefused),
        (429, TransientFault),
        (500, TransientFault),
        (503, TransientFault),
        (529, TransientFault),
    ],
)
def test_status(talk: Talker, provider: str, status: int, kind: type[ClustergateError]) -> None:
    """Each status is one kind of error, whose one line names provider, model, host, status and what was said."""
    seen = talk(provider, refuse(provider, f"no, {KEY}\x1b[31m", status), headers={"X-Team": "release-team"})
    assert type(seen.error) is kind
    message = str(seen.error)
    assert len(seen.bodies) == 1
    assert message.startswith(f"{provider} model 'model-x' at {seen.host} answered {status}")
    assert message.endswith(r": no, ***\x1b[31m")
    assert seen.error.__cause__ is None
    if isinstance(seen.error, TransientFault):
        assert (seen.error.rate_limited, seen.error.retry_after) == (status == 429, None)


@both
@pytest.mark.parametrize(
    ("headers", "expected"), [({"Retry-After": "7"}, 7.0), ({"retry-after-ms": "250"}, 0.25), ({}, None)]
)
def test_rate_limit(talk: Talker, provider: str, headers: dict[str, str], expected: float | None) -> None:
    """A 429 says how long to wait, where the endpoint does."""
    refused = refuse(provider, "slow down", 429)
    refused.headers.update(headers)
    error = talk(provider, refused).error
    assert isinstance(error, TransientFault)
    assert (error.rate_limited, error.retry_after) == (True, expected)


@both
def test_refused_connection(provider: str) -> None:
    """Nothing listens: a transient fault that names the host."""
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        async def ask() -> None:
            endpoint = open_endpoint(a_model(provider, base_url=f"http://127.0.0.1:{port}"), {"TEST_KEY": KEY})
            try:
                await endpoint.ask(a_request())
            finally:
                await endpoint.close()

        with pytest.raises(TransientFault, match=f"at 127.0.0.1:{port} could not be reached"):
            asyncio.run(ask())


@both
def test_time_out(talk: Talker, provider: str) -> None:
    """No answer within the model's time-out is a transient fault that names it."""

    async def hang(http: web.Request, body: dict[str, Any]) -> web.Response:
        await asyncio.sleep(2)
        return web.Response()

    error = talk(provider, hang, timeout=0.2).error
    assert isinstance(error, TransientFault)
    assert str(error).endswith("gave no answer within 0.2 s")


@both
def test_dripping(talk: Talker, provider: str) -> None:
    """The time-out is for the whole answer: a byte now and then does not put it off."""

    async def drip(http: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(http)
        for _ in range(20):
            await response.write(b" ")
            await asyncio.sleep(0.1)
        return response

    assert "gave no answer within 0.3 s" in str(talk(provider, drip, timeout=0.3).error)


@both
@pytest.mark.parametrize("after", ["nothing", "half a body"])
def test_cut_connection(talk: Talker, provider: str, after: str) -> None:
    """A connection that is cut, before the answer or in its middle, is a transient fault and no time-out."""

    async def cut(http: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        if after == "half a body":
            await response.prepare(http)
            await response.write(b'{"choices": [')
        assert http.transport is not None
        http.transport.close()
        return response

    error = talk(provider, cut).error
    assert isinstance(error, TransientFault)
    assert "broke the connection: " in str(error)
    assert not error.rate_limited


@both
def test_not_http(provider: str) -> None:
    """A server that does not speak HTTP is a transient fault, and no traceback of a library."""

    async def ask() -> None:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.example ESMTP\r\n\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            endpoint = open_endpoint(a_model(provider, base_url=f"http://127.0.0.1:{port}"), {"TEST_KEY": KEY})
            try:
                await endpoint.ask(a_request())
            finally:
                await endpoint.close()

    with pytest.raises(TransientFault, match="broke the connection"):
        asyncio.run(ask())


@both
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<!DOCTYPE html><title>Log in</title>", "HTML in place of JSON: '<!DOCTYPE html>"),
        ('{"choices": [', "what is not JSON: "),
        ("[" * 100_000, "what is not JSON: "),
        ("[]", "JSON that is no object: '[]'"),
        ("{}", "JSON without "),
        ("", "what is not JSON"),
        ('{"error": {"message": "x"}}', "JSON without "),
        (
            '{"choices": [{"message": {"content": 7}}], "content": [{"type": "text", "text": 7}]}',
            "JSON without the text|JSON without a text",
        ),
    ],
)
def test_garbage(talk: Talker, provider: str, body: str, words: str) -> None:
    """What cannot be read under a 200 is a transient fault that shows how it begins."""
    error = talk(provider, web.Response(text=body, content_type="application/json")).error
    assert isinstance(error, TransientFault)
    assert any(word in str(error) for word in words.split("|")), str(error)
    assert len(str(error)) < 250


def test_error_page(talk: Talker) -> None:
    """Of a gateway's error page only the title is repeated."""
    page = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
    error = talk("openai", web.Response(text=page, status=502, content_type="text/html")).error
    assert str(error).endswith("answered 502: 502 Bad Gateway")


def test_long_message_is_cut_after_secrets_are_out() -> None:
    """The provider's message is cut to 300 characters, and a key at the cut is out before it."""
    source = Source.of(a_model("openai"), KEY, {})
    message = str(fault(500, {}, json.dumps({"error": {"message": "x" * 290 + KEY + "y" * 50}}), source))
    said = message.partition("answered 500: ")[2]
    assert len(said) == 300
    assert "sk-" not in said
    assert said.endswith("***yyyyyy…")


def test_no_secret_in_any_message() -> None:
    """Key, header values, password and long query values are replaced wherever the provider repeats them."""
    environ = {"OPENAI_CUSTOM_HEADERS": "X-Gate: Bearer tok-99887766\nX-Empty:"}
    source = Source.of(WITH_SECRETS, KEY, environ)
    echo = f"{KEY} hunter2 abcdefgh12 T1 tok-99887766 Bearer tok-99887766"
    for body in (echo, json.dumps({"error": {"message": echo}}), json.dumps({"detail": [{"input": echo}]})):
        for status in (302, 400, 401, 404, 429, 500):
            message = str(fault(status, {}, body, source))
            assert "at gate.example:8443 answered" in message
            assert not any(one in message for one in (KEY, "hunter2", "abcdefgh12", "T1", "99887766", "user"))
    assert KEY not in repr(source)


@pytest.mark.parametrize(
    "body",
    [
        '{"error": {"message": "why"}}',
        '{"error": "why"}',
        '{"message": "why"}',
        '{"detail": "why"}',
        '[{"error": {"message": "why"}}]',
        "why",
    ],
)
def test_provider_words(body: str) -> None:
    """The provider's own words are found in every shape that they come in."""
    assert str(fault(500, {}, body, Source.of(WITH_SECRETS, KEY, {}))).endswith("answered 500: why")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"code": "insufficient_quota", "message": "…"}}, EndpointRejected),
        ({"error": {"type": "billing_not_active", "message": "…"}}, EndpointRejected),
        (
            {"error": {"code": 429, "message": "You exceeded your current quota, please check your plan"}},
            TransientFault,
        ),
        ({"error": {"code": "rate_limit_exceeded", "message": "…"}}, TransientFault),
    ],
)
def test_quota(body: dict[str, Any], kind: type[ClustergateError]) -> None:
    """An empty account is told from a limit by the minute by its code, and not by words that both use."""
    assert type(fault(429, {}, json.dumps(body), Source.of(WITH_SECRETS, KEY, {}))) is kind


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "20"}, 20),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0),
        ({"Retry-After": "20", "Retry-After-Ms": "1500"}, 1.5),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        (
            {
                "x-ratelimit-reset-requests": "6s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "20ms",
                "x-ratelimit-remaining-tokens": "900",
            },
            6,
        ),
        ({"x-ratelimit-reset-tokens": "6m0s"}, 60),
        ({"X-RateLimit-Reset": "1700000012000"}, 12),
        ({"x-ratelimit-reset-requests": "later"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    """What headers ask for, in all their spellings (RFC 9110 10.2.3; OpenAI's rate limit headers), in seconds."""
    assert retry_after(headers, NOW) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("::error::pwned", r"\x3a:error::pwned"),
        ("why\n  ::stop-commands::x", r"why \x3a:stop-commands::x"),
        ("a ##[error]b##[group]", r"a \x23#[error]b\x23#[group]"),
        ("std::vector and #[x]", "std::vector and #[x]"),
    ],
)
def test_no_command_to_the_ci(body: str, shown: str) -> None:
    """A server's text is no command to GitHub's log, wherever a line of it may begin once it is wrapped."""
    assert str(fault(422, {}, body, Source.of(WITH_SECRETS, KEY, {}))).endswith(f": {shown}")
