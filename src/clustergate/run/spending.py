"""The run's shared counters, kept in the store so that they hold over all workers."""

from __future__ import annotations

from clustergate.adapters.store import SqlStore


class SharedPace:
    """Requests a minute at one account, over all processes that use the store."""

    def __init__(self, store: SqlStore, account: tuple[str, str | None, str], rpm: int) -> None:
        # The name of the key's variable stands for the key, which never reaches the store.
        self._row = " ".join(str(part) for part in account)
        self._store = store
        self._interval = 60 / rpm
        self._burst = max(1, rpm // 60)

    async def reserve(self) -> float:
        """Seconds to wait before the request that was just reserved may be sent."""
        return await self._store.reserve(self._row, self._interval, self._burst)

    async def push_back(self, seconds: float) -> None:
        await self._store.push_back(self._row, seconds)


class RunBudget:
    """`--max-requests`, over all workers, target and judge together."""

    def __init__(self, store: SqlStore, run_id: str, ceiling: int) -> None:
        self._store = store
        self._run_id = run_id
        self._ceiling = ceiling

    async def spend(self) -> bool:
        """Count one request before it is sent; False where the budget is spent."""
        return await self._store.spend(self._run_id, self._ceiling)
