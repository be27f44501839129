"""The shapes of OpenAI Chat Completions."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from clustergate.adapters.simulator.wire import Asked, Said, conversation, temperature_up_to, tokens, whole

_CODES: Final = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


class OpenAI:
    def read(self, body: Mapping[str, Any]) -> Asked:
        """A request's body as read. Raises Refused (400)."""
        temperature_up_to(body, 2)
        system, messages = conversation(body)
        return Asked(
            model=body["model"],
            system=system,
            messages=messages,
            n=whole(body, "n", 128) or 1,
            max_tokens=whole(body, "max_completion_tokens") or whole(body, "max_tokens"),
        )

    def answer(self, asked: Asked, said: list[Said]) -> dict[str, Any]:
        given, made = asked.input_tokens, sum(tokens(one.text) for one in said)
        choices: list[dict[str, Any]] = [
            {
                "index": index,
                "message": {"role": "assistant", "content": one.text, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "length" if one.cut else "stop",
            }
            for index, one in enumerate(said)
        ]
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": asked.model,
            "choices": choices,
            "usage": {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made},
            "service_tier": "default",
            "system_fingerprint": f"fp_{hashlib.sha256(asked.model.encode()).hexdigest()[:10]}",
        }

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": _CODES.get(status)}}

    def models(self, names: list[str]) -> dict[str, Any]:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "clustergate"} for name in names]
        return {"object": "list", "data": data}
