"""The way to every model of a run: one endpoint each, and one limiter for those that share an account."""

from __future__ import annotations

import os

from clustergate.adapters.endpoints import open_endpoint
from clustergate.adapters.limiter import Limiter, Patient
from clustergate.adapters.store import SqlStore
from clustergate.nouns.model import Model
from clustergate.nouns.protocols import Endpoint, Gatekeeper
from clustergate.run.order import Order
from clustergate.run.spending import RunBudget, SharedPace


class Gates:
    """Opens gates; belongs to the event loop that they are first used on."""

    def __init__(self, order: Order, store: SqlStore) -> None:
        self._order = order
        self._store = store
        self._endpoints: list[Endpoint] = []
        self._limiters: dict[tuple[str, str | None, str], Limiter] = {}

    def open(self, model: Model) -> Gatekeeper:
        """The gate to a model; models at one URL with one key share what is allowed in flight."""
        endpoint = open_endpoint(model, os.environ)
        self._endpoints.append(endpoint)
        account = (model.provider, model.base_url, model.api_key_env)
        if account not in self._limiters:
            pace = SharedPace(self._store, account, self._order.rpm) if self._order.rpm else None
            self._limiters[account] = Limiter(self._order.share, pace)
        budget = (
            RunBudget(self._store, self._order.run_id, self._order.max_requests)
            if self._order.max_requests is not None
            else None
        )
        return Patient(endpoint, self._limiters[account], budget)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Parameters that endpoints refused and that are no longer sent, in words for the report."""
        return tuple(dict.fromkeys(words for endpoint in self._endpoints for words in endpoint.dropped))

    async def close(self) -> None:
        for endpoint in self._endpoints:
            await endpoint.close()
