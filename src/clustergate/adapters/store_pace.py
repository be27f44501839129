"""The pace of requests over all processes: a schedule in the store, so that nothing leaks when a worker dies.

GCRA: `tat` is the theoretical arrival time, when the schedule would be idle again. A reservation takes the next slot,
which may stand up to `burst - 1` intervals before `tat`, and moves `tat` on by one interval.
"""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import Connection, select, update

from clustergate.adapters.store_schema import insert_once, money, pace, spending

_SKEW: Final = 1.0
"""Clocks of several machines differ by less than this, in seconds; a larger step back is a clock that was set."""


def reserve(connection: Connection, row: str, interval: float, burst: int, cost: int = 1) -> float:
    """Take the next slot, which is as long as `cost` intervals; the seconds until it, 0 where it is now."""
    now = time.time()
    tat, blocked_until, seen = _read(connection, row, now)
    start = max(now, blocked_until)
    slot = max(start, tat - (burst - 1) * interval)
    _write(connection, row, max(tat, start) + cost * interval, blocked_until, seen)
    return slot - now


def correct(connection: Connection, row: str, seconds: float) -> None:
    """A slot was longer than what was taken, or shorter: those that have been given out stand."""
    connection.execute(update(pace).where(pace.c.row == row).values(tat=pace.c.tat + seconds))


def blocked_for(connection: Connection, row: str) -> float:
    """Seconds in which no slot is given out, 0 where they are."""
    now = time.time()
    _, blocked_until, _ = _read(connection, row, now)
    return max(0.0, blocked_until - now)


def push_back(connection: Connection, row: str, seconds: float) -> None:
    """No slot before `seconds` from now, burst or not. Slots that have been given out stand."""
    now = time.time()
    tat, blocked_until, seen = _read(connection, row, now)
    _write(connection, row, tat, max(blocked_until, now + seconds), seen)


def spend(
    connection: Connection, run_id: str, ceiling: int | None, usd: float, usd_ceiling: float | None
) -> str | None:
    """Count one request of a run that may cost `usd`; or, where that would pass a ceiling, which: `requests`, `usd`."""
    if ceiling is not None:
        insert_once(connection, spending, run_id=run_id, requests=0)
        below = (spending.c.run_id == run_id) & (spending.c.requests < ceiling)
        if connection.execute(update(spending).where(below).values(requests=spending.c.requests + 1)).rowcount != 1:
            return "requests"
    if usd_ceiling is not None:
        insert_once(connection, money, run_id=run_id, usd=0.0)
        affordable = (money.c.run_id == run_id) & (money.c.usd + usd <= usd_ceiling)
        if connection.execute(update(money).where(affordable).values(usd=money.c.usd + usd)).rowcount != 1:
            if ceiling is not None:  # it will not be sent
                mine = spending.c.run_id == run_id
                connection.execute(update(spending).where(mine).values(requests=spending.c.requests - 1))
            return "usd"
    return None


def settle(connection: Connection, run_id: str, usd: float) -> None:
    """Add what a request did cost beyond what was counted for it, or take it off."""
    connection.execute(update(money).where(money.c.run_id == run_id).values(usd=money.c.usd + usd))


def spent_usd(connection: Connection, run_id: str) -> float:
    usd = connection.execute(select(money.c.usd).where(money.c.run_id == run_id)).scalar()
    return 0.0 if usd is None else usd


def spent(connection: Connection, run_id: str) -> int:
    requests = connection.execute(select(spending.c.requests).where(spending.c.run_id == run_id)).scalar()
    return 0 if requests is None else requests


def _read(connection: Connection, row: str, now: float) -> tuple[float, float, float]:
    insert_once(connection, pace, row=row, tat=now, blocked_until=now, seen=now)
    columns = select(pace.c.tat, pace.c.blocked_until, pace.c.seen).where(pace.c.row == row).with_for_update()
    tat, blocked_until, seen = connection.execute(columns).one()
    back = seen - now
    if back > _SKEW:  # the clock was set back: what is booked stays as far ahead as it was
        return tat - back, blocked_until - back, now
    return tat, blocked_until, max(seen, now)


def _write(connection: Connection, row: str, tat: float, blocked_until: float, seen: float) -> None:
    values = {"tat": tat, "blocked_until": blocked_until, "seen": seen}
    connection.execute(update(pace).where(pace.c.row == row).values(values))
