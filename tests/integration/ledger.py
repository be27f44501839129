"""What was paid for: a model and a judge that know which of their answers left whole, and what a store has of them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.integration.model_server import AtRate, ModelServer, block_of, honest_judge, openai_answer


class Whole(web.Response):
    """An answer that tells when the last of it has been sent; it does not where nobody is there to read it."""

    def __init__(self, body: Any, on_sent: Callable[[], None]) -> None:
        super().__init__(body=body, content_type="application/json")
        self._on_sent = on_sent

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        self._on_sent()


class Ledger:
    """Has `server` answer at a rate and judge honestly, each after `seconds`; notes what it sent whole.

    `replies` are the texts sent, none like another; `judged` the texts of which a judgement was sent. First requests
    are in neither.
    """

    def __init__(self, server: ModelServer, rate: float, seed: int, seconds: float = 0.0) -> None:
        self._at = AtRate(rate, seed)
        self._seconds = seconds
        self.replies: list[str] = []
        self.judged: list[str] = []
        server.target, server.judge = self.target, self.judge

    async def target(self, body: dict[str, Any]) -> web.Response:
        text = f"{self._at(body)} #{len(self.replies)}"
        asked = "Question" in json.dumps(body["messages"])
        await asyncio.sleep(self._seconds)
        return Whole(openai_answer(text, body["model"]).body, lambda: self.replies.append(text) if asked else None)

    async def judge(self, body: dict[str, Any]) -> web.Response:
        text = block_of(body, "REPLY")
        await asyncio.sleep(self._seconds)
        answer = openai_answer(honest_judge(body), body["model"])
        return Whole(answer.body, lambda: self.judged.append(text) if text else None)


def stored(store: Path) -> tuple[list[str], list[str]]:
    """The texts of all stored replies, and of those that have a stored judgement."""
    with closing(sqlite3.connect(store)) as raw:
        assert raw.execute("pragma integrity_check").fetchone() == ("ok",)
        replies = [text for (text,) in raw.execute("select text from answers")]
        judged = raw.execute("select text from judgements join answers on reply_key = answers.key")
        return replies, [text for (text,) in judged]


def claimed(store: Path) -> int:
    """How many replies and judgements are noted as being asked for."""
    with closing(sqlite3.connect(store)) as raw:
        return int(raw.execute("select count(*) from claims where key not like 'first%'").fetchone()[0])


def wait_for_the_dead(store: Path) -> None:
    """Until no process lives that asks on behalf of `store`: workers outlive their controller by a moment."""
    until = time.monotonic() + 30
    while True:
        with closing(sqlite3.connect(store)) as raw:
            owners = raw.execute("select owner from claims union select owner from slots").fetchall()
        if not any(Path("/proc", owner.split("/")[1]).exists() for (owner,) in owners):
            return
        assert time.monotonic() < until, "a worker lives on"
        time.sleep(0.02)
