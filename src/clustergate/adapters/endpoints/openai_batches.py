"""Batches of OpenAI Chat Completions: a file of requests in, a file of answers and one of errors out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from clustergate.adapters.endpoints.batches import SKEW, SLOW, BatchingEndpoint, count
from clustergate.adapters.endpoints.chat import Heard
from clustergate.adapters.endpoints.openai import OpenAIEndpoint
from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import ClustergateError, EndpointRejected, TransientFault
from clustergate.nouns.model import Request

_PATH: Final = "/v1/chat/completions"
_TAG: Final = "clustergate"
"""The key of our tag in a batch's metadata."""
_OVER: Final = frozenset({"completed", "expired", "cancelled"})
_TOO_MUCH: Final = "token_limit_exceeded"
"""The error of a batch that does not fit beside those that are under way."""


class OpenAIBatches(OpenAIEndpoint, BatchingEndpoint):
    most_lines = 50_000
    most_bytes = 200_000_000

    async def submit(self, tag: str, lines: Mapping[str, Request]) -> str:
        written = "\n".join(
            json.dumps({"custom_id": name, "method": "POST", "url": _PATH, "body": self._compose(request).body})
            for name, request in lines.items()
        )
        file = (f"clustergate-{tag}.jsonl", written.encode(), "application/jsonl")
        creating = self._client.files.with_raw_response.create(file=file, purpose="batch", timeout=SLOW)
        uploaded = self._id(self._created(await self._hear(creating, SLOW)))
        submitting = self._client.batches.with_raw_response.create(
            input_file_id=uploaded, endpoint=_PATH, completion_window="24h", metadata={_TAG: tag}
        )
        return self._id(self._created(await self._hear(submitting)))

    async def find(self, tag: str, size: int, since: float, known: set[str]) -> Sequence[str]:
        after: dict[str, Any] = {}
        while True:
            page = self._document(await self._hear(self._client.batches.with_raw_response.list(limit=100, **after)))
            batches = [batch for batch in page.get("data") or () if isinstance(batch, dict)]
            for batch in batches:
                metadata = batch.get("metadata")
                if isinstance(metadata, dict) and metadata.get(_TAG) == tag:
                    return [self._id(batch)]
            if not (batches and page.get("has_more")) or count(batches[-1], "created_at") < since - SKEW:
                return []
            after = {"after": self._id(batches[-1])}

    async def look(self, batch_id: str) -> BatchState:
        heard = await self._hear(self._client.batches.with_raw_response.retrieve(batch_id))
        if heard.status == 404:
            return self._gone(batch_id)
        batch = self._document(heard)
        counts = batch.get("request_counts")
        failed = batch.get("status") == "failed"
        return BatchState(
            answered=count(counts, "completed", "failed"),
            total=count(counts, "total"),
            ended=failed or batch.get("status") in _OVER,
            refusal=self._refusal(batch) if failed else None,
        )

    def _refusal(self, batch: Mapping[str, Any]) -> ClustergateError:
        errors = batch.get("errors")
        told = errors.get("data") if isinstance(errors, dict) else None
        first: Mapping[str, Any] = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
        said = self._source.clean(str(first.get("message") or first.get("code") or "no reason was given"), 300)
        words = self._source.sentence(f"refused a batch: {said}")
        if first.get("code") == _TOO_MUCH:
            return TransientFault(words, rate_limited=True)
        return EndpointRejected(words)

    async def _fetch(self, batch_id: str) -> bytes:
        batch = self._document(await self._hear(self._client.batches.with_raw_response.retrieve(batch_id)))
        parts = []
        for name in ("output_file_id", "error_file_id"):
            if isinstance(file := batch.get(name), str) and file:
                heard = await self._hear(self._client.files.with_raw_response.content(file, timeout=SLOW), SLOW)
                if heard.status >= 300 and heard.status != 404:
                    self._document(heard)  # which says what it is
                parts.append(b"" if heard.status == 404 else heard.content)
        return b"\n".join(parts)

    def _line(self, result: Mapping[str, Any]) -> Heard | ClustergateError:
        response, error = result.get("response"), result.get("error")
        if isinstance(response, dict) and isinstance(status := response.get("status_code"), int):
            return Heard(status, {}, json.dumps(response.get("body")).encode())
        why = error.get("message") or error.get("code") if isinstance(error, dict) else None
        return self._unanswered(self._source.clean(str(why or "no reason was given"), 200))
