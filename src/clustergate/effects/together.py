"""Several pieces of work at once: all results, or the first error with nothing left running."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run them all; results in the order of `work`. The first error is raised as it is, once the others have ended.

    (A TaskGroup would wrap it in a group, which those who wait for one error do not expect.)
    """
    tasks = [asyncio.ensure_future(piece) for piece in work]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
