"""The simulated endpoint: OpenAI Chat Completions, Anthropic Messages and their batches, from personas and a judge."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from clustergate.adapters.simulator.batches import CHAT, MESSAGES, Desk
from clustergate.adapters.simulator.corpus import load_corpus
from clustergate.adapters.simulator.draws import Draws
from clustergate.adapters.simulator.faults import HANG_SECONDS, Faults
from clustergate.adapters.simulator.part import part_in
from clustergate.adapters.simulator.persona import JUDGE, load_personas
from clustergate.adapters.simulator.wire import Asked, Refused, Said, Shape, cut, parse
from clustergate.adapters.simulator.wire_anthropic import Anthropic
from clustergate.adapters.simulator.wire_openai import OpenAI
from clustergate.nouns.errors import UsageProblems

_OPENAI: Final = OpenAI()
_ANTHROPIC: Final = Anthropic()
_POST: Final[Mapping[str, Shape]] = {
    CHAT: _OPENAI,
    "/chat/completions": _OPENAI,
    MESSAGES: _ANTHROPIC,
}
_LARGEST: Final = 256_000_000
"""Bytes of a request: as much as the larger of the two providers takes."""
_HTML: Final = "<!doctype html><html><head><title>Gateway</title></head><body><h1>Please sign in</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`latency` is in seconds, before every answer, and `batch_latency` before those of a batch.

    With a `key`, other keys get 401.
    """

    fixtures: Path
    seed: int | None = None
    latency: float = 0.0
    batch_latency: float = 0.2
    key: str | None = field(default=None, repr=False)
    faults: Faults = field(default_factory=Faults)


class Service:
    """Answers requests. Raises UsageProblems where the fixtures cannot be used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._corpus = load_corpus(settings.fixtures)
        self._personas = load_personas(settings.fixtures, self._corpus)
        self._draws = Draws(settings.seed)
        self._fault_draws = self._draws.faults()
        self._desk = Desk(settings.batch_latency, self._line)

    @property
    def names(self) -> list[str]:
        """Personas, by name."""
        return list(self._personas)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One HTTP request."""
        shape = _POST.get(request.path) or (_ANTHROPIC if "anthropic-version" in request.headers else _OPENAI)
        try:
            if self._settings.key is not None and _key(request) != self._settings.key:
                raise Refused(401, "Incorrect API key provided.")
            if request.path in ("/v1/models", "/models") and request.method == "GET":
                return _json(200, shape.models([*self.names, JUDGE]))
            batches = self._desk.serves(request.path)
            if request.path not in _POST and not batches:
                raise Refused(404, f"Unknown path {request.path}.")
            if request.method != "POST" and not batches:
                raise Refused(405, f"{request.path} takes POST.")
            body = b"" if batches else await request.read()
            if self._settings.latency:
                await asyncio.sleep(self._settings.latency)
            fault = self._settings.faults.draw(self._fault_draws)
            if fault is not None and (response := await self._faulty(fault, shape, request)) is not None:
                return response
            return await self._desk.handle(request) if batches else _json(200, self._answer(shape, body))
        except Refused as refused:
            return _json(refused.status, shape.error(refused.status, refused.message))

    def _answer(self, shape: Shape, body: bytes) -> dict[str, Any]:
        asked = shape.read(parse(body))
        say = self._voice(asked)
        return shape.answer(asked, [say() for _ in range(asked.n)])

    async def _line(self, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]] | None:
        """What a request of a batch gets: an answer, an error, or nothing before the batch expires."""
        shape, fault = _POST[path], self._settings.faults.draw(self._fault_draws)
        if fault == "hang":
            return None
        if fault is not None:
            status = int(fault) if fault.isdecimal() else 500
            return status, shape.error(status, f"Simulated fault: {fault}.")
        try:
            return 200, self._answer(shape, json.dumps(body).encode())
        except Refused as refused:
            return refused.status, shape.error(refused.status, refused.message)

    def _voice(self, asked: Asked) -> Callable[[], Said]:
        if asked.model == JUDGE:
            return lambda: _judge(asked)
        persona = self._personas.get(asked.model)
        if persona is None:
            known = ", ".join([*self._personas, JUDGE])
            raise Refused(404, f"The model {asked.model!r} does not exist here; the simulator has {known}.")
        if persona.plays and (part := part_in(asked.system)) in persona.plays:
            persona = self._personas[persona.plays[part]]
        return lambda: cut(persona.reply(self._corpus, asked.messages, self._draws.next(asked)), asked.max_tokens)

    async def _faulty(self, fault: str, shape: Shape, request: web.BaseRequest) -> web.StreamResponse | None:
        """The response that this fault makes; None for a late but sound one. No fault uses up a draw."""
        if fault == "hang":
            await asyncio.sleep(HANG_SECONDS)
            return None
        if fault == "garbage":
            return web.Response(text='{"id": "sim-0", "choices": [{"mess', content_type="application/json")
        if fault == "html":
            return web.Response(text=_HTML, content_type="text/html")
        if fault == "drop":
            return await _dropped(request)
        status = int(fault)
        response = _json(status, shape.error(status, f"Simulated fault: status {status}."))
        if status == 429 and self._settings.faults.retry_after is not None:
            response.headers["Retry-After"] = f"{self._settings.faults.retry_after:g}"
        return response


class BrokenService:
    """Refuses every request with the reason why the fixtures cannot be used: a child has no other way to say it."""

    def __init__(self, problems: UsageProblems) -> None:
        self._message = f"the simulator cannot start: {problems}"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One HTTP request, answered by 403."""
        return _json(403, _POST.get(request.path, _OPENAI).error(403, self._message))


def _judge(asked: Asked) -> Said:
    # Imported when a judge is first asked for: a server of personas alone does not pay for it.
    from clustergate.adapters.simulator.reader import read  # noqa: PLC0415

    users = [text for role, text in asked.messages if role == "user"]
    reading = read(asked.system, users[-1] if users else "")
    said = cut(json.dumps(reading, ensure_ascii=False), asked.max_tokens)
    return Said(said.text, said.cut, reading)


def _key(request: web.BaseRequest) -> str | None:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return request.headers.get("x-api-key") or bearer


def _json(status: int, body: Mapping[str, Any]) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")


async def _dropped(request: web.BaseRequest) -> web.StreamResponse:
    """Half a body, then the end of the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "2000"})
    await response.prepare(request)
    await response.write(b'{"id": "sim-0", "object": "chat.completion", "choices": [' + b" " * 900)
    if request.transport is not None:
        request.transport.close()
    return response


def _roomy(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """A request as aiohttp makes it, that may hold a whole batch."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_LARGEST)


async def serve(
    service: Service | BrokenService,
    site: Callable[[web.ServerRunner], web.BaseSite],
    stop: asyncio.Event,
    ready: Callable[[web.ServerRunner], None] = lambda _: None,
) -> None:
    """Serve until `stop` is set, then cut what is still open. Raises OSError where the site cannot be bound."""
    # A request whose client has gone must not use up a draw, or hang on for HANG_SECONDS.
    server = web.Server(service.handle, request_factory=_roomy, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await site(runner).start()
        ready(runner)
        await stop.wait()
    finally:
        await runner.cleanup()
