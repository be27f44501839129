"""A bare loop over the openai SDK: `python by_sdk.py WORK.json`. It asks, has the reply judged, and keeps nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import openai


async def main(work: dict[str, Any]) -> None:
    # The faster of the SDK's two transports.
    transport = openai.DefaultAioHttpClient()
    client = openai.AsyncOpenAI(api_key="none", base_url=work["url"], max_retries=0, http_client=transport)
    slots = asyncio.Semaphore(work["concurrency"])

    async def ask(model: str, messages: list[Any], **more: Any) -> str:
        async with slots:
            answer = await client.chat.completions.create(
                model=model, messages=messages, max_tokens=1000, temperature=1.0, **more
            )
        return answer.choices[0].message.content or ""

    async def one(question: dict[str, str]) -> bool:
        reply = await ask("target", [{"role": "user", "content": question["user"]}])
        told = question["judging"].replace("%REPLY%", reply)
        judging = [{"role": "system", "content": question["criterion"]}, {"role": "user", "content": told}]
        read = json.loads(await ask("judge", judging, response_format=work["format"]))
        return bool(read["verdict"] == "exhibits")

    found = await asyncio.gather(*(one(question) for question in work["questions"] for _ in range(work["draws"])))
    print(f"{sum(found)} of {len(found)}")
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
