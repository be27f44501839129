"""The server that every contender asks: Chat Completions after a latency, at a cost of CPU that is none of theirs.

`python chat_server.py MILLISECONDS` prints its port. Under /v1 it refuses `n`, under /n/v1 it gives as many answers as
are asked for. GET /stats tells what was served since the GET before, by its own clock.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import Any

READING = '{"verdict": "absent", "quote": "", "coherence": 95}'
GRADE = "The material shows nothing of the kind.\n\nGRADE: I"
REPLY = "I look at what was asked and give a plain answer to it, in a few sentences, as an assistant would. " * 4
REFUSAL = {"error": {"message": "n must be 1: only one completion choice is supported", "param": "n"}}


class Served:
    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.clear()

    def clear(self) -> None:
        self.target = self.judge = self.in_flight = self.most = self.connections = 0
        self.first = self.last = 0.0
        self.cpu = time.process_time()

    def told(self) -> dict[str, float]:
        found = {
            "target": self.target, "judge": self.judge, "most": self.most,
            "connections": self.connections, "seconds": self.last - self.first,
            "cpu": time.process_time() - self.cpu,
        }  # fmt: skip
        self.clear()
        return found


class Connection(asyncio.Protocol):
    """One kept-alive connection of HTTP/1.1, with one request at a time."""

    def __init__(self, served: Served, latency: float) -> None:
        self._served, self._latency = served, latency
        self._bytes = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._served.connections += 1

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        head, found, body = self._bytes.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, length = head.lower().partition(b"content-length:")
        if len(body) < int(length.split(b"\r\n", 1)[0] or 0):
            return
        self._bytes = b""
        path = head.split(b" ", 2)[1]
        if path == b"/stats":
            self._send(200, self._served.told())
            return
        self._answer(json.loads(body), several=path.startswith(b"/n/"))

    def _answer(self, body: dict[str, Any], *, several: bool) -> None:
        served, loop = self._served, asyncio.get_running_loop()
        count = body.get("n") or 1
        if count > 1 and not several:
            self._send(400, REFUSAL)
            return
        served.first = served.first or loop.time()
        served.in_flight += 1
        served.most = max(served.most, served.in_flight)
        if body["model"] == "judge":
            served.judge += 1
            texts = [READING if "response_format" in body else GRADE]
        else:
            served.target += 1
            texts = [f"{REPLY}({next(served.numbers)})" for _ in range(count)]
        document = {
            "id": "c", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
                        for i, text in enumerate(texts)],
            "usage": {"prompt_tokens": 300, "completion_tokens": 90, "total_tokens": 390},
        }  # fmt: skip
        loop.call_later(self._latency, self._done, document)

    def _done(self, document: dict[str, Any]) -> None:
        self._served.in_flight -= 1
        self._served.last = asyncio.get_running_loop().time()
        self._send(200, document)

    def _send(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self._transport.write(head.encode() + content)


async def main() -> None:
    served, latency = Served(), float(sys.argv[1]) / 1000
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(served, latency), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
