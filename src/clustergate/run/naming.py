"""The grammar of model names: what `--model` and `--judge` mean. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from clustergate.adapters.endpoints.address import address_fault
from clustergate.adapters.endpoints.source import DEFAULT_URL
from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.model import Model
from clustergate.nouns.settings import ModelSettings
from clustergate.read.checked import nearest
from clustergate.report.escape import flat

JUDGES: Final = frozenset({"judge"})
"""The simulated judges."""
PROVIDERS: Final = ("openai", "anthropic")
DEFAULT_KEY_ENV: Final = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
URL_ENV: Final = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}
_URL_OPTION: Final = {"--model": "--base-url", "--judge": "--judge-base-url", "--baseline": "--base-url"}


def resolve(
    option: str,
    name: str,
    *,
    declared: Mapping[str, ModelSettings],
    base_url: str | None,
    api_key_env: str | None,
    environ: Mapping[str, str],
    personas: Collection[str],
    simulator: str | None,
) -> Model:
    """The model that `name` means. Raises UsageProblems.

    A declared name wins; `openai/`, `anthropic/` and `sim/` are the only prefixes; `claude…` is Anthropic's and all
    else OpenAI's. `simulator` is the root URL of the simulator started for this run, or None.
    """
    if base_url:
        _check(_URL_OPTION[option], base_url)
    if name in declared:
        return _declared(name, declared[name], base_url, api_key_env, environ)
    prefix, slash, rest = name.partition("/")
    if prefix == "sim" and slash:
        if rest not in personas:
            expected = f"one of {', '.join(f'sim/{persona}' for persona in sorted(personas))}"
            hint = nearest(rest, personas)
            raise UsageProblems([Problem(option, "", repr(name), expected, f"sim/{hint}" if hint else None)])
        url = base_url or (f"{simulator}/v1" if simulator else None)
        return Model(
            name=name,
            provider="openai",
            id=rest,
            base_url=url,
            api_key_env=api_key_env or DEFAULT_KEY_ENV["openai"],
            key_optional=True,
            identity=name if base_url is None else None,
            simulated=True,
        )
    if prefix in PROVIDERS and slash:
        provider, model_id = prefix, rest
    else:
        provider, model_id = ("anthropic" if name.startswith("claude") else "openai"), name
    if not model_id.strip():
        raise UsageProblems([Problem(option, "", repr(name), "the name of a model")])
    url = base_url or _ambient(provider, environ)
    return Model(
        name=name,
        provider=provider,
        id=model_id,
        base_url=url,
        api_key_env=api_key_env or DEFAULT_KEY_ENV[provider],
        # A server of one's own often wants no key; the providers always do.
        key_optional=url != DEFAULT_URL[provider] and api_key_env is None,
    )


def bench_models(
    names: Sequence[str],
    *,
    declared: Mapping[str, ModelSettings],
    base_url: str | None,
    api_key_env: str | None,
    environ: Mapping[str, str],
    simulator: str | None,
) -> list[Model]:
    """The judges that those names mean. Raises UsageProblems with everything that is wrong.

    Those after the first use its URL and key, if they speak its protocol and are not declared.
    """
    problems: list[Problem | str] = []
    models: list[Model] = []
    for name in names:
        try:
            found = resolve(
                "--judge",
                name,
                declared=declared,
                # A key is never sent to another provider than it was named for.
                base_url=None if models else base_url,
                api_key_env=None if models else api_key_env,
                environ=environ,
                personas=JUDGES,
                simulator=simulator,
            )
        except UsageProblems as error:
            problems += error.problems
            continue
        first = models[0] if models and name not in declared else None
        if first and not (found.simulated or first.simulated) and found.provider == first.provider:
            found = dataclasses.replace(
                found, base_url=first.base_url, api_key_env=first.api_key_env, key_optional=first.key_optional
            )
        models.append(found)
    if len({str(model.identified()) for model in models}) < len(models):
        problems.append(f"judges {flat(', '.join(names))}: found one model twice, expected judges that differ")
    if problems:
        raise UsageProblems(problems)
    return models


def _declared(
    name: str,
    settings: ModelSettings,
    base_url: str | None,
    api_key_env: str | None,
    environ: Mapping[str, str],
) -> Model:
    provider = settings.provider
    if settings.base_url and not base_url:
        _check(f"models.{flat(name)}.base_url", settings.base_url)
    url = base_url or settings.base_url or _ambient(provider, environ)
    key_env = api_key_env or settings.api_key_env
    price = settings.usd_per_million
    return Model(
        name=name,
        provider=provider,
        id=settings.id,
        base_url=url,
        api_key_env=key_env or DEFAULT_KEY_ENV[provider],
        key_optional=url != DEFAULT_URL[provider] and key_env is None,
        max_tokens=settings.max_tokens,
        extra_body=settings.extra_body or {},
        headers=settings.headers or {},
        identity=settings.identity,
        usd_per_million=(price.input, price.output) if price else None,
        timeout=settings.timeout,
    )


def _ambient(provider: str, environ: Mapping[str, str]) -> str:
    if url := environ.get(URL_ENV[provider]):
        _check(URL_ENV[provider], url)
    return url or DEFAULT_URL[provider]


def _check(where: str, url: str) -> None:
    """Raises UsageProblems, which names where the URL was given and never the URL: it may hold a secret."""
    if (found := address_fault(url)) is not None:
        expected = "http:// or https://, host and path alone; a key goes into the variable that --api-key-env names"
        raise UsageProblems([Problem(where, "", found, expected)])
