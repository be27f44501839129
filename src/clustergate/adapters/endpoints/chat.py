"""What both providers share: send through the SDK, learn from refusals, read strictly, say what went wrong."""

from __future__ import annotations

import abc
import asyncio
import json
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from clustergate.adapters.endpoints.faults import fault, garbage, is_filtered
from clustergate.adapters.endpoints.headroom import headrooms
from clustergate.adapters.endpoints.lessons import Lessons
from clustergate.adapters.endpoints.reading import Garbled
from clustergate.adapters.endpoints.source import Source
from clustergate.nouns.errors import ParameterDropped, TransientFault
from clustergate.nouns.headroom import Headroom
from clustergate.nouns.model import Answer, Finish, Model, Request

CONNECT_SECONDS: Final = 5.0
"""As in the SDKs: a host that does not take a connection by then is not there."""


@dataclass(frozen=True)
class Heard:
    """An HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def whole_url(base: object, path: str) -> str:
    """Where requests go: given a path alone, the SDKs would put it together anew for each, at a tenth of its CPU."""
    return f"{str(base).rstrip('/')}/{path}"


@dataclass(frozen=True)
class Composed:
    """A request's body, and those of the droppable parameters (words of `lessons`) that it sends."""

    body: Mapping[str, Any]
    sends: tuple[str, ...]


class ChatEndpoint(abc.ABC):
    """Implements nouns.protocols.Endpoint; a subclass knows one provider's shapes. `sdk` is its module."""

    def __init__(self, model: Model, sdk: Any, source: Source, schema_words: str) -> None:
        self.model = model
        self._sdk = sdk
        self._source = source
        self.lessons = Lessons(schema_words)
        self.headroom: tuple[Headroom, ...] = ()

    @property
    def dropped(self) -> tuple[str, ...]:
        return self.lessons.dropped

    @abc.abstractmethod
    def _compose(self, request: Request) -> Composed:
        """The body of a request, without what was learned to be refused."""

    @abc.abstractmethod
    def _send(self, body: Mapping[str, Any]) -> Awaitable[Any]:
        """The response as it came, through the SDK."""

    @abc.abstractmethod
    def _read(self, document: Mapping[str, Any]) -> Answer:
        """Raises Garbled."""

    def _read_several(self, document: Mapping[str, Any]) -> Sequence[Answer]:
        """All answers, what they cost at the first. Raises Garbled."""
        return (self._read(document),)

    @abc.abstractmethod
    async def close(self) -> None: ...

    async def ask(self, request: Request) -> Answer:
        """One HTTP request. Raises TransientFault, EndpointRejected, RequestRefused, ParameterDropped."""
        return (await self.ask_several(request))[0]

    async def ask_several(self, request: Request) -> Sequence[Answer]:
        """One HTTP request for `n` answers; raises as `ask`."""
        composed = self._compose(request)
        heard = await self._hear(self._send(composed.body))
        self.headroom = headrooms(heard.headers)
        return self._take(heard, composed.sends)

    def _take(self, heard: Heard, sends: Collection[str]) -> Sequence[Answer]:
        """What came for a request that sent those droppable parameters. Raises as `ask` does."""
        if heard.status < 300:
            return self._understand(heard)
        if is_filtered(heard.status, heard.text):
            return (Answer(text="", finish=Finish.FILTERED),)
        if (learned := self.lessons.learn(heard.status, heard.text, sends)) is not None:
            raise ParameterDropped(learned)
        raise fault(heard.status, heard.headers, heard.text, self._source)

    async def _hear(self, sending: Awaitable[Any], seconds: float | None = None) -> Heard:
        """What comes within so many seconds, those of the model where none are given. Raises TransientFault."""
        try:
            # The SDKs' own time-out is from byte to byte: a server that drips would never meet it.
            async with asyncio.timeout(seconds or self.model.timeout):
                answer = await sending
            response = getattr(answer, "http_response", answer)  # wrapped, where a typed method was asked
        except self._sdk.APIStatusError as error:
            response = error.response
        except TimeoutError:
            raise self._silent() from None
        except (self._sdk.APIConnectionError, aiohttp.ClientError, OSError) as error:
            raise self._cut(error) from None
        return Heard(response.status_code, response.headers, response.content)

    def _silent(self) -> TransientFault:
        return TransientFault(self._source.sentence(f"gave no answer within {self.model.timeout:g} s"))

    def _cut(self, error: BaseException) -> TransientFault:
        # The SDKs say 'Connection error.' of everything: what happened is at the bottom of the chain.
        while error.__cause__ is not None:
            error = error.__cause__
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return TransientFault(self._source.sentence("could not be reached in time"))
        if isinstance(error, TimeoutError):
            return self._silent()
        why = self._source.clean(str(error) or type(error).__name__, 300)
        if isinstance(error, aiohttp.ClientConnectorError | ConnectionRefusedError):
            return TransientFault(self._source.sentence(f"could not be reached: {why}"))
        return TransientFault(self._source.sentence(f"broke the connection: {why}"))

    def _understand(self, heard: Heard) -> Sequence[Answer]:
        try:
            document = json.loads(heard.content)
        except (ValueError, RecursionError):
            raise garbage(heard.text, "what is not JSON", self._source) from None
        if not isinstance(document, dict):
            raise garbage(heard.text, "JSON that is no object", self._source)
        error = document.get("error")
        status = error.get("code") if isinstance(error, dict) else None
        if isinstance(status, int) and 400 <= status <= 599:
            # Some gateways have sent their 200 before they know better.
            raise fault(status, heard.headers, heard.text, self._source)
        try:
            return self._read_several(document)
        except Garbled as problem:
            raise garbage(heard.text, str(problem), self._source) from None
