"""OpenAI Chat Completions, at OpenAI and at all the servers that speak it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

import httpx2
import openai

from clustergate.adapters.endpoints.chat import CONNECT_SECONDS, ChatEndpoint, Composed, whole_url
from clustergate.adapters.endpoints.lessons import MAX_TOKENS, SCHEMA, SEVERAL, TEMPERATURE
from clustergate.adapters.endpoints.reading import (
    Garbled,
    ending,
    items,
    joined,
    mapping,
    part_thought,
    string,
    text_or_none,
    tokens,
)
from clustergate.adapters.endpoints.source import DEFAULT_URL, Source
from clustergate.nouns.model import Answer, Finish, Model, Request

_FINISH: Final = {
    None: Finish.STOP,
    "": Finish.STOP,
    "stop": Finish.STOP,
    "tool_calls": Finish.STOP,
    "function_call": Finish.STOP,
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "content_filter": Finish.FILTERED,
}


class OpenAIEndpoint(ChatEndpoint):
    def __init__(self, model: Model, key: str, source: Source) -> None:
        super().__init__(model, openai, source, schema_words="response_format")
        self._client = openai.AsyncOpenAI(
            api_key=key,
            # Empty, not None: None sends the SDK looking through the environment.
            admin_api_key="",
            webhook_secret="",
            base_url=model.base_url or DEFAULT_URL["openai"],
            default_headers=dict(model.headers),
            timeout=openai.Timeout(model.timeout, connect=min(CONNECT_SECONDS, model.timeout)),
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(),
        )
        # Found in the environment, and an empty one would be sent: another server is not told of the account.
        self._client.organization = None
        self._client.project = None
        self._url = whole_url(self._client.base_url, "chat/completions")

    async def close(self) -> None:
        await self._client.close()

    def _compose(self, request: Request) -> Composed:
        extra = self.model.extra_body
        body: dict[str, Any] = {"model": self.model.id, "messages": [m.as_dict() for m in request.messages]}
        sends = []
        if request.temperature is not None and TEMPERATURE not in self.lessons and "temperature" not in extra:
            body["temperature"] = request.temperature
            sends.append(TEMPERATURE)
        if MAX_TOKENS in self.lessons:
            body["max_completion_tokens"] = request.max_tokens
        elif not {"max_tokens", "max_completion_tokens"} & set(extra):
            body["max_tokens"] = request.max_tokens
            sends.append(MAX_TOKENS)
        if request.schema is not None and SCHEMA not in self.lessons and "response_format" not in extra:
            named = {"name": request.schema.get("title", "answer"), "strict": True, "schema": dict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
            sends.append(SCHEMA)
        if request.n > 1 and SEVERAL not in self.lessons and "n" not in extra:
            body["n"] = request.n
            sends.append(SEVERAL)
        return Composed({**body, **extra}, tuple(sends))

    def _send(self, body: Mapping[str, Any]) -> Awaitable[Any]:
        # The SDK's typed methods go through their arguments key by key, at a fifth of a request's CPU.
        return self._client.post(self._url, cast_to=httpx2.Response, body=body)

    def _read(self, document: Mapping[str, Any]) -> Answer:
        choices = items(document.get("choices"), "choices")
        if not choices:
            raise Garbled("JSON with an empty list of choices")
        choice = mapping(choices[0], "a choice")
        message = mapping(choice.get("message"), "a message")
        finish = ending(choice.get("finish_reason"), _FINISH)
        thought, text = part_thought(_content(message.get("content")))
        refusal = text_or_none(message.get("refusal"))
        if refusal is not None:
            text, finish = refusal, Finish.REFUSED
        usage = document.get("usage")
        return Answer(
            text=text,
            finish=finish,
            reasoning=joined(
                text_or_none(message.get("reasoning_content")) or text_or_none(message.get("reasoning")), thought
            ),
            served_as=text_or_none(document.get("model")),
            fingerprint=text_or_none(document.get("system_fingerprint")),
            input_tokens=tokens(usage, "prompt_tokens"),
            output_tokens=tokens(usage, "completion_tokens"),
        )

    def _read_several(self, document: Mapping[str, Any]) -> Sequence[Answer]:
        answers = [self._read({**document, "choices": [one]}) for one in items(document.get("choices"), "choices")]
        if not answers:
            return (self._read(document),)  # which says what is wrong
        # The usage is that of the whole request.
        none = (None if answers[0].input_tokens is None else 0, None if answers[0].output_tokens is None else 0)
        free = [dataclasses.replace(one, input_tokens=none[0], output_tokens=none[1]) for one in answers[1:]]
        return [answers[0], *free]


def _content(content: Any) -> str:
    """A text, a list of parts whose texts are joined, or null where only reasoning or a refusal came."""
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [mapping(part, "parts that can be read") for part in content]
        return "".join(string(part.get("text"), "the text of a part") for part in parts if part.get("type") == "text")
    return string(content, "a text as content")
