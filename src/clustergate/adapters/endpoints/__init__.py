"""Chat endpoints over HTTP, through the providers' own SDKs, which are imported when the first one is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clustergate.adapters.endpoints.address import address_fault
from clustergate.adapters.endpoints.source import Source
from clustergate.nouns.errors import UsageProblems
from clustergate.nouns.model import Model
from clustergate.nouns.protocols import BatchEndpoint, Endpoint

NO_KEY: Final = "not-needed"
"""Sent where a server of one's own wants no key: the SDKs insist on having one."""


def open_endpoint(model: Model, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint of a model, without a request yet. Its key comes from `environ[model.api_key_env]`.

    Raises UsageProblems: no key, or a key, header or URL that cannot be sent.
    """
    key, source = _checked(model, environ)
    # One second each: a run that asks only one provider, or none, does not pay for the other.
    if model.provider == "anthropic":
        from clustergate.adapters.endpoints.anthropic import AnthropicEndpoint  # noqa: PLC0415

        return AnthropicEndpoint(model, key, source)
    from clustergate.adapters.endpoints.openai import OpenAIEndpoint  # noqa: PLC0415

    return OpenAIEndpoint(model, key, source)


def open_batches(model: Model, environ: Mapping[str, str]) -> BatchEndpoint:
    """The same, with the provider's batches. Raises UsageProblems."""
    key, source = _checked(model, environ)
    if model.provider == "anthropic":
        from clustergate.adapters.endpoints.anthropic_batches import AnthropicBatches  # noqa: PLC0415

        return AnthropicBatches(model, key, source)
    from clustergate.adapters.endpoints.openai_batches import OpenAIBatches  # noqa: PLC0415

    return OpenAIBatches(model, key, source)


def _checked(model: Model, environ: Mapping[str, str]) -> tuple[str, Source]:
    key = environ.get(model.api_key_env, "").strip()
    problems = [*_key_problems(model, key), *_header_problems(model), *_url_problems(model)]
    if problems:
        raise UsageProblems(problems)
    return key or NO_KEY, Source.of(model, key, environ)


def _key_problems(model: Model, key: str) -> list[str]:
    if not key:
        missing = f"{model.api_key_env} is not set: model {model.name!r} needs its key in that environment variable"
        return [] if model.key_optional else [missing]
    if not _sendable(key):
        return [f"{model.api_key_env} holds characters that no key has: was something else put into it?"]
    return []


def _header_problems(model: Model) -> list[str]:
    # Names the header, never its value: it may be a secret.
    return [
        f"model {model.name!r}: the header {name!r} holds characters that cannot be sent"
        for name, value in model.headers.items()
        if not (name and _sendable(name) and _sendable(value))
    ]


def _url_problems(model: Model) -> list[str]:
    if model.base_url is None or (found := address_fault(model.base_url)) is None:
        return []
    return [f"model {model.name!r}: its base URL is {found}"]


def _sendable(text: str) -> bool:
    return text.isascii() and text.isprintable()
