"""Waiting for what another process is asking for at this moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

_LEAST: Final = 0.1
_MOST: Final = 30.0
_GLANCE: Final = 0.5
"""Seconds between looks at whether the asking has ended."""


async def claimed(claim: Callable[[], Awaitable[T | bool]], check: Callable[[], None]) -> T | bool:
    """True where the request is ours to make; what is stored where another one was first.

    The looks at the store are a tenth of the wait so far apart: another run's batch may take hours. `check` raises
    what ended the asking.
    """
    waited = 0.0
    while (found := await claim()) is False:
        pause = min(_MOST, max(_LEAST, waited / 10))
        waited += pause
        while pause > 0:
            step = min(pause, _GLANCE)
            await asyncio.sleep(step)
            check()
            pause -= step
    return found
