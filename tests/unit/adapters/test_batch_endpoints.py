"""Batches over the official SDKs and real HTTP: what is submitted, looked at, found again and read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from clustergate.adapters.endpoints import open_batches
from clustergate.adapters.simulator.faults import parse
from clustergate.adapters.simulator.server import Settings
from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import EndpointRejected, ParameterDropped, RequestRefused, TransientFault
from clustergate.nouns.model import Answer, Finish, Message, Request
from clustergate.nouns.protocols import BatchEndpoint
from tests.unit.adapters.scripted_provider import KEY, a_model, a_request, anthropic_reply, openai_reply
from tests.unit.adapters.simulator_house import CURT, build, simulator

PROVIDERS = pytest.mark.parametrize("provider", ["openai", "anthropic"])
ASKED = Request(messages=(Message("user", CURT),), temperature=1.0, max_tokens=50)


async def ended(endpoint: BatchEndpoint, batch_id: str) -> BatchState:
    state = await endpoint.look(batch_id)
    if state.ended:
        return state
    await asyncio.sleep(0.02)
    return await ended(endpoint, batch_id)


def against_simulator(
    folder: Path, provider: str, check: Callable[[BatchEndpoint], Awaitable[None]], faults: str = "", **model: Any
) -> None:
    async def run() -> None:
        settings = Settings(fixtures=build(folder), seed=1, batch_latency=0.1, faults=parse(faults))
        async with simulator(settings) as client:
            fields = {"base_url": f"{client.url}/v1", "id": "always", **model}
            endpoint = open_batches(a_model(provider, **fields), {"TEST_KEY": KEY})
            try:
                await check(endpoint)
            finally:
                await endpoint.close()

    asyncio.run(run())


@PROVIDERS
def test_a_batch_from_submission_to_answers(tmp_path: Path, provider: str) -> None:
    """Each line gets the answer that a direct request would get, under its name; another name is not known."""

    async def check(endpoint: BatchEndpoint) -> None:
        lines = {"a" * 64: ASKED, "b": ASKED, "c": a_request(max_tokens=50)}
        batch_id = await endpoint.submit("tag", lines)
        first = await endpoint.look(batch_id)
        assert (first.total, first.ended, first.refusal) == (3, False, None)
        assert await ended(endpoint, batch_id) == BatchState(answered=3, total=3, ended=True)
        results = await endpoint.results(batch_id, lines)
        assert results.keys() == lines.keys()
        said = results["b"]
        assert isinstance(said, Answer)
        direct = await endpoint.ask(ASKED)
        assert (said.finish, said.served_as, said.input_tokens) == (Finish.STOP, "always", direct.input_tokens)
        assert said.text.startswith(("It saddens", "I grieve"))
        gone = await endpoint.look("batch_of_nobody")
        assert gone.ended
        assert isinstance(gone.refusal, TransientFault)

    against_simulator(tmp_path, provider, check)


@PROVIDERS
def test_errors_of_lines(tmp_path: Path, provider: str) -> None:
    """A line may be rate limited, or expire with its batch: both may pass. An unknown model is the run's end."""

    async def expired(endpoint: BatchEndpoint) -> None:
        # A fault of 'hang' would hold up the requests about the batch too: they are sent by a patient one.
        lines = {f"l{number}": ASKED for number in range(40)}
        batch_id = await endpoint.submit("tag", lines)
        await ended(endpoint, batch_id)
        results = (await endpoint.results(batch_id, lines)).values()
        faults = [error for error in results if not isinstance(error, Answer)]
        assert 0 < len(faults) < 40
        assert all(isinstance(error, TransientFault) for error in faults)
        assert any("429" in str(error) for error in faults)

    class Patient:
        """Asks again what a fault of the simulator took."""

        def __init__(self, endpoint: BatchEndpoint) -> None:
            self._endpoint = endpoint

        def __getattr__(self, name: str) -> Any:
            async def again(*given: Any) -> Any:
                while True:
                    try:
                        return await getattr(self._endpoint, name)(*given)
                    except TransientFault:
                        continue

            return again

    async def unknown(endpoint: BatchEndpoint) -> None:
        batch_id = await endpoint.submit("tag", {"l": ASKED})
        await ended(endpoint, batch_id)
        assert isinstance((await endpoint.results(batch_id, {"l": ASKED}))["l"], EndpointRejected)

    against_simulator(tmp_path / "a", provider, lambda one: expired(Patient(one)), "429=0.3")  # type: ignore[arg-type]
    against_simulator(tmp_path / "b", provider, unknown, id="nobody")


def test_openai_finds_a_batch_by_its_tag(tmp_path: Path) -> None:
    """Whoever died between submitting and noting left its tag at the provider; other tags are not taken for it."""

    async def check(endpoint: BatchEndpoint) -> None:
        begun = time.time()
        names = [await endpoint.submit(f"tag-{number}", {"l": ASKED}) for number in range(3)]
        assert await endpoint.find("tag-0", 1, begun, set()) == [names[0]]
        assert await endpoint.find("tag-9", 1, begun, set()) == []

    against_simulator(tmp_path, "openai", check)


def test_anthropic_gives_those_that_may_be_it(tmp_path: Path) -> None:
    """It keeps no tags: of the batches of that size made since, those that nobody knows, the latest first."""

    async def check(endpoint: BatchEndpoint) -> None:
        begun = time.time()
        known = await endpoint.submit("t", {"l": ASKED})
        other = await endpoint.submit("t", {"l": ASKED})
        await endpoint.submit("t", {"l": ASKED, "m": ASKED})
        assert await endpoint.find("t", 1, begun, {known}) == [other]
        assert await endpoint.find("t", 1, begun + 400, set()) == []  # more than a clock may be off

    against_simulator(tmp_path, "anthropic", check)


# ---------------------------------------------------------------- a scripted provider


def against(
    provider: str, routes: dict[str, Any], check: Callable[[BatchEndpoint, list[Any]], Awaitable[None]]
) -> None:
    """Check an endpoint at a server whose paths give those JSON documents, texts or statuses; it keeps the bodies."""
    bodies: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        bodies.append(await request.text())
        said = routes.get(f"{request.method} {request.path.removeprefix('/v1')}", 404)
        if isinstance(said, int):
            return web.json_response({"error": {"message": "Not here.", "type": "x"}}, status=said)
        if isinstance(said, str):
            return web.Response(text=said)
        base = f"http://{request.host}/v1"
        return web.Response(text=json.dumps(said).replace("BASE", base), content_type="application/json")

    async def run() -> None:
        app = web.Application(client_max_size=10**8)
        app.router.add_route("*", "/{path:.*}", handle)
        async with TestServer(app) as server:
            url = f"http://{server.host}:{server.port}/v1"
            endpoint = open_batches(a_model(provider, base_url=url), {"TEST_KEY": KEY})
            try:
                await check(endpoint, bodies)
            finally:
                await endpoint.close()

    asyncio.run(run())


def results_of(provider: str, lines: list[Any]) -> dict[str, Any]:
    """The routes of a batch `b1` that has ended with those lines."""
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    if provider == "openai":
        batch = {"id": "b1", "object": "batch", "status": "completed", "output_file_id": "f1", "error_file_id": None}
        return {"GET /batches/b1": batch, "GET /files/f1/content": text}
    batch = {"id": "b1", "processing_status": "ended", "results_url": "BASE/messages/batches/b1/results"}
    return {"GET /messages/batches/b1": batch, "GET /messages/batches/b1/results": text}


@PROVIDERS
@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_batches(provider: str, status: int) -> None:
    """One sentence that says what to do; nothing falls back by itself."""

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        with pytest.raises(EndpointRejected, match=rf"takes no batches \(it answered {status}: .*Run without --batch"):
            await endpoint.submit("tag", {"l": ASKED})

    against(provider, {"POST /files": status, "POST /messages/batches": status}, check)


@PROVIDERS
@pytest.mark.parametrize(("status", "error"), [(401, EndpointRejected), (400, EndpointRejected), (503, TransientFault)])
def test_what_is_refused_as_a_whole(provider: str, status: int, error: type[Exception]) -> None:
    """No single request is at fault where all are refused; what may pass may be tried again. The key is not told."""

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        with pytest.raises(error) as caught:
            await endpoint.submit("tag", {"l": ASKED})
        assert KEY not in str(caught.value)

    against(provider, {"POST /files": status, "POST /messages/batches": status}, check)


def test_the_file_holds_what_a_direct_request_would_send() -> None:
    """OpenAI: a line a request, with body, path and name; the batch has our tag."""

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        assert await endpoint.submit("tag", {"l1": a_request(), "l2": a_request(max_tokens=7)}) == "b1"
        upload, created = bodies
        lines = [json.loads(line) for line in upload.splitlines() if line.startswith("{")]
        assert [line["custom_id"] for line in lines] == ["l1", "l2"]
        assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
        assert lines[1]["body"] == {
            "model": "model-x",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}],
            "temperature": 0.7,
            "max_tokens": 7,
        }
        assert json.loads(created) == {
            "input_file_id": "f1",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"clustergate": "tag"},
        }

    against("openai", {"POST /files": {"id": "f1"}, "POST /batches": {"id": "b1"}}, check)


def test_the_list_holds_what_a_direct_request_would_send() -> None:
    """Anthropic: each request with its name."""

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        assert await endpoint.submit("tag", {"l1": a_request()}) == "b1"
        params = {
            "model": "model-x",
            "messages": [{"role": "user", "content": "Hello?"}],
            "max_tokens": 50,
            "system": "Be brief.",
            "temperature": 0.7,
        }
        assert json.loads(bodies[0]) == {"requests": [{"custom_id": "l1", "params": params}]}

    against("anthropic", {"POST /messages/batches": {"id": "b1"}}, check)


@pytest.mark.parametrize(
    ("code", "error", "limited"),
    [("token_limit_exceeded", TransientFault, True), ("model_not_supported", EndpointRejected, None)],
)
def test_a_batch_that_openai_takes_and_then_refuses(code: str, error: type[Exception], limited: bool | None) -> None:
    """Too much beside others may pass; what the file cannot be, cannot. OpenAI's words are told."""
    batch = {"id": "b1", "status": "failed", "errors": {"data": [{"code": code, "message": "Enqueued too much."}]}}

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        state = await endpoint.look("b1")
        assert state.ended
        assert isinstance(state.refusal, error)
        assert "Enqueued too much." in str(state.refusal)
        assert getattr(state.refusal, "rate_limited", None) is limited

    against("openai", {"GET /batches/b1": batch}, check)


@PROVIDERS
def test_results_are_not_trusted(provider: str) -> None:
    """Lines that cannot be read are left out; an answer that cannot be read is a fault of its own line."""
    fine = {
        "openai": {"response": {"status_code": 200, "body": openai_reply()}, "error": None},
        "anthropic": {"result": {"type": "succeeded", "message": anthropic_reply()}},
    }[provider]
    odd = {
        "openai": {"response": {"status_code": 200, "body": {"choices": "none"}}},
        "anthropic": {"result": {"type": "succeeded", "message": {"content": "none"}}},
    }[provider]
    lines = [{"custom_id": "good", **fine}, "{not json", "[]", "", {"no": "name"}, {"custom_id": "odd", **odd},
             {"custom_id": "bare"}, "[" * 100_000]  # fmt: skip

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        results = await endpoint.results("b1", {})
        assert results.keys() == {"good", "odd", "bare"}
        assert isinstance(results["good"], Answer)
        assert results["good"].text == "Fine."
        assert isinstance(results["odd"], TransientFault)
        assert isinstance(results["bare"], TransientFault)

    against(provider, results_of(provider, lines), check)


@PROVIDERS
def test_a_parameter_that_lines_teach(provider: str) -> None:
    """Every line that sent the refused parameter may be asked again without it; another refusal is that line's own."""
    refusal = {"message": "temperature is deprecated for this model.", "type": "invalid_request_error"}
    long = {"message": "The prompt is too long.", "type": "invalid_request_error"}
    lines = [
        {"custom_id": name, "response": {"status_code": 400, "body": {"error": error}}, "error": None}
        if provider == "openai"
        else {"custom_id": name, "result": {"type": "errored", "error": {"type": "error", "error": error}}}
        for name, error in (("a", refusal), ("b", refusal), ("c", long))
    ]

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        results = await endpoint.results("b1", dict.fromkeys("abc", a_request()))
        assert [type(results[name]) for name in "abc"] == [ParameterDropped, ParameterDropped, RequestRefused]
        assert endpoint.dropped == ("temperature (the endpoint refused it)",)

    against(provider, results_of(provider, lines), check)


@PROVIDERS
def test_results_that_the_provider_has_no_more(provider: str) -> None:
    """A batch whose results were deleted has none; it is no fault of the endpoint."""
    routes = results_of(provider, [])
    routes.pop("GET /files/f1/content", None)
    if provider == "anthropic":
        routes["GET /messages/batches/b1"]["results_url"] = None

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        assert await endpoint.results("b1", {}) == {}

    against(provider, routes, check)


@PROVIDERS
@pytest.mark.parametrize("name", [None, 7, "../keys", "a b", ""])
def test_a_name_that_is_none(provider: str, name: Any) -> None:
    """What a server calls a batch becomes part of URLs and of messages: it must look like a name."""

    async def check(endpoint: BatchEndpoint, bodies: list[Any]) -> None:
        with pytest.raises(TransientFault, match="without an id"):
            await endpoint.submit("tag", {"l": ASKED})

    said = {"id": name}
    against(provider, {"POST /files": {"id": "f1"}, "POST /batches": said, "POST /messages/batches": said}, check)
