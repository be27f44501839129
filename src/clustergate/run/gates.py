"""The way to every model of a run: one endpoint each, and one limiter for those that share an account."""

from __future__ import annotations

import os
from typing import Final

from clustergate.adapters.batch_gate import BatchGate
from clustergate.adapters.endpoints import open_batches, open_endpoint
from clustergate.adapters.limiter import Limiter
from clustergate.adapters.patient import Patient
from clustergate.adapters.store import SqlStore
from clustergate.nouns.errors import Interrupted
from clustergate.nouns.model import Model
from clustergate.nouns.protocols import Endpoint, Gatekeeper
from clustergate.run.account import SharedAccount
from clustergate.run.order import Order
from clustergate.run.spending import Purse, RunBudget

_WHOLE_WAVES: Final = 10**6
"""Cells under way at once where all that is to be asked goes into batches."""


class Gates:
    """Opens gates; belongs to the event loop that they are first used on."""

    def __init__(self, order: Order, store: SqlStore) -> None:
        self._order = order
        self._store = store
        self._endpoints: list[Endpoint] = []
        self._gates: list[Patient | BatchGate] = []
        self._purse = Purse()
        self._slots = 1
        self._limiters: dict[tuple[str, str | None, str], Limiter] = {}

    def open(self, model: Model, *, urgent: bool = False) -> Gatekeeper:
        """The gate to a model; models at one URL with one key share what is allowed. The `urgent` ones go first.

        A run that submits no batches still waits for those of an earlier run, whose answers are paid for.
        """
        notes = self._store.batches
        account = " ".join([model.provider, str(model.base_url), model.api_key_env, model.id])
        waiting = None if self._order.batch else notes.open_lines(account)
        if waiting is not None and not waiting:
            gate = self._direct(model, open_endpoint(model, os.environ), urgent=urgent)
            self._gates.append(gate)
            return gate
        endpoint = open_batches(model, os.environ)
        direct, budget = self._direct(model, endpoint, urgent=urgent), self._budget(model, batch=True)
        batching = BatchGate(endpoint, direct, notes, account, budget, only=waiting)
        self._gates.append(batching)
        return batching

    def _direct(self, model: Model, endpoint: Endpoint, *, urgent: bool) -> Patient:
        self._endpoints.append(endpoint)
        order = self._order
        account = (model.provider, model.base_url, model.api_key_env)
        if account not in self._limiters:
            shared = SharedAccount(self._store, account, order.concurrency, order.rpm, order.tpm)
            self._limiters[account] = Limiter(account=shared)
        return Patient(endpoint, self._limiters[account], self._budget(model), urgent=urgent)

    def _budget(self, model: Model, *, batch: bool = False) -> RunBudget | None:
        order = self._order
        if order.max_requests is None and order.max_usd is None:
            return None
        purse = self._purse
        whose = order.budget or order.run_id
        return RunBudget(self._store, whose, model, order.max_requests, order.max_usd, purse, batch=batch)

    @property
    def window(self) -> int:
        """Cells worth having under way: while a judge reads one reply, the next is being asked for."""
        if self._order.batch:
            return _WHOLE_WAVES
        # Who wants nothing for a moment has no slots; what it had is the best guess at what it will be given.
        self._slots = max([limiter.slots for limiter in self._limiters.values()], default=0) or self._slots
        return 2 * self._slots

    def stop(self, error: Interrupted) -> None:
        """Send nothing more anywhere; what is in flight may still bring an answer, until `cut`."""
        for gate in self._gates:
            gate.stop(error)

    def cut(self) -> None:
        """Wait no longer for what is in flight."""
        for gate in self._gates:
            gate.cut()

    @property
    def dropped(self) -> tuple[str, ...]:
        """Parameters that endpoints refused and that are no longer sent, in words for the report."""
        return tuple(dict.fromkeys(words for endpoint in self._endpoints for words in endpoint.dropped))

    def progress(self) -> list[str]:
        """How far each batch is that is under way, in words."""
        return [line for gate in self._batching for line in gate.progress()]

    def take_news(self) -> list[str]:
        """Batches that were submitted or found since the last call, in words."""
        return [line for gate in self._batching for line in gate.take_news()]

    @property
    def _batching(self) -> list[BatchGate]:
        return [gate for gate in self._gates if isinstance(gate, BatchGate)]

    async def close(self) -> None:
        for gate in self._batching:
            await gate.close()
        for limiter in self._limiters.values():
            await limiter.close()
        for endpoint in self._endpoints:
            await endpoint.close()
