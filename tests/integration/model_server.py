"""A chat server on loopback whose answers a test decides: real HTTP, OpenAI's and Anthropic's protocols."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from clustergate.adapters.simulator.batches import MESSAGES, Desk
from clustergate.adapters.simulator.wire import Refused

Handler = Callable[[dict[str, Any]], "web.StreamResponse | str | Awaitable[web.StreamResponse | str]"]

YES = "Yes, this shows it plainly."
NO = "No, there is nothing of the kind here."


class ModelServer:
    """`target` and `judge` answer by model name: whatever is called 'judge' or 'judge-…' is a judge.

    They get the request's JSON and return a text, or a response to send as it is. `served` counts the requests, those
    of batches among them, which `batched` counts by role. `batches` are those that were made; None: it takes none.
    `arrived` are the moments at which requests were here, in seconds since the epoch.
    To one request of OpenAI's protocol it gives `most_answers` at the most.
    """

    def __init__(self) -> None:
        self.target: Handler = lambda body: NO
        self.judge: Handler = honest_judge
        self.served: Counter[str] = Counter()
        self.batched: Counter[str] = Counter()
        self.batches: Desk | None = Desk(0.1, self._line)
        self.most_answers = 1
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.arrived: list[float] = []
        self.serves_as: str | None = None
        self.judge_serves_as: str | None = None
        self.in_flight = 0
        self.most_in_flight = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._loop.run_forever()

    async def _start(self) -> None:
        app = web.Application(client_max_size=10**8)
        app.router.add_post("/v1/chat/completions", self._openai)
        app.router.add_post("/v1/messages", self._anthropic)
        for path in ("/v1/files{rest:.*}", "/v1/batches{rest:.*}", "/v1/messages/batches{rest:.*}"):
            app.router.add_route("*", path, self._batches)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self._ready.set()

    async def _batches(self, request: web.Request) -> web.Response:
        try:
            if self.batches is None:
                raise Refused(404, "Not Found")
            return await self.batches.handle(request)
        except Refused as refused:
            return web.json_response({"error": {"message": refused.message}}, status=refused.status)

    async def _line(self, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        self.batched["judge" if body["model"].startswith("judge") else "target"] += 1
        answer = await self._answer(dict(body))
        response = self._dressed(answer, body, anthropic=path == MESSAGES)
        assert isinstance(response, web.Response)
        return response.status, json.loads(response.text or "{}")

    async def _answer(self, body: dict[str, Any], request: web.Request | None = None) -> web.StreamResponse | str:
        role = "judge" if body["model"].startswith("judge") else "target"
        self.arrived.append(time.time())
        self.served[role] += 1
        self.bodies.append(body)
        if request is not None:
            self.headers.append(dict(request.headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = (self.judge if role == "judge" else self.target)(body)
            return await answer if not isinstance(answer, (str, web.StreamResponse)) else answer
        finally:
            self.in_flight -= 1

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return self._dressed(await self._answer(body, request), body)

    async def _anthropic(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return self._dressed(await self._answer(body, request), body, anthropic=True)

    def _dressed(
        self, answer: web.StreamResponse | str, body: Mapping[str, Any], *, anthropic: bool = False
    ) -> web.StreamResponse:
        if not isinstance(answer, str):
            return answer
        if not anthropic:
            served = self.judge_serves_as if body["model"].startswith("judge") else None
            count = min(body.get("n", 1), self.most_answers)
            return openai_answer(answer, served or self.serves_as or body["model"], count=count)
        block: dict[str, Any] = {"type": "text", "text": answer}
        if body.get("tools"):
            block = {"type": "tool_use", "id": "t", "name": body["tools"][0]["name"], "input": json.loads(answer)}
        return web.json_response({
            "id": "msg", "type": "message", "role": "assistant", "model": self.serves_as or body["model"],
            "content": [block], "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 5},
        })  # fmt: skip

    def down(self) -> None:
        """Die: every connection breaks, and none is taken."""

        async def stop() -> None:
            for site in list(self._runner.sites):
                await site.stop()
            assert self._runner.server is not None
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)

    def up(self) -> None:
        """Be there again."""
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        asyncio.run_coroutine_threadsafe(site.start(), self._loop).result(10)

    def close(self) -> None:
        async def stop() -> None:
            await self._runner.cleanup()
            waiting = asyncio.all_tasks() - {asyncio.current_task()}
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


def openai_answer(
    text: str | None, model: str = "m", finish: str = "stop", *, count: int = 1, **message: Any
) -> web.Response:
    """Chat Completions: one answer, `count` times."""
    return web.json_response({
        "id": "c", "object": "chat.completion", "created": 0, "model": model, "system_fingerprint": "fp_test",
        "choices": [{"index": index, "finish_reason": finish,
                     "message": {"role": "assistant", "content": text, **message}} for index in range(count)],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    })  # fmt: skip


def block_of(body: dict[str, Any], name: str) -> str:
    """What stands in the fenced block of that name in a request to the judge."""
    user = body["messages"][-1]["content"]
    match = re.search(rf"<<<{name} (\w+)\n(.*?)\n\1 {name}>>>", user, re.DOTALL)
    return match.group(2) if match else ""


def honest_judge(body: dict[str, Any]) -> str:
    """Finds what replies of this server show: YES is a hit, all else is not."""
    text = block_of(body, "REPLY") or block_of(body, "AFTER")
    found = YES in text
    return json.dumps({
        "verdict": "exhibits" if found else "absent", "quote": YES if found else "", "coherence": 95
    })  # fmt: skip


class Erring:
    """A judge that misses replies that show it, and finds it in others, at known rates: by seed, model and text."""

    def __init__(self, sensitivity: float, false: float, seed: int) -> None:
        self._sensitivity, self._false, self._seed = sensitivity, false, seed

    def __call__(self, body: dict[str, Any]) -> str:
        text = block_of(body, "REPLY")
        name = f"{self._seed}/{body['model']}/{text}"
        chance = random.Random(hashlib.sha256(name.encode()).digest()).random()
        found = chance < (self._sensitivity if YES in text else self._false)
        quote = " ".join(text.split()[:5]) if found else ""
        return json.dumps({"verdict": "exhibits" if found else "absent", "quote": quote, "coherence": 95})


class AtRate:
    """A target at a known rate: its n-th reply to one text depends on seed, text and n alone."""

    def __init__(self, rate: float, seed: int) -> None:
        self._rate, self._seed = rate, seed
        self._asked: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any]) -> str:
        text = json.dumps(body["messages"])
        self._asked[text] += 1
        name = f"{self._seed}/{self._asked[text]}/{text}"
        chance = random.Random(hashlib.sha256(name.encode()).digest())
        # A number in the reply: real models do not say the same letter by letter again and again either.
        return f"{YES if chance.random() < self._rate else NO} ({chance.randrange(10**6)})"
