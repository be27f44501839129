"""Waiting for another process: how often it is looked at, and what ends the wait."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from clustergate.effects import claiming
from clustergate.effects.claiming import claimed
from clustergate.nouns.errors import Interrupted


def test_the_looks_grow_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the wait lies between two looks, half a minute at the most; the end of asking is looked at oftener."""
    slept: list[float] = []
    looks: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def claim() -> bool:
        looks.append(sum(slept))
        return sum(slept) > 4000

    monkeypatch.setattr(claiming.asyncio, "sleep", sleep)
    assert asyncio.run(claimed(claim, lambda: None)) is True
    gaps = [after - before for before, after in itertools.pairwise(looks)]
    assert gaps[0] == pytest.approx(0.1)
    assert max(gaps) == pytest.approx(30)
    assert all(gap == pytest.approx(min(30, max(0.1, at / 10))) for at, gap in zip(looks, gaps, strict=False))
    assert max(slept) == 0.5


def test_what_ends_the_asking_ends_the_wait() -> None:
    """Who waits for another run learns that this one was told to end."""

    async def claim() -> bool:
        return False

    def check() -> None:
        raise Interrupted("told to end")

    with pytest.raises(Interrupted, match="told to end"):
        asyncio.run(claimed(claim, check))
