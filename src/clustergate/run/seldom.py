"""Garbage collection while a lab is open: seldom, and never through what was imported."""

from __future__ import annotations

import gc
from typing import Final

_ALLOCATIONS: Final = 50_000
"""Container objects made and not freed since the last collection, before the next one."""


class SeldomCollected:
    """Collects garbage seldom, from when it is made until `end`. Of this process; make it when imports are done.

    Two SDKs leave some hundred thousand objects that live as long as the process. At the interpreter's own threshold
    of 700, going through them took a quarter of the CPU of a run.
    """

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        self._frozen_before = gc.get_freeze_count() > 0
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS, *self._before[1:])

    def end(self) -> None:
        """Collect again as before."""
        gc.set_threshold(*self._before)
        if not self._frozen_before:  # what another froze cannot be told from ours
            gc.unfreeze()
