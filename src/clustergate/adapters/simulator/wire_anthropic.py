"""The shapes of Anthropic Messages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from clustergate.adapters.simulator.wire import Asked, Refused, Said, conversation, temperature_up_to, tokens, whole

_KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Anthropic:
    def read(self, body: Mapping[str, Any]) -> Asked:
        """A request's body as read. Raises Refused (400)."""
        temperature_up_to(body, 1)
        system, messages = conversation(body)
        max_tokens = whole(body, "max_tokens")
        if max_tokens is None:
            raise Refused(400, "max_tokens: Field required")
        choice = body.get("tool_choice")
        forced = isinstance(choice, dict) and choice.get("type") == "tool"
        tool = str(choice.get("name")) if isinstance(choice, dict) and forced else None
        return Asked(model=body["model"], system=system, messages=messages, max_tokens=max_tokens, tool=tool)

    def answer(self, asked: Asked, said: list[Said]) -> dict[str, Any]:
        one = said[0]
        block: dict[str, Any] = {"type": "text", "text": one.text}
        reason = "max_tokens" if one.cut else "end_turn"
        # A persona has no object to fill a tool with: it answers in prose, as weak models do.
        if asked.tool is not None and one.data is not None and not one.cut:
            block = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": asked.tool, "input": one.data}
            reason = "tool_use"
        return {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "content": [block],
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {
                "input_tokens": asked.input_tokens,
                "output_tokens": tokens(one.text),
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "service_tier": "standard",
            },
        }

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = _KINDS.get(status, "api_error")
        return {
            "type": "error",
            "error": {"type": kind, "message": message},
            "request_id": f"req_{uuid.uuid4().hex[:24]}",
        }

    def models(self, names: list[str]) -> dict[str, Any]:
        data = [
            {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"} for name in names
        ]
        return {"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}
