"""The gates of a run: how many cells are worth having under way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from clustergate.adapters.store import SqlStore
from clustergate.run.gates import Gates
from tests.unit.run.run_house import behavior, order


def test_the_window_stays_when_nothing_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice what may be in flight; a moment in which nothing was wanted, and so nothing given, does not narrow it."""
    monkeypatch.setenv("K", "sk-test")

    async def run() -> list[int]:
        asked, store = order(behavior()), SqlStore(str(tmp_path / "store.sqlite"))
        gates = Gates(asked, store)
        seen = [gates.window]
        gates.open(asked.subject.model)
        [limiter] = gates._limiters.values()
        for slots in (0, 80, 0, 30):
            limiter.slots = slots
            seen.append(gates.window)
        await gates.close()
        store.close()
        return seen

    assert asyncio.run(run()) == [2, 2, 160, 160, 60]
