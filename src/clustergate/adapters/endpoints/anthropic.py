"""Anthropic Messages."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import anthropic
import httpx2

from clustergate.adapters.endpoints.chat import CONNECT_SECONDS, ChatEndpoint, Composed, whole_url
from clustergate.adapters.endpoints.lessons import SCHEMA, TEMPERATURE
from clustergate.adapters.endpoints.reading import (
    ending,
    items,
    joined,
    mapping,
    part_thought,
    sound,
    string,
    text_or_none,
    tokens,
)
from clustergate.adapters.endpoints.source import DEFAULT_URL, Source
from clustergate.nouns.model import Answer, Finish, Model, Request

_FINISH: Final = {
    None: Finish.STOP,
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.REFUSED,
}


class AnthropicEndpoint(ChatEndpoint):
    def __init__(self, model: Model, key: str, source: Source) -> None:
        super().__init__(model, anthropic, source, schema_words="tools")
        self._client = anthropic.AsyncAnthropic(
            api_key=key,
            # Empty, not None: None sends the SDK looking through the environment.
            webhook_key="",
            base_url=_root(model.base_url or DEFAULT_URL["anthropic"]),
            default_headers=dict(model.headers),
            timeout=anthropic.Timeout(model.timeout, connect=min(CONNECT_SECONDS, model.timeout)),
            max_retries=0,
            open_telemetry=False,
            http_client=anthropic.DefaultAioHttpClient(),
        )
        self._url = whole_url(self._client.base_url, "v1/messages")

    async def close(self) -> None:
        await self._client.close()

    def _compose(self, request: Request) -> Composed:
        extra = self.model.extra_body
        talk = [message.as_dict() for message in request.messages if message.role != "system"]
        system = "\n\n".join(message.content for message in request.messages if message.role == "system")
        body: dict[str, Any] = {"model": self.model.id, "messages": talk, "max_tokens": request.max_tokens}
        sends = []
        if system:
            body["system"] = system
        if request.temperature is not None and TEMPERATURE not in self.lessons and "temperature" not in extra:
            body["temperature"] = request.temperature
            sends.append(TEMPERATURE)
        if request.schema is not None and SCHEMA not in self.lessons and not {"tools", "tool_choice"} & set(extra):
            name = request.schema.get("title", "answer")
            body["tools"] = [{"name": name, "description": "Give the answer.", "input_schema": dict(request.schema)}]
            body["tool_choice"] = {"type": "tool", "name": name}
            sends.append(SCHEMA)
        return Composed({**body, **extra}, tuple(sends))

    def _send(self, body: Mapping[str, Any]) -> Awaitable[Any]:
        # As with OpenAI; and the typed method takes no temperature.
        return self._client.post(self._url, cast_to=httpx2.Response, body=body)

    def _read(self, document: Mapping[str, Any]) -> Answer:
        texts: list[str] = []
        thoughts: list[str] = []
        given: str | None = None
        for item in items(document.get("content"), "content"):
            block = mapping(item, "blocks that can be read")
            if block.get("type") == "text":
                texts.append(string(block.get("text"), "the text of a block"))
            elif block.get("type") == "thinking":
                thoughts.append(string(block.get("thinking"), "the text of a thought"))
            elif block.get("type") == "tool_use":
                given = json.dumps(mapping(block.get("input"), "a tool's input"), ensure_ascii=False)
        thought, text = part_thought("".join(texts))
        usage = document.get("usage")
        return Answer(
            text=text if given is None else sound(given),
            finish=ending(document.get("stop_reason"), _FINISH),
            reasoning=joined(*thoughts, thought),
            served_as=text_or_none(document.get("model")),
            input_tokens=tokens(usage, "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
            output_tokens=tokens(usage, "output_tokens"),
        )


def _root(base_url: str) -> str:
    """The SDK adds /v1/messages itself; many a server's address is given with its /v1."""
    parts = urlsplit(base_url)
    return parts._replace(path=parts.path.rstrip("/").removesuffix("/v1")).geturl()
