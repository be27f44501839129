"""Several pieces of work at once: all results, or the first error with nothing left running."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(work: Iterable[Coroutine[Any, Any, T]], at_once: Callable[[], float] = lambda: math.inf) -> list[T]:
    """Run them all, `at_once` at a time; results in the order of `work`.

    The first error is raised as it is, once the others have ended. (A TaskGroup would wrap it in a group, which those
    who wait for one error do not expect.)
    """
    tasks: list[asyncio.Task[T]] = []
    under_way: set[asyncio.Task[T]] = set()
    try:
        for piece in work:
            tasks.append(asyncio.ensure_future(piece))
            under_way.add(tasks[-1])
            while len(under_way) >= at_once():
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        return list(await asyncio.gather(*tasks))
    except Exception:
        # What is in flight has been paid for and is waited for; what ended one ends those that wait for a turn.
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
