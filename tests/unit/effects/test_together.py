"""Several pieces of work at once."""

from __future__ import annotations

import asyncio

import pytest

from clustergate.effects.together import together


def test_results_keep_their_order() -> None:
    """Whichever ends first."""

    async def late(number: int) -> int:
        await asyncio.sleep(0.01 * (3 - number))
        return number

    assert asyncio.run(together(late(number) for number in range(3))) == [0, 1, 2]


def test_the_first_error_ends_all() -> None:
    """It is raised as it is once the others have ended: what is in flight has been paid for."""
    ended: list[str] = []

    async def fail() -> None:
        raise KeyError("first")

    async def wait() -> None:
        try:
            await asyncio.sleep(0.05)
        finally:
            ended.append("wait")

    with pytest.raises(KeyError, match="first"):
        asyncio.run(together([wait(), fail()]))
    assert ended == ["wait"]
