from __future__ import annotations

import asyncio
import json
import sys
import types
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from clustergate.adapters.simulator.server import Settings
from tests.unit.adapters.simulator_house import CURT, EXHIBITS, build, simulator

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
USER = [{"role": "user", "content": CURT}]
READING = {"verdict": "exhibits", "quote": "It saddens me", "coherence": 90}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A judge in place of the real one; what it was given to read."""
    seen: list[tuple[str, str]] = []

    def read(system: str, user: str) -> dict[str, Any]:
        seen.append((system, user))
        return READING

    module = types.ModuleType("reader")
    module.read = read  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "clustergate.adapters.simulator.reader", module)
    return seen


def test_openai_sdk(tmp_path: Path, reader: list[tuple[str, str]]) -> None:
    """The official SDK reads replies, several at once, usage, the list of models and a judge's JSON."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path))) as client:
            http = openai.DefaultAioHttpClient()
            async with openai.AsyncOpenAI(
                base_url=f"{client.url}/v1", api_key="any", max_retries=0, http_client=http
            ) as sdk:
                answer = await sdk.chat.completions.create(model="sad", n=3, temperature=0, messages=USER)
                assert [choice.finish_reason for choice in answer.choices] == ["stop"] * 3
                assert answer.model == "sad"
                assert answer.id.startswith("chatcmpl-")
                assert answer.system_fingerprint
                assert answer.usage is not None
                assert answer.usage.prompt_tokens == 12  # nine words, four tokens for three
                assert {model.id async for model in sdk.models.list()} == {
                    "actor",
                    "always",
                    "calm",
                    "rehearsed",
                    "sad",
                    "unwilling",
                    "wishing",
                    "judge",
                }
                judged = await sdk.chat.completions.create(
                    model="judge",
                    messages=[{"role": "system", "content": "Judge."}, *USER],
                    response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
                )
                assert json.loads(judged.choices[0].message.content) == READING
                assert reader == [("Judge.", CURT)]
                with pytest.raises(openai.NotFoundError, match="saad"):
                    await sdk.chat.completions.create(model="saad", messages=USER)

    asyncio.run(check())


def test_anthropic_sdk(tmp_path: Path, reader: list[tuple[str, str]]) -> None:
    """The official SDK reads replies, usage, the list of models and a judge's forced tool."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path))) as client:
            http = anthropic.DefaultAioHttpClient()
            async with anthropic.AsyncAnthropic(
                base_url=client.url, api_key="any", max_retries=0, http_client=http
            ) as sdk:
                answer = await sdk.messages.create(model="sad", max_tokens=100, messages=USER)
                assert answer.content[0].type == "text"
                assert (answer.model, answer.stop_reason) == ("sad", "end_turn")
                assert answer.usage.input_tokens == 12
                assert {model.id async for model in sdk.models.list()} == {
                    "actor",
                    "always",
                    "calm",
                    "rehearsed",
                    "sad",
                    "unwilling",
                    "wishing",
                    "judge",
                }
                judged = await sdk.messages.create(
                    model="judge",
                    max_tokens=100,
                    system="Judge.",
                    messages=USER,
                    tools=[{"name": "judgement", "input_schema": {"type": "object"}}],
                    tool_choice={"type": "tool", "name": "judgement"},
                )
                assert judged.stop_reason == "tool_use"
                assert (judged.content[0].name, judged.content[0].input) == ("judgement", READING)
                assert reader == [("Judge.", CURT)]
                with pytest.raises(anthropic.NotFoundError, match="saad"):
                    await sdk.messages.create(model="saad", max_tokens=100, messages=USER)

    asyncio.run(check())


def test_max_tokens_cuts(tmp_path: Path) -> None:
    """A reply longer than max_tokens ends there, and says so in each protocol's word."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path))) as client:
            body = {"model": "sad", "max_tokens": 4, "messages": [{"role": "user", "content": "Hello?"}]}
            _, answer, _ = await client.post(CHAT, body)
            choice = answer["choices"][0]
            assert (choice["message"]["content"], choice["finish_reason"]) == ("Happy to help", "length")
            _, answer, _ = await client.post(MESSAGES, body)
            assert (answer["content"][0]["text"], answer["stop_reason"]) == ("Happy to help", "max_tokens")

    asyncio.run(check())


def test_parts_and_developer_messages_are_read(tmp_path: Path, reader: list[tuple[str, str]]) -> None:
    """Content may be a list of parts, and a developer message is a system message."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path))) as client:
            parts = [{"role": "user", "content": [{"type": "text", "text": CURT}]}]
            await client.post(CHAT, {"model": "judge", "messages": [{"role": "developer", "content": "A"}, *parts]})
            system = [{"type": "text", "text": "B"}]
            await client.post(MESSAGES, {"model": "judge", "max_tokens": 99, "system": system, "messages": parts})
            assert reader == [("A", CURT), ("B", CURT)]

    asyncio.run(check())


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"stream": True}, 400, "stream"),
        ({"messages": []}, 400, "messages"),
        ({"messages": ["x"]}, 400, "messages[0]"),
        ({"messages": [{"role": "user"}]}, 400, "messages[0].content"),
        ({"model": 3}, 400, "model"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"temperature": 3}, 400, "temperature"),
        ({"model": "saad"}, 404, "saad"),
    ],
)
def test_errors_have_the_providers_shape(
    tmp_path: Path, path: str, change: dict[str, Any], status: int, word: str
) -> None:
    """A request that cannot be served gets a status and a message that names what is wrong."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path))) as client:
            got, answer, _ = await client.post(path, {"model": "sad", "max_tokens": 9, "messages": USER, **change})
            assert got == status
            assert word in answer["error"]["message"]
            kind = "not_found_error" if path == MESSAGES and status == 404 else "invalid_request_error"
            assert answer["error"]["type"] == kind
            assert (answer.get("type") == "error") == (path == MESSAGES)

    asyncio.run(check())


def test_requests_that_are_none(tmp_path: Path) -> None:
    """No JSON, no object, no such path, the wrong method, and Anthropic's missing max_tokens are told apart."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path))) as client:
            for data, word in ((b"{", "JSON"), (b"[]", "object")):
                async with client.session.post(client.url + CHAT, data=data) as response:
                    assert response.status == 400
                    assert word in (await response.json())["error"]["message"]
            assert (await client.post("/v1/responses", {}))[0] == 404
            async with client.session.get(client.url + CHAT) as response:
                assert response.status == 405
            status, answer, _ = await client.post(MESSAGES, {"model": "sad", "messages": USER})
            assert (status, "max_tokens" in answer["error"]["message"]) == (400, True)

    asyncio.run(check())


def test_a_key_is_asked_for_only_where_one_was_set(tmp_path: Path) -> None:
    """With a key other keys and none get 401, in either protocol's header, and the message shows neither key."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path), key="k-right")) as client:
            body = {"model": "sad", "max_tokens": 99, "messages": USER}
            for path, headers, status in (
                (CHAT, {"Authorization": "Bearer k-right"}, 200),
                (MESSAGES, {"x-api-key": "k-right"}, 200),
                (CHAT, {"Authorization": "Bearer k-wrong"}, 401),
                (MESSAGES, {"x-api-key": "k-wrong"}, 401),
                (CHAT, {}, 401),
            ):
                got, answer, _ = await client.post(path, body, **headers)
                assert got == status
                assert "k-" not in json.dumps(answer.get("error"))

    asyncio.run(check())


def test_latency_is_waited(tmp_path: Path) -> None:
    """Ten replies at once with 100 ms each take 100 ms, not a second."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path), latency=0.1)) as client:
            loop = asyncio.get_running_loop()
            start = loop.time()
            await asyncio.gather(*(client.say("sad", CURT) for _ in range(10)))
            assert 0.1 <= loop.time() - start < 0.8

    asyncio.run(check())


def test_a_persona_as_judge_answers_prose(tmp_path: Path) -> None:
    """response_format and a forced tool are accepted and not obeyed, as by weak models."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path), seed=1)) as client:
            tool = {"tools": [{"name": "j"}], "tool_choice": {"type": "tool", "name": "j"}}
            _, answer, _ = await client.post(MESSAGES, {"model": "sad", "max_tokens": 99, "messages": USER, **tool})
            assert answer["content"][0]["type"] == "text"
            form = {"response_format": {"type": "json_object"}, "n": 50}
            _, answer, _ = await client.post(CHAT, {"model": "sad", "messages": USER, **form})
            assert any(choice["message"]["content"] in EXHIBITS for choice in answer["choices"])

    asyncio.run(check())
