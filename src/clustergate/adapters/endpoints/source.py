"""Where an answer came from, in words for a message, and what such a message must never repeat."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import parse_qsl, quote, urlsplit

from clustergate.nouns.model import Model

DEFAULT_URL: Final = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
_LONG_ENOUGH: Final = 8
"""Characters from which a piece of a header or URL is taken for a secret of its own (the token in `Bearer …`)."""
_LOG_COMMAND: Final = re.compile(r"(?<!\S)::|##\[")
"""What GitHub reads as a command in a job's log: `::` where a line begins, as it may once wrapped, `##[` anywhere."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model at a host. `secrets` are replaced wherever a provider repeats them; the longest first."""

    provider: str
    model: str
    host: str
    key_env: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, model: Model, key: str, environ: Mapping[str, str]) -> Self:
        url = urlsplit(model.base_url or DEFAULT_URL[model.provider])
        host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname or ""
        # Headers that the SDKs add by themselves where the user set this variable.
        ambient = environ.get(f"{model.provider.upper()}_CUSTOM_HEADERS", "")
        values = [*model.headers.values(), *(line.partition(":")[2].strip() for line in ambient.splitlines())]
        pieces = [piece for value in values for piece in value.split()]
        pieces += [value for _, value in parse_qsl(url.query)] + [url.username or ""]
        secrets = {key, url.password or "", *values, *(piece for piece in pieces if len(piece) >= _LONG_ENOUGH)} - {""}
        return cls(
            provider=model.provider,
            model=model.id,
            host=f"{host}:{url.port}" if url.port else host,
            key_env=model.api_key_env,
            secrets=tuple(sorted(_spellings(secrets), key=len, reverse=True)),
        )

    def sentence(self, what: str) -> str:
        """`what` happened, with the endpoint as its subject."""
        return f"{self.provider} model {self.model!r} at {self.host} {what}"

    def clean(self, text: str, limit: int) -> str:
        """A provider's text, fit for a message: secrets out, on one line, cut, controls and CI commands escaped."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        text = " ".join(text.split())
        if len(text) > limit:
            text = text[: limit - 1] + "…"
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        return _LOG_COMMAND.sub(lambda found: rf"\x{ord(found.group()[0]):02x}{found.group()[1:]}", text)


def _spellings(secrets: Iterable[str]) -> set[str]:
    """Each secret as it is, as JSON and as a URL would spell it."""
    return {form for one in secrets for form in (one, json.dumps(one)[1:-1], quote(one, safe=""))}
