"""A scripted provider of batches without a wire, and gates to it over a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from clustergate.adapters.batch import BatchPatience
from clustergate.adapters.batch_gate import BatchGate
from clustergate.adapters.limiter import Limiter
from clustergate.adapters.patient import Patient
from clustergate.adapters.store import SqlStore
from clustergate.nouns.batch import BatchState
from clustergate.nouns.errors import (
    ClustergateError,
    EndpointRejected,
    TransientFault,
)
from clustergate.nouns.headroom import Headroom
from clustergate.nouns.model import Answer, Finish, Model, Request
from tests.unit.adapters.scripted_provider import a_model, a_request

QUICK = BatchPatience(quiet=0.02, first_look=0.01, longest=0.02, settling=0.1, dead_after=0.3, room=0.02)
KEYS = [f"{number:064x}" for number in range(8)]
Outcome = Answer | ClustergateError


def said(line: str, tries: int) -> Outcome:
    return Answer(text=line, finish=Finish.STOP, input_tokens=10, output_tokens=5)


class Provider:
    """Takes batches and answers each line by `say(line, how often it was sent)`; what it has outlives a gate."""

    most_lines = 1000
    most_bytes = 10**9
    dropped: tuple[str, ...] = ()

    def __init__(self, say: Callable[[str, int], Outcome | None] = said, model: Model | None = None) -> None:
        self.model = model or a_model("openai")
        self.say = say
        self.batches: dict[str, tuple[str, Mapping[str, Request]]] = {}
        self.sent: dict[str, int] = {}
        self.direct = 0
        self.open = asyncio.Event()
        self.open.set()
        self.script: list[Exception | str | BatchState] = []
        """What the next calls meet: an error; `lost`, an error after the batch was taken; a state to be told."""
        self.looks = 0
        self.headroom: tuple[Headroom, ...] = ()

    def weigh(self, request: Request) -> int:
        return 100

    async def ask(self, request: Request) -> Answer:
        self.direct += 1
        return Answer(text="direct", finish=Finish.STOP)

    async def ask_several(self, request: Request) -> Sequence[Answer]:
        return [await self.ask(request)] * request.n

    async def submit(self, tag: str, lines: Mapping[str, Request]) -> str:
        met = self.script.pop(0) if self.script and not isinstance(self.script[0], BatchState) else None
        if isinstance(met, Exception):
            raise met
        name = f"batch_{len(self.batches)}"
        self.batches[name] = (tag, dict(lines))
        for line in lines:
            self.sent[line] = self.sent.get(line, 0) + 1
        if met == "lost":
            raise TransientFault("the answer to the submission was lost")
        return name

    async def find(self, tag: str, size: int, since: float, known: set[str]) -> Sequence[str]:
        return [name for name, (left, _) in self.batches.items() if left == tag]

    async def look(self, batch_id: str) -> BatchState:
        self.looks += 1
        if self.script and isinstance(self.script[0], BatchState | TransientFault | EndpointRejected):
            met = self.script.pop(0)
            if isinstance(met, BatchState):
                return met
            raise met
        if batch_id not in self.batches:
            return BatchState(answered=0, total=0, ended=True, refusal=TransientFault("not known"))
        size = len(self.batches[batch_id][1])
        over = self.open.is_set()
        return BatchState(answered=size if over else 0, total=size, ended=over)

    async def results(self, batch_id: str, asked: Mapping[str, Request]) -> Mapping[str, Outcome]:
        came = {line: self.say(line, self.sent[line]) for line in self.batches[batch_id][1]}
        return {line: outcome for line, outcome in came.items() if outcome is not None}

    async def close(self) -> None: ...


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A store's file, which is not there yet."""
    return str(tmp_path / "s.sqlite")


@asynccontextmanager
async def a_gate(file: str, provider: Provider, **changed: Any) -> AsyncIterator[tuple[BatchGate, SqlStore]]:
    """One run: a gate and a store of its own, both gone at the end as after a kill, without a word to anybody."""
    with closing(SqlStore(file)) as store:
        given: dict[str, Any] = {"patience": QUICK, **changed}
        gate = BatchGate(provider, Patient(provider, Limiter(4)), store.batches, "acc", **given)
        try:
            yield gate, store
        finally:
            await gate.close()


async def ask_all(gate: BatchGate, keys: Sequence[str]) -> list[Any]:
    return await asyncio.gather(*(gate.ask(a_request(), key=key) for key in keys), return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(5000):
        if holds():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came to that")


def run(work: Any) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await work

    return asyncio.run(limited())
