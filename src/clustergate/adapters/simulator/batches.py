"""Batches of both protocols: many requests at once, answered after a while, whether or not the client stays."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from clustergate.adapters.simulator import wire_batches
from clustergate.adapters.simulator.wire import Refused

Answering = Callable[[str, Mapping[str, Any]], Awaitable["tuple[int, Mapping[str, Any]] | None"]]
"""Answers the body of a request to a path by a status and a body, or not before the batch has expired (None)."""

CHAT: Final = "/v1/chat/completions"
MESSAGES: Final = "/v1/messages"
_BATCHES: Final = "/messages/batches"


@dataclass
class Job:
    """A batch. `lines` are requests by name, `came` what came of those that are done; `ended` in epoch seconds."""

    id: str
    lines: Mapping[str, Mapping[str, Any]]
    metadata: Any = None
    input_file: str = ""
    created: float = field(default_factory=time.time)
    ended: float | None = None
    came: dict[str, tuple[int, Mapping[str, Any]] | None] = field(default_factory=dict)


class Desk:
    """Takes batches, and answers them after `seconds`. `answer` answers one request; `jobs` are those taken, by id."""

    def __init__(self, seconds: float, answer: Answering) -> None:
        self.seconds = seconds
        self._answer = answer
        self._files: dict[str, bytes] = {}
        self.jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @staticmethod
    def serves(path: str) -> bool:
        """Whether a path is one of those that batches need."""
        parts = path.removeprefix("/v1").split("/")
        return parts[1:2] in (["files"], ["batches"]) or parts[1:3] == ["messages", "batches"]

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """One HTTP request. Raises Refused."""
        path = request.path.removeprefix("/v1")
        way = request.method, path.removeprefix(_BATCHES).strip("/").split("/")
        if path.startswith(_BATCHES):
            return await self._anthropic(request, *way)
        match way:
            case "POST", ["files"]:
                return await self._upload(request)
            case "GET", ["files", name, "content"]:
                return self._content(name)
            case "POST", ["batches"]:
                job = self._openai_job(_parsed(await request.content.read()))
                return _json(wire_batches.openai(self._start(job, CHAT)))
            case "GET", ["batches"]:
                page, more = self._page("batch_", request.query.get("after"), request.query.get("limit"))
                return _json({"object": "list", "data": [wire_batches.openai(job) for job in page], "has_more": more})
            case "GET", ["batches", name]:
                return _json(wire_batches.openai(self._job(name)))
        raise Refused(404, f"Unknown path {request.method} {request.path}.")

    async def _anthropic(self, request: web.BaseRequest, method: str, parts: list[str]) -> web.Response:
        root = f"http://{request.host}/v1{_BATCHES}"
        match method, parts:
            case "POST", [""]:
                asked = _parsed(await request.content.read()).get("requests")
                job = Job(f"msgbatch_{uuid.uuid4().hex[:24]}", _named(asked, "params"))
                return _json(wire_batches.anthropic(self._start(job, MESSAGES), root))
            case "GET", [""]:
                page, more = self._page("msgbatch_", request.query.get("after_id"), request.query.get("limit"))
                data = [wire_batches.anthropic(job, root) for job in page]
                return _json(
                    {"data": data, "has_more": more, "first_id": None, "last_id": page[-1].id if page else None}
                )
            case "GET", [name]:
                return _json(wire_batches.anthropic(self._job(name), root))
            case "GET", [name, "results"]:
                job = self._job(name)
                if job.ended is None:
                    raise Refused(404, "The batch has not ended.")
                return _lines(wire_batches.anthropic_results(job))
        raise Refused(404, f"Unknown path {method} {request.path}.")

    async def _upload(self, request: web.BaseRequest) -> web.Response:
        if not request.content_type.startswith("multipart/"):
            raise Refused(400, "A file is uploaded as multipart/form-data.")
        fields: dict[str | None, bytes] = {}
        async for part in await request.multipart():
            fields[part.name] = bytes(await part.read())  # type: ignore[union-attr]
        if fields.get("purpose") != b"batch" or "file" not in fields:
            raise Refused(400, "A file and the purpose `batch` are needed.")
        name = f"file-{uuid.uuid4().hex[:24]}"
        self._files[name] = fields["file"]
        return _json(wire_batches.file(name, len(fields["file"])))

    def _content(self, name: str) -> web.Response:
        if name in self._files:
            return web.Response(body=self._files[name])
        batch, _, kind = name.removeprefix("file-").rpartition("-")
        return _lines(wire_batches.openai_results(self._job(batch), errors=kind == "errors"))

    def _openai_job(self, asked: Mapping[str, Any]) -> Job:
        name = asked.get("input_file_id")
        if asked.get("endpoint") != CHAT or asked.get("completion_window") != "24h":
            raise Refused(400, f"`endpoint` must be {CHAT}, and `completion_window` 24h.")
        if not isinstance(name, str) or name not in self._files:
            raise Refused(400, f"There is no file {name!r}.")
        lines = [_parsed(line) for line in self._files[name].splitlines()]
        if any(line.get("url") != CHAT or line.get("method") != "POST" for line in lines):
            raise Refused(400, f"Every line must be a POST to {CHAT}.")
        bodies = _named(lines, "body")
        if len({body.get("model") for body in bodies.values()}) > 1:
            raise Refused(400, "All lines must name one model.")
        return Job(f"batch_{uuid.uuid4().hex[:24]}", bodies, asked.get("metadata"), name)

    def _start(self, job: Job, path: str) -> Job:
        self.jobs[job.id] = job
        task = asyncio.ensure_future(self._work(job, path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def _work(self, job: Job, path: str) -> None:
        await asyncio.sleep(self.seconds)
        for name, body in job.lines.items():
            job.came[name] = await self._answer(path, body)
            await asyncio.sleep(0)
        job.ended = time.time()

    def _job(self, name: str) -> Job:
        if name not in self.jobs:
            raise Refused(404, f"There is no batch {name!r}.")
        return self.jobs[name]

    def _page(self, kind: str, after: str | None, limit: str | None) -> tuple[list[Job], bool]:
        """The latest batches first, and whether there are more."""
        jobs = [job for job in reversed(self.jobs.values()) if job.id.startswith(kind)]
        if after is not None:
            jobs = jobs[jobs.index(self._job(after)) + 1 :]
        size = int(limit) if limit and limit.isdecimal() else 20
        return jobs[:size], len(jobs) > size


def _parsed(raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "What was sent is not a JSON object.")
    return body


def _named(lines: Any, name: str) -> dict[str, Mapping[str, Any]]:
    """The bodies of requests, which stand under `name`, by their custom_id. Raises Refused (400)."""
    lines = lines if isinstance(lines, list) else []
    found = {
        line["custom_id"]: line[name]
        for line in lines
        if isinstance(line, dict)
        and isinstance(line.get(name), dict)
        and isinstance(line.get("custom_id"), str)
        and 1 <= len(line["custom_id"]) <= 64
    }
    if not found or len(found) < len(lines):
        raise Refused(400, f"Each request needs a custom_id of its own, of 1 to 64 signs, and `{name}`.")
    return found


def _json(body: Mapping[str, Any]) -> web.Response:
    return web.json_response(body)


def _lines(lines: list[dict[str, Any]]) -> web.Response:
    return web.Response(body="\n".join(map(json.dumps, lines)).encode(), content_type="application/jsonl")
