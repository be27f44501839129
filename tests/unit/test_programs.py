"""What becomes of a test whose program is not installed."""

from __future__ import annotations

import pytest

from tests.programs import NEED_ALL, lacking


def test_it_is_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a laptop: the reason names the program and what to install."""
    monkeypatch.delenv(NEED_ALL, raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"^A browser is not installed \(Debian: apt-get install chromium"):
        lacking("A browser", "chromium")


def test_it_fails_where_everything_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI nothing goes unchecked in silence."""
    monkeypatch.setenv(NEED_ALL, "1")
    with pytest.raises(pytest.fail.Exception, match="is not installed"):
        lacking("A browser", "chromium")
