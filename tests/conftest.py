"""Policy of the project's own tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.postgresql import postgresql

__all__ = ["postgresql"]

# One profile everywhere: reproducible, and never slower on a busy machine than the deadline allows.
settings.register_profile("clustergate", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("clustergate")


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests never see the keys or URLs of whoever runs them."""
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "OPENAI_BASE_URL",
        "ANTHROPIC_BASE_URL",
        "GITHUB_STEP_SUMMARY",
        "CLUSTERGATE_STORE",
    ):
        monkeypatch.delenv(name, raising=False)
