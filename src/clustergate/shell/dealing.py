"""Which worker of xdist runs which test: dealt out like cards, so that each begins all of its own at once.

Tests that are slow (editorial, with several turns) stand side by side in a file, and so come to different workers; who
is done early leaves what may be in flight to the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import pytest

from clustergate.shell import options

T = TypeVar("T")

DEALT: Final = "clustergate_dealt"
"""What a worker is told: that tests are dealt."""


def dealt(things: Sequence[T], number: int, players: int) -> list[T]:
    """What player `number` of so many gets."""
    return list(things[number::players])


def place(told: Mapping[str, Any]) -> tuple[int, int] | None:
    """A worker's number and how many there are, by what it was told; None for one that is not dealt to.

    (One that stands in for a worker that died has a number beyond theirs, and is given its tests one after the other.)
    """
    number = number_of(told.get("workerid", ""))
    players = int(told.get("workercount", 0))
    return (number, players) if told.get(DEALT) and number < players else None


def number_of(worker: str) -> int:
    return int("".join(filter(str.isdigit, worker)) or 0)


def is_wanted(config: pytest.Config) -> bool:
    """Whether a model is tested and tests go to whoever is free, as `-n` by itself means.

    Other ways to distribute stay as asked, and other people's tests as xdist has them.
    """
    if not options.value(config, "--model"):
        return False
    return config.getoption("dist", "no") == "load" and config.getoption("maxschedchunk", None) is None


def scheduler(config: pytest.Config, log: Any) -> Any:
    """xdist's own scheduler, but for how it begins."""
    from xdist.scheduler import LoadScheduling  # noqa: PLC0415  only where there is xdist

    class Dealing(LoadScheduling):  # type: ignore[misc]  # xdist has no types
        collection: list[str] | None

        def schedule(self) -> None:
            if self.collection is not None:  # a worker that came later
                super().schedule()
                return
            if not self._check_nodes_have_same_collection():
                return
            tests = self.collection = next(iter(self.node2collection.values()))
            players = sorted(self.nodes, key=lambda node: number_of(node.gateway.id))
            for number, node in enumerate(players):
                mine = dealt(range(len(tests)), number, len(players))
                self.node2pending[node].extend(mine)
                if mine:
                    node.send_runtest_some(mine)
                node.shutdown()

    return Dealing(config, log)
