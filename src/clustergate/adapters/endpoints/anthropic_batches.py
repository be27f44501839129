"""Batches of Anthropic Messages: a list of requests in, a stream of results out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import anthropic

from clustergate.adapters.endpoints.anthropic import AnthropicEndpoint
from clustergate.adapters.endpoints.batches import SKEW, SLOW, BatchingEndpoint, count
from clustergate.adapters.endpoints.chat import Heard
from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import ClustergateError
from clustergate.nouns.model import Request

_STATUSES: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What a line's error would be by HTTP; any other is the provider's own (500)."""
_DONE: Final = ("succeeded", "errored", "canceled", "expired")


class AnthropicBatches(AnthropicEndpoint, BatchingEndpoint):
    most_lines = 100_000
    most_bytes = 256_000_000

    async def submit(self, tag: str, lines: Mapping[str, Request]) -> str:
        requests: Any = [{"custom_id": name, "params": self._compose(request).body} for name, request in lines.items()]
        submitting = self._client.messages.batches.with_raw_response.create(requests=requests, timeout=SLOW)
        return self._id(self._created(await self._hear(submitting, SLOW)))

    async def find(self, tag: str, size: int, since: float, known: set[str]) -> Sequence[str]:
        # No tag can be left there: whatever was made then, of that size, may be it.
        found: list[str] = []
        after: dict[str, Any] = {}
        while True:
            listing = self._client.messages.batches.with_raw_response.list(limit=100, **after)
            page = self._document(await self._hear(listing))
            batches = [batch for batch in page.get("data") or () if isinstance(batch, dict)]
            young = [batch for batch in batches if _seconds(batch.get("created_at")) >= since - SKEW]
            for batch in young:
                if count(batch.get("request_counts"), "processing", *_DONE) == size:
                    found.append(self._id(batch))
            if len(young) < len(batches) or not (batches and page.get("has_more")):
                return [batch_id for batch_id in found if batch_id not in known]
            after = {"after_id": self._id(batches[-1])}

    async def look(self, batch_id: str) -> BatchState:
        heard = await self._hear(self._client.messages.batches.with_raw_response.retrieve(batch_id))
        if heard.status == 404:
            return self._gone(batch_id)
        batch = self._document(heard)
        done, open_ = count(batch.get("request_counts"), *_DONE), count(batch.get("request_counts"), "processing")
        return BatchState(answered=done, total=done + open_, ended=batch.get("processing_status") == "ended")

    async def _fetch(self, batch_id: str) -> bytes:
        try:
            heard = await self._hear(_whole(self._client.messages.batches.with_raw_response.results(batch_id)), SLOW)
        except anthropic.AnthropicError:  # it has no results, or none any more
            return b""
        if heard.status >= 300:
            self._document(heard)  # which says what it is
        return heard.content

    def _line(self, result: Mapping[str, Any]) -> Heard | ClustergateError:
        told = result.get("result")
        told = told if isinstance(told, dict) else {}
        if told.get("type") == "succeeded":
            return Heard(200, {}, json.dumps(told.get("message")).encode())
        error = told.get("error")
        inner = error.get("error") if isinstance(error, dict) else None
        if told.get("type") == "errored" and isinstance(inner, dict):
            return Heard(_STATUSES.get(str(inner.get("type")), 500), {}, json.dumps(error).encode())
        return self._unanswered(self._source.clean(f"it was {told.get('type') or 'left out'}", 100))


async def _whole(sending: Awaitable[Any]) -> Any:
    """The SDK streams results; here they are read to the end."""
    response = await sending
    await response.http_response.aread()
    return response


def _seconds(created: Any) -> float:
    """A moment in RFC 3339 as seconds since the epoch; far ahead where it cannot be read."""
    try:
        return datetime.fromisoformat(str(created)).timestamp()
    except ValueError:
        return float("inf")
