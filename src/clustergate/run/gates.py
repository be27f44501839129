"""The way to every model of a run: one endpoint each, and one limiter for those that share an account."""

from __future__ import annotations

import os

from clustergate.adapters.endpoints import open_endpoint
from clustergate.adapters.limiter import Limiter
from clustergate.adapters.patient import Patient
from clustergate.adapters.store import SqlStore
from clustergate.nouns.errors import Interrupted
from clustergate.nouns.model import Model
from clustergate.nouns.protocols import Endpoint, Gatekeeper
from clustergate.run.account import SharedAccount
from clustergate.run.order import Order
from clustergate.run.spending import Purse, RunBudget


class Gates:
    """Opens gates; belongs to the event loop that they are first used on."""

    def __init__(self, order: Order, store: SqlStore) -> None:
        self._order = order
        self._store = store
        self._endpoints: list[Endpoint] = []
        self._patients: list[Patient] = []
        self._purse = Purse()
        self._limiters: dict[tuple[str, str | None, str], Limiter] = {}

    def open(self, model: Model, *, urgent: bool = False) -> Gatekeeper:
        """The gate to a model; models at one URL with one key share what is allowed. The `urgent` ones go first."""
        endpoint = open_endpoint(model, os.environ)
        self._endpoints.append(endpoint)
        order = self._order
        account = (model.provider, model.base_url, model.api_key_env)
        if account not in self._limiters:
            shared = SharedAccount(self._store, account, order.concurrency, order.rpm, order.tpm)
            self._limiters[account] = Limiter(account=shared)
        budget = None
        if order.max_requests is not None or order.max_usd is not None:
            budget = RunBudget(self._store, order.run_id, model, order.max_requests, order.max_usd, self._purse)
        gate = Patient(endpoint, self._limiters[account], budget, urgent=urgent)
        self._patients.append(gate)
        return gate

    @property
    def window(self) -> int:
        """Cells worth having under way: while a judge reads one reply, the next is being asked for."""
        return 2 * max([1, *(limiter.slots for limiter in self._limiters.values())])

    def stop(self, error: Interrupted) -> None:
        """Send nothing more anywhere; what is in flight may still bring an answer, until `cut`."""
        for gate in self._patients:
            gate.stop(error)

    def cut(self) -> None:
        """Wait no longer for what is in flight."""
        for gate in self._patients:
            gate.cut()

    @property
    def dropped(self) -> tuple[str, ...]:
        """Parameters that endpoints refused and that are no longer sent, in words for the report."""
        return tuple(dict.fromkeys(words for endpoint in self._endpoints for words in endpoint.dropped))

    async def close(self) -> None:
        for limiter in self._limiters.values():
            await limiter.close()
        for endpoint in self._endpoints:
            await endpoint.close()
