"""The grammar of model names: interface.md, section 2."""

from __future__ import annotations

from typing import Any

import pytest

from clustergate.nouns.errors import UsageProblems
from clustergate.nouns.model import Model
from clustergate.nouns.settings import ModelSettings, Price
from clustergate.run.naming import resolve

OPENAI, ANTHROPIC = "https://api.openai.com/v1", "https://api.anthropic.com"
SIMULATOR = "http://127.0.0.1:8123"


def _resolve(name: str, **changes: Any) -> Model:
    given: dict[str, Any] = {
        "declared": {},
        "base_url": None,
        "api_key_env": None,
        "environ": {},
        "personas": {"denying", "claiming"},
        "simulator": SIMULATOR,
    }
    return resolve("--model", name, **(given | changes))


def _message(name: str, **changes: Any) -> str:
    with pytest.raises(UsageProblems) as raised:
        _resolve(name, **changes)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "provider", "model_id"),
    [
        ("gpt-4.1", "openai", "gpt-4.1"),
        ("openai/gpt-4.1", "openai", "gpt-4.1"),
        ("openai/Qwen/Qwen3-30B", "openai", "Qwen/Qwen3-30B"),
        ("Qwen/Qwen3-30B", "openai", "Qwen/Qwen3-30B"),
        ("ft:gpt-4.1-2025-04-14:acme::abc123", "openai", "ft:gpt-4.1-2025-04-14:acme::abc123"),
        ("meta-llama/claude-like", "openai", "meta-llama/claude-like"),
        ("claude-opus-4-1", "anthropic", "claude-opus-4-1"),
        ("anthropic/claude-opus-4-1", "anthropic", "claude-opus-4-1"),
        ("anthropic/other", "anthropic", "other"),
        ("openai/claude-opus-4-1", "openai", "claude-opus-4-1"),
        ("OpenAI/gpt-4.1", "openai", "OpenAI/gpt-4.1"),
        ("sim", "openai", "sim"),
        ("openai", "openai", "openai"),
        ("simulated/denying", "openai", "simulated/denying"),
    ],
)
def test_grammar(name: str, provider: str, model_id: str) -> None:
    """Three words are prefixes; without one `claude…` is Anthropic's and all else OpenAI's."""
    model = _resolve(name)
    assert (model.provider, model.id, model.name) == (provider, model_id, name)
    assert not model.simulated


@pytest.mark.parametrize(
    ("name", "url", "key_env"),
    [("gpt-4.1", OPENAI, "OPENAI_API_KEY"), ("claude-opus-4-1", ANTHROPIC, "ANTHROPIC_API_KEY")],
)
def test_defaults(name: str, url: str, key_env: str) -> None:
    """A provider has its URL and its variable, and always wants a key."""
    model = _resolve(name)
    assert (model.base_url, model.api_key_env, model.key_optional) == (url, key_env, False)


def test_persona() -> None:
    """A persona is served by this run's simulator; it is the same model whatever the port, and needs no key."""
    model = _resolve("sim/denying")
    assert (model.provider, model.id, model.base_url) == ("openai", "denying", f"{SIMULATOR}/v1")
    assert (model.simulated, model.key_optional, model.identity) == (True, True, "sim/denying")
    assert model.identified() == _resolve("sim/denying", simulator="http://127.0.0.1:9").identified()


def test_persona_at_a_url() -> None:
    """A simulator that someone else started is told by its URL."""
    model = _resolve("sim/denying", base_url="http://elsewhere/v1", simulator=None)
    assert (model.base_url, model.identity, model.simulated) == ("http://elsewhere/v1", None, True)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("sim/denyng", "; did you mean 'sim/denying'?"), ("sim/", ""), ("sim/Denying/x", ""), ("sim/zzz", "")],
)
def test_unknown_persona(name: str, hint: str) -> None:
    """An unknown persona is told with all there are and the nearest."""
    message = _message(name)
    assert message.startswith(f"--model: found '{name}', expected one of sim/claiming, sim/denying")
    assert message.endswith(hint)


@pytest.mark.parametrize("name", ["", " ", "openai/", "anthropic/", "openai/ "])
def test_empty_id(name: str) -> None:
    """A name without an id is no name."""
    assert _message(name) == f"--model: found {name!r}, expected the name of a model"


# -------------------------------------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("name", "variable"), [("gpt-4.1", "OPENAI_BASE_URL"), ("claude-opus-4-1", "ANTHROPIC_BASE_URL")]
)
def test_url_from_the_environment(name: str, variable: str) -> None:
    """The SDKs' own variable is honored, and the option beats it."""
    environ = {variable: "http://gateway/v1"}
    assert _resolve(name, environ=environ).base_url == "http://gateway/v1"
    assert _resolve(name, environ=environ, base_url="http://mine/v1").base_url == "http://mine/v1"
    assert _resolve(name, environ={variable: ""}).base_url == _resolve(name).base_url


def test_the_environment_does_not_move_the_simulator() -> None:
    """A gateway in the environment is not asked for a simulated model."""
    assert _resolve("sim/denying", environ={"OPENAI_BASE_URL": "http://gateway/v1"}).base_url == f"{SIMULATOR}/v1"


@pytest.mark.parametrize(
    ("base_url", "api_key_env", "optional"),
    [(None, None, False), (OPENAI, None, False), ("http://mine/v1", None, True), ("http://mine/v1", "KEY", False)],
)
def test_when_a_key_is_needed(base_url: str | None, api_key_env: str | None, optional: bool) -> None:
    """The providers always want a key; a server of one's own only where a variable was named for it."""
    model = _resolve("m", base_url=base_url, api_key_env=api_key_env)
    assert model.key_optional is optional
    assert model.api_key_env == (api_key_env or "OPENAI_API_KEY")
    declared = {"m": ModelSettings(provider="openai", id="x", base_url=base_url, api_key_env=api_key_env)}
    assert _resolve("m", declared=declared).key_optional is optional


# ---------------------------------------------------------------------------------------------------- declared names


def test_declared() -> None:
    """A declared model is taken as it is declared, with every setting."""
    declared = ModelSettings(
        provider="anthropic",
        id="claude-x",
        base_url="http://gateway",
        api_key_env="TEAM_KEY",
        usd_per_million=Price(input=3, output=12),
        max_tokens=4000,
        extra_body={"thinking": {"type": "disabled"}},
        headers={"X-Team": "release"},
        identity="x",
        timeout=30,
    )
    assert _resolve("m", declared={"m": declared}) == Model(
        name="m",
        provider="anthropic",
        id="claude-x",
        base_url="http://gateway",
        api_key_env="TEAM_KEY",
        key_optional=False,
        max_tokens=4000,
        extra_body={"thinking": {"type": "disabled"}},
        headers={"X-Team": "release"},
        identity="x",
        usd_per_million=(3.0, 12.0),
        timeout=30.0,
    )


@pytest.mark.parametrize("name", ["sim/denying", "openai/gpt-4.1", "claude-x", "gpt-4.1", "openai/"])
def test_declared_names_win(name: str) -> None:
    """A declared name wins over every prefix and every provider's rule."""
    model = _resolve(name, declared={name: ModelSettings(provider="anthropic", id="mine")})
    assert (model.provider, model.id, model.simulated) == ("anthropic", "mine", False)


def test_options_beat_declarations() -> None:
    """What is said on the command line beats the file, and the file beats the environment."""
    declared = {"m": ModelSettings(provider="openai", id="x", base_url="http://file/v1", api_key_env="FILE_KEY")}
    environ = {"OPENAI_BASE_URL": "http://gateway/v1"}
    from_file = _resolve("m", declared=declared, environ=environ)
    assert (from_file.base_url, from_file.api_key_env) == ("http://file/v1", "FILE_KEY")
    told = _resolve("m", declared=declared, environ=environ, base_url="http://told/v1", api_key_env="TOLD_KEY")
    assert (told.base_url, told.api_key_env) == ("http://told/v1", "TOLD_KEY")
    bare = {"m": ModelSettings(provider="openai", id="x")}
    assert _resolve("m", declared=bare, environ=environ).base_url == "http://gateway/v1"


def test_headers_are_not_shown() -> None:
    """A header may hold a secret: it is not in the text of a model."""
    declared = {"m": ModelSettings(provider="openai", id="x", headers={"Authorization": "Bearer s3cret"})}
    assert "s3cret" not in repr(_resolve("m", declared=declared))


@pytest.mark.parametrize(
    "url",
    [
        "http://jo:s3cret@host/v1",
        "http://s3cret@host",
        "http://host/v1?key=s3cret",
        "http://host/v1#s3cret",
        "s3cret@host/v1",
        "http://jo:s3/cret@host/v1",
        "ftp://s3cret",
    ],
)
def test_urls_with_secrets(url: str) -> None:
    """A URL that holds more than host and path is refused wherever it came from, by the place, and never repeated."""
    declared = {"d": ModelSettings(provider="anthropic", id="x", base_url=url)}
    with pytest.raises(UsageProblems) as raised:
        resolve("--judge", "m", declared={}, base_url=url, api_key_env=None, environ={}, personas=(), simulator=None)
    told = {
        "--judge-base-url": str(raised.value),
        "--base-url": _message("sim/denying", base_url=url),
        "OPENAI_BASE_URL": _message("m", environ={"OPENAI_BASE_URL": url}),
        "ANTHROPIC_BASE_URL": _message("claude-x", environ={"ANTHROPIC_BASE_URL": url}),
        "models.d.base_url": _message("d", declared=declared),
    }
    for place, message in told.items():
        assert message.startswith(f"{place}: found ")
        assert "s3" not in message
    assert _resolve("d", declared=declared, base_url="http://host/v1").base_url == "http://host/v1"
