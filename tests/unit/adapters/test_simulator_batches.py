"""The simulator's batches, as the official SDKs see them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import openai
import pytest

from clustergate.adapters.simulator.faults import parse
from clustergate.adapters.simulator.server import Settings
from tests.unit.adapters.simulator_house import CURT, build, simulator

USER = [{"role": "user", "content": CURT}]


def a_line(name: str, **body: Any) -> dict[str, Any]:
    return {
        "custom_id": name,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "always", "messages": USER, **body},
    }


async def openai_batch(sdk: openai.AsyncOpenAI, lines: list[dict[str, Any]]) -> openai.types.Batch:
    file = await sdk.files.create(file=("x.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
    batch = await sdk.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"}
    )
    assert (batch.status, batch.metadata) == ("in_progress", {"a": "b"})
    for _ in range(500):
        batch = await sdk.batches.retrieve(batch.id)
        if batch.status != "in_progress":
            return batch
        await asyncio.sleep(0.01)
    raise AssertionError("it never ended")


def test_the_openai_sdk_reads_a_batch(tmp_path: Path) -> None:
    """Answers in one file, errors in the other, each line under its name; the list is paged, the latest first."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path), batch_latency=0.05)) as client:
            http = openai.DefaultAioHttpClient()
            async with openai.AsyncOpenAI(
                base_url=f"{client.url}/v1", api_key="any", max_retries=0, http_client=http
            ) as sdk:
                batch = await openai_batch(sdk, [a_line("good"), a_line("bad", temperature=9)])
                assert batch.status == "completed"
                assert batch.request_counts is not None
                assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
                files = [batch.output_file_id, batch.error_file_id]
                good, bad = [json.loads((await sdk.files.content(name or "")).text) for name in files]
                assert (good["custom_id"], good["response"]["status_code"], good["error"]) == ("good", 200, None)
                assert good["response"]["body"]["choices"][0]["message"]["content"]
                assert (bad["custom_id"], bad["response"]["status_code"]) == ("bad", 400)
                later = await openai_batch(sdk, [a_line("l")])
                assert later.error_file_id is None
                assert [one.id async for one in sdk.batches.list(limit=1)] == [later.id, batch.id]
                with pytest.raises(openai.NotFoundError):
                    await sdk.batches.retrieve("batch_nobody")

    asyncio.run(check())


def test_the_anthropic_sdk_reads_a_batch(tmp_path: Path) -> None:
    """Results of every kind, under their names; counts are told at the end."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path), batch_latency=0.05)) as client:
            http = anthropic.DefaultAioHttpClient()
            async with anthropic.AsyncAnthropic(
                base_url=client.url, api_key="any", max_retries=0, http_client=http
            ) as sdk:
                params: Any = {"model": "always", "max_tokens": 50, "messages": USER}
                bad = {key: value for key, value in params.items() if key != "max_tokens"}
                requests: Any = [{"custom_id": "good", "params": params}, {"custom_id": "bad", "params": bad}]
                batch = await sdk.messages.batches.create(requests=requests)
                assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 2)
                for _ in range(500):
                    batch = await sdk.messages.batches.retrieve(batch.id)
                    if batch.processing_status == "ended":
                        break
                    await asyncio.sleep(0.01)
                assert (batch.request_counts.succeeded, batch.request_counts.errored) == (1, 1)
                results = {line.custom_id: line.result async for line in await sdk.messages.batches.results(batch.id)}
                assert results["good"].type == "succeeded"
                assert results["bad"].type == "errored"
                assert results["bad"].error.error.type == "invalid_request_error"
                assert [one.id async for one in sdk.messages.batches.list()] == [batch.id]

    asyncio.run(check())


def test_faults_apply_to_lines(tmp_path: Path) -> None:
    """A rate limit is an error of a line, and what hangs is not answered before the batch expires."""

    async def check() -> None:
        faults = parse("429=0.3,hang=0.3")
        async with simulator(Settings(fixtures=build(tmp_path), seed=3, batch_latency=0, faults=faults)) as client:
            lines = "\n".join(json.dumps(a_line(f"l{number}")) for number in range(40)).encode()

            async def call(method: str, path: str, **given: Any) -> Any:
                for _ in range(50):
                    try:
                        async with asyncio.timeout(0.5):
                            async with client.session.request(method, client.url + path, **given) as response:
                                if response.status == 200:
                                    return await response.text()
                    except TimeoutError:
                        continue
                raise AssertionError("nothing but faults")

            async def upload() -> Any:
                for _ in range(50):
                    form = aiohttp.FormData({"purpose": "batch"})
                    form.add_field("file", lines, filename="x.jsonl")
                    try:
                        async with asyncio.timeout(0.5):
                            async with client.session.post(f"{client.url}/v1/files", data=form) as response:
                                if response.status == 200:
                                    return (await response.json())["id"]
                    except TimeoutError:
                        continue
                raise AssertionError("nothing but faults")

            asked = {
                "input_file_id": await upload(),
                "endpoint": "/v1/chat/completions",
                "completion_window": "24h",
            }
            batch = json.loads(await call("POST", "/v1/batches", json=asked))
            for _ in range(100):
                batch = json.loads(await call("GET", f"/v1/batches/{batch['id']}"))
                if batch["status"] != "in_progress":
                    break
            assert batch["status"] == "expired"
            errors = (await call("GET", f"/v1/files/{batch['error_file_id']}/content")).splitlines()
            found = [json.loads(line) for line in errors]
            codes = {(line["error"] or {}).get("code") for line in found}
            statuses = {line["response"]["status_code"] for line in found if line["response"]}
            assert (codes, statuses) == ({None, "batch_expired"}, {429})
            assert batch["request_counts"] == {
                "total": 40,
                "completed": 40 - len(found),
                "failed": len(found),
            }

    asyncio.run(check())


def test_a_large_batch_is_taken(tmp_path: Path) -> None:
    """More than the megabyte that aiohttp takes by itself, in both protocols."""
    long = "x" * 50_000

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path), batch_latency=60)) as client:
            lines = "\n".join(json.dumps(a_line(f"l{number}", user=long)) for number in range(40)).encode()
            form = aiohttp.FormData({"purpose": "batch"})
            form.add_field("file", lines, filename="x.jsonl")
            async with client.session.post(f"{client.url}/v1/files", data=form) as response:
                assert (await response.json())["bytes"] == len(lines) > 2_000_000
            params = {"model": "always", "max_tokens": 50, "messages": USER, "metadata": {"user_id": long}}
            requests = [{"custom_id": f"l{number}", "params": params} for number in range(40)]
            status, batch, _ = await client.post("/v1/messages/batches", {"requests": requests})
            assert (status, batch["request_counts"]["processing"]) == (200, 40)

    asyncio.run(check())


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([a_line("l"), a_line("l")], "custom_id of its own"),
        ([a_line("x" * 65)], "custom_id of its own"),
        ([a_line("l"), a_line("m", model="sad")], "one model"),
        ([{**a_line("l"), "url": "/v1/embeddings"}], "POST to /v1/chat/completions"),
        ([], "custom_id of its own"),
    ],
)
def test_batches_that_are_refused(tmp_path: Path, lines: list[dict[str, Any]], said: str) -> None:
    """400 and what is wrong, as a user's own client must learn it."""

    async def check() -> None:
        async with simulator(Settings(fixtures=build(tmp_path))) as client:
            http = openai.DefaultAioHttpClient()
            async with openai.AsyncOpenAI(
                base_url=f"{client.url}/v1", api_key="any", max_retries=0, http_client=http
            ) as sdk:
                with pytest.raises(openai.BadRequestError, match=said):
                    await openai_batch(sdk, lines)

    asyncio.run(check())
