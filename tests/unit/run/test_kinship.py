"""A judge of the model's own kind draws a warning."""

from __future__ import annotations

import pytest

from clustergate.nouns.model import Model
from clustergate.run.kinship import family, warnings


def model(model_id: str, **changes: object) -> Model:
    given = {"name": model_id, "provider": "openai", "id": model_id, "base_url": "http://x", "api_key_env": "K"}
    return Model(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        ("gpt-4.1", "gpt"),
        ("ft:gpt-4.1-2025-04-14:acme::abc", "gpt"),
        ("o3-mini", "gpt"),
        ("claude-opus-4-0", "claude"),
        ("Qwen/Qwen3-30B", "qwen"),
        ("deepseek-v3.1", "deepseek"),
        ("4711", ""),
    ],
)
def test_families(model_id: str, expected: str) -> None:
    """By the first word of an id, whoever serves it."""
    assert family(model_id) == expected


def test_its_own_judge_and_its_kin() -> None:
    """The model itself, its family, and a stranger."""
    tuned = model("ft:gpt-4.1:acme::abc")
    itself, kin, stranger = (warnings(tuned, [model(name)]) for name in (tuned.id, "o3", "claude-opus-4-0"))
    assert "is the model under test itself" in itself[0]
    assert "of the model's own family (gpt)" in kin[0]
    assert all("0.80" in told[0] and "0.00" in told[0] for told in (itself, kin))
    assert stranger == ()


def test_simulated_judges_have_no_family() -> None:
    """sim/judge judges sim/judge-like personas without a word."""
    assert (
        warnings(model("denying", identity="sim/denying"), [model("judge", identity="sim/judge", simulated=True)]) == ()
    )
