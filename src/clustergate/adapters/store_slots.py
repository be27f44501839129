"""Who may have how many requests in flight at an account: shares of one limit, over all processes that use the store.

Every process says a few times a second what it wants and is told what it may have. It is never given what another one
still holds, so that the sum stays within the limit; who dies is soon no longer counted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from clustergate.adapters import store_pace
from clustergate.adapters.store_claims import is_dead
from clustergate.adapters.store_schema import accounts, insert_once, slots

START: Final = 20
"""Requests in flight at an account of which nothing is known."""
MOST: Final = 200
"""Requests in flight that an account is never tried beyond: more would not be sent faster."""
_STEP: Final = 4.0
"""By how much the limit grows in the time of one answer, once the first 429 has been met."""
_EXPIRY: Final = 15.0
"""Seconds without a sign of life after which a process is no longer counted; on this machine it is known at once."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a process tells of itself at an account: requests in flight and how many it would have there if it might.

    `answers` without a 429 since the last report; `full` if all it might have was in use in between.
    """

    using: int
    wanted: int
    answers: int = 0
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class Share:
    """What a process is told: `slots` requests in flight for itself, and how many the others hold.

    `epoch` counts the 429s that were no echo of one before; for `held` seconds nobody is to send anything.
    """

    slots: int
    others: int
    epoch: int
    held: float


def report(connection: Connection, account: str, owner: str, told: Report, limit: int | None) -> Share:
    """Say what is wanted and learn what may be had. Without a `limit` the one that is found by trying holds.

    That one grows while all of it is in use and no 429 comes: by one for each answer until the first 429, as the slow
    start of TCP does (RFC 5681), and then additively.
    """
    row = _account(connection, account)
    allowed = row.allowed
    if limit is None and told.full and told.answers:
        grown = told.answers if row.steep else _STEP * told.answers / allowed
        allowed = min(float(MOST), allowed + grown)
        connection.execute(update(accounts).where(accounts.c.account == account).values(allowed=allowed))
    others = _others(connection, account, owner)
    wants = {name: wanted for name, (_, wanted) in others.items() if wanted} | {owner: max(1, told.wanted)}
    # Where the limit has been found by trying, nobody is left without a single request.
    total = limit if limit is not None else max(int(allowed), len(wants))
    elsewhere = sum(held for held, _ in others.values())
    mine = max(0, min(divided(total, wants)[owner], total - elsewhere)) if told.wanted else 0
    held = max(mine, told.using)
    _note(connection, account, owner, held, told.wanted)
    return Share(slots=mine, others=elsewhere, epoch=row.epoch, held=store_pace.blocked_for(connection, account))


def slow_down(connection: Connection, account: str, epoch: int, seconds: float) -> int:
    """A 429 was met by what was sent in `epoch`: half as many in flight, and none for that long. The epoch from now on.

    (Multiplicative decrease. What was in flight together with it meets the same limit and changes nothing more.)
    """
    row = _account(connection, account)
    store_pace.push_back(connection, account, seconds)
    if row.epoch != epoch:
        return int(row.epoch)
    less = {"allowed": max(1.0, row.allowed / 2), "steep": False, "epoch": epoch + 1}
    connection.execute(update(accounts).where(accounts.c.account == account).values(**less))
    return epoch + 1


def leave(connection: Connection, owner: str) -> None:
    """Give back all that a process holds anywhere."""
    connection.execute(delete(slots).where(slots.c.owner == owner))


def divided(total: int, wants: Mapping[str, int]) -> dict[str, int]:
    """`total` slots among those who want some: nobody more than an equal part while others want theirs.

    What nobody wants is spread all the same, so that whoever wants more a moment later need not ask first.
    """
    shares: dict[str, int] = {}
    left = total
    waiting = sorted(wants.items(), key=lambda item: (item[1], item[0]))
    for number, (name, wanted) in enumerate(waiting):
        shares[name] = min(wanted, -(-left // (len(waiting) - number)))
        left -= shares[name]
    for number, name in enumerate(sorted(shares)):
        extra = -(-left // (len(shares) - number))
        shares[name] += extra
        left -= extra
    return shares


def _account(connection: Connection, account: str) -> Row[Any]:
    """What is known of an account, locked for us until the transaction ends."""
    insert_once(connection, accounts, account=account, allowed=float(START), steep=True, epoch=0)
    return connection.execute(select(accounts).where(accounts.c.account == account).with_for_update()).one()


def _others(connection: Connection, account: str, owner: str) -> dict[str, tuple[int, int]]:
    """What the others hold and want; those of whom nothing was heard any more are forgotten."""
    now = time.time()
    found: dict[str, tuple[int, int]] = {}
    for row in connection.execute(select(slots).where(slots.c.account == account, slots.c.owner != owner)):
        theirs = (slots.c.account == account) & (slots.c.owner == row.owner)
        if now - row.seen > _EXPIRY or is_dead(row.owner):
            connection.execute(delete(slots).where(theirs))
            continue
        if row.seen - now > _EXPIRY:  # the clock was set back: from now on it runs for them too
            connection.execute(update(slots).where(theirs).values(seen=now))
        found[row.owner] = (row.held, row.wanted)
    return found


def _note(connection: Connection, account: str, owner: str, held: int, wanted: int) -> None:
    now = time.time()
    mine = (slots.c.account == account) & (slots.c.owner == owner)
    if not held and not wanted:
        connection.execute(delete(slots).where(mine))
    elif not connection.execute(update(slots).where(mine).values(held=held, wanted=wanted, seen=now)).rowcount:
        connection.execute(insert(slots).values(account=account, owner=owner, held=held, wanted=wanted, seen=now))
