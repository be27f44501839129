"""Garbage collection while a lab is open: seldom, and never through what was imported."""

from __future__ import annotations

import gc
from typing import Final

_ALLOCATIONS: Final = 50_000
"""Container objects made and not freed since the last collection, before the next one."""


class SeldomCollected:
    """Collects garbage seldom, from when it is made until `end`. Of this process; make it when imports are done.

    What a run imports is over a hundred thousand objects that live as long as the process. At the interpreter's own
    threshold of 700, going through them took a fifth of the CPU of a run. They stay frozen: pytest collects twice at
    its end.
    """

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS, *self._before[1:])

    def end(self) -> None:
        """Collect as often as before."""
        gc.set_threshold(*self._before)
