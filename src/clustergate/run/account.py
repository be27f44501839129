"""What all processes that ask at one account know together: kept in the store, so that nothing leaks when one dies."""

from __future__ import annotations

from clustergate.adapters.store import SqlStore
from clustergate.adapters.store_slots import Report, Share


class SharedAccount:
    """Implements adapters.limiter.Account. `concurrency` is in flight over all processes; None is found by trying.

    `rpm` and `tpm` are requests and tokens a minute; a second's worth of either may be sent at once.
    """

    def __init__(
        self,
        store: SqlStore,
        account: tuple[str, str | None, str],
        concurrency: int | None = None,
        rpm: int | None = None,
        tpm: int | None = None,
    ) -> None:
        # The name of the key's variable stands for the key, which never reaches the store.
        self._account = " ".join(str(part) for part in account)
        self._store = store
        self._concurrency = concurrency
        self._rpm = rpm
        self._tpm = tpm

    async def report(self, told: Report) -> Share:
        return await self._store.report(self._account, told, self._concurrency)

    async def slow_down(self, epoch: int, seconds: float) -> int:
        return await self._store.slow_down(self._account, epoch, seconds)

    async def reserve(self, tokens: int) -> float:
        """Seconds to wait before the request that was just reserved may be sent."""
        waits = [0.0]
        if self._rpm is not None:
            waits.append(await self._store.reserve(self._account, 60 / self._rpm, max(1, self._rpm // 60)))
        if self._tpm is not None:
            burst = max(1, self._tpm // 60)
            waits.append(await self._store.reserve(self._tokens, 60 / self._tpm, burst, max(1, tokens)))
        return max(waits)

    async def correct(self, tokens: int) -> None:
        if self._tpm is not None:
            await self._store.correct(self._tokens, tokens * 60 / self._tpm)

    @property
    def _tokens(self) -> str:
        return f"{self._account} tokens"
