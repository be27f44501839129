"""A scripted provider: a real HTTP server on loopback that answers the official SDKs with what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from clustergate.adapters.endpoints import open_endpoint
from clustergate.nouns.errors import ParameterDropped
from clustergate.nouns.model import Answer, Message, Model, Request
from clustergate.nouns.protocols import Endpoint, Gatekeeper

KEY = "sk-test-4f9a1c77e0d2"
Said = web.StreamResponse | Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class Talk:
    """What went over the wire: bodies, headers and paths of the requests, and what each `ask` came to."""

    outcomes: list[Answer | Exception] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    dropped: tuple[str, ...] = ()
    host: str = ""

    @property
    def answer(self) -> Answer:
        assert isinstance(self.outcomes[0], Answer), repr(self.outcomes[0])
        return self.outcomes[0]

    @property
    def error(self) -> Exception:
        assert isinstance(self.outcomes[0], Exception), repr(self.outcomes[0])
        return self.outcomes[0]


def a_request(**changed: Any) -> Request:
    said: dict[str, Any] = {"messages": (Message("system", "Be brief."), Message("user", "Hello?"))}
    return Request(**{**said, "temperature": 0.7, "max_tokens": 50, **changed})


def a_model(provider: str, **changed: Any) -> Model:
    said: dict[str, Any] = {"name": "subject", "id": "model-x", "base_url": None, "api_key_env": "TEST_KEY"}
    return Model(provider=provider, **{**said, "timeout": 10.0, **changed})


def openai_reply(content: Any = "Fine.", *, finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "model-x-2025",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        "system_fingerprint": "fp_1",
    }


def anthropic_reply(*blocks: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "model-x-2025",
        "content": list(blocks) or [{"type": "text", "text": "Fine."}],
        "stop_reason": stop,
        "usage": {
            "input_tokens": 4,
            "cache_creation_input_tokens": 5,
            "cache_read_input_tokens": 2,
            "output_tokens": 7,
        },
    }


def fine(provider: str) -> web.Response:
    return web.json_response(openai_reply() if provider == "openai" else anthropic_reply())


def refuse(provider: str, message: str, status: int = 400, **fields: Any) -> web.Response:
    """An error in the provider's own shape."""
    error = {"message": message, "type": "invalid_request_error", **fields}
    return web.json_response({"error": error} | ({"type": "error"} if provider == "anthropic" else {}), status=status)


def _again(said: Said) -> web.StreamResponse:
    """A response can be sent once: the last one of a script is sent for every further request."""
    assert isinstance(said, web.Response)
    return web.Response(body=said.body, status=said.status, headers=said.headers)


@pytest.fixture
def talk() -> Callable[..., Talk]:
    """Ask a scripted server through a real endpoint: `talk(provider, script, requests)`.

    A script is a list of responses or handlers in order, the last one repeated; or one handler for all.
    `through` puts a gate before the endpoint.
    """

    def run(
        provider: str,
        script: Said | Sequence[Said],
        requests: Sequence[Request] = (a_request(),),
        *,
        path: str = "",
        at_once: bool = False,
        environ: dict[str, str] | None = None,
        through: Callable[[Endpoint], Gatekeeper] | None = None,
        **model: Any,
    ) -> Talk:
        environ = environ or {"TEST_KEY": KEY}
        return asyncio.run(_talk(provider, script, requests, path, at_once, environ, through, model))

    return run


async def _talk(
    provider: str,
    script: Said | Sequence[Said],
    requests: Sequence[Request],
    path: str,
    at_once: bool,
    environ: dict[str, str],
    through: Callable[[Endpoint], Gatekeeper] | None,
    fields: dict[str, Any],
) -> Talk:
    seen = Talk()
    script = list(script) if isinstance(script, Sequence) else [script]

    async def handle(http: web.Request) -> web.StreamResponse:
        body = json.loads(await http.text())
        said = script[min(len(seen.bodies), len(script) - 1)]
        seen.bodies.append(body)
        seen.headers.append(http.headers)
        seen.paths.append(http.path)
        return _again(said) if isinstance(said, web.StreamResponse) else await said(http, body)

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    async with TestServer(app) as server:
        seen.host = f"{server.host}:{server.port}"
        endpoint = open_endpoint(a_model(provider, **{"base_url": f"http://{seen.host}{path}", **fields}), environ)
        gate = through(endpoint) if through else endpoint

        async def ask(request: Request) -> None:
            while True:
                try:
                    seen.outcomes.append(await gate.ask(request))
                except ParameterDropped:
                    continue
                except Exception as error:
                    seen.outcomes.append(error)
                return

        try:
            if at_once:
                await asyncio.gather(*(ask(request) for request in requests))
            else:
                for request in requests:
                    await ask(request)
        finally:
            seen.dropped = endpoint.dropped
            await endpoint.close()
    return seen
