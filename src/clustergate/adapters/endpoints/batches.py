"""What the batch endpoints of both providers share: how they refuse, and how the lines of a result are read."""

from __future__ import annotations

import abc
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from clustergate.adapters.endpoints.chat import ChatEndpoint, Heard
from clustergate.adapters.endpoints.faults import fault, garbage, provider_message
from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import ClustergateError, EndpointRejected, RequestRefused, TransientFault
from clustergate.nouns.model import Answer, Request

SLOW: Final = 600.0
"""Seconds for what carries all requests or all results of a batch."""
SKEW: Final = 300.0
"""Seconds that the provider's clock may be off."""
_AROUND_A_LINE: Final = 200
"""Bytes that a line has beside the request."""
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:=-]{,199}")


class BatchingEndpoint(ChatEndpoint):
    """Implements nouns.protocols.BatchEndpoint as far as the providers agree."""

    def weigh(self, request: Request) -> int:
        return len(json.dumps(self._compose(request).body)) + _AROUND_A_LINE

    async def results(self, batch_id: str, asked: Mapping[str, Request]) -> Mapping[str, Answer | ClustergateError]:
        lines = dict(self._lines(await self._fetch(batch_id)))
        # Before the first is read: what one line teaches, all have sent.
        sends = {name: self._compose(request).sends for name, request in asked.items() if name in lines}
        return {name: self._outcome(line, sends.get(name, ())) for name, line in lines.items()}

    @abc.abstractmethod
    async def _fetch(self, batch_id: str) -> bytes:
        """The results, one JSON object a line."""

    @abc.abstractmethod
    def _line(self, result: Mapping[str, Any]) -> Heard | ClustergateError:
        """What a line of the results holds: an answer as if it had come by itself, or why there is none."""

    def _lines(self, results: bytes) -> Iterator[tuple[str, Heard | ClustergateError]]:
        """The lines that can be read; one that cannot is one without a result."""
        for text in results.split(b"\n"):
            try:
                result = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(result, dict) and isinstance(name := result.get("custom_id"), str):
                yield name, self._line(result)

    def _outcome(self, line: Heard | ClustergateError, sends: Iterable[str]) -> Answer | ClustergateError:
        if isinstance(line, ClustergateError):
            return line
        try:
            return self._take(line, tuple(sends))[0]
        except ClustergateError as error:
            return error

    def _unanswered(self, why: str) -> TransientFault:
        return TransientFault(self._source.sentence(f"left a request of a batch unanswered: {why}"))

    def _document(self, heard: Heard) -> dict[str, Any]:
        """The JSON object of an answer about batches. Raises TransientFault, EndpointRejected."""
        if heard.status >= 300:
            error = fault(heard.status, heard.headers, heard.text, self._source)
            # Nothing here is about one request that others could do without.
            raise EndpointRejected(str(error)) if isinstance(error, RequestRefused) else error
        try:
            document = json.loads(heard.content)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise garbage(heard.text, "what is no JSON object", self._source)
        return document

    def _created(self, heard: Heard) -> dict[str, Any]:
        """As `_document`, for what is submitted: a server that knows no batches says so in its own way."""
        if heard.status in (404, 405, 501):
            said = self._source.clean(provider_message(heard.text), 100)
            raise EndpointRejected(
                self._source.sentence(f"takes no batches (it answered {heard.status}: {said}). Run without --batch")
            )
        return self._document(heard)

    def _id(self, document: Mapping[str, Any]) -> str:
        """The name in an answer: it is printed, and it is part of URLs."""
        found = document.get("id")
        if not isinstance(found, str) or not _ID.fullmatch(found):
            raise garbage(json.dumps(document), "JSON without an id", self._source)
        return found

    def _gone(self, batch_id: str) -> BatchState:
        return BatchState(answered=0, total=0, ended=True, refusal=self._unanswered(f"{batch_id} is not known there"))


def count(counts: Any, *names: str) -> int:
    """The sum of those counts, each 0 where it is not told."""
    told = [counts.get(name) for name in names] if isinstance(counts, dict) else []
    return sum(number for number in told if isinstance(number, int))
