"""Wall time of a run against the ideal, and against a bare loop over the SDK. All ratios are within this one run.

`make bench`. The endpoint is the simulator with a latency, in a process of its own. The ideal is requests x latency /
concurrency: nothing but waiting, every slot always in use.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clustergate.effects import judge_prompt
from clustergate.nouns.model import Bench, Model, Subject
from clustergate.read.spec import Suite, load_suite
from clustergate.run.lab import Lab
from clustergate.run.order import Order

ROOT = Path(__file__).parents[1]
LATENCY = 0.050
REPLIES = 140  # a behavior, in whole rounds; no limit can be decided with so few


@contextmanager
def simulator(latency: float) -> Iterator[str]:
    """The URL of a simulator that answers after `latency` seconds."""
    words = [sys.executable, "-u", "-m", "clustergate.shell.cli", "sim", "--port=0", f"--latency={latency * 1000}"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.search(r"http://[\d.:]+/v1", line)
        assert match, line
        try:
            yield match.group()
        finally:
            process.terminate()


def suite() -> Suite:
    """The shipped behaviors of one turn, with limits that this many replies cannot decide."""
    fixtures = ROOT / "fixtures"
    shipped = load_suite(ROOT / "thresholds.yaml", [fixtures / "probes"], ROOT, "smoke", fixtures / "controls")
    names = [name for name in shipped.gated if shipped.behaviors[name].channel == "direct"]
    limits = {name: dataclasses.replace(shipped.thresholds.behaviors[name], max_rate=0.015) for name in names}
    gate = dataclasses.replace(shipped.thresholds.gate, max_samples=REPLIES)
    thresholds = dataclasses.replace(shipped.thresholds, behaviors=limits, gate=gate)
    return dataclasses.replace(shipped, thresholds=thresholds)


def model(name: str, url: str) -> Model:
    return Model(
        name=f"sim/{name}", provider="openai", id=name, base_url=url, api_key_env="NONE", key_optional=True,
        identity=f"sim/{name}", simulated=True,
    )  # fmt: skip


async def watch(lab: Lab, seen: list[int]) -> None:
    """Requests in flight, every 2 ms."""
    while True:
        seen.append(sum(limiter.in_flight for limiter in lab._gates._limiters.values()))
        await asyncio.sleep(0.002)


def in_use(seen: list[int], concurrency: int) -> float:
    """Share of the slots in use while work remains: until the slots were full for the last time."""
    last = max((i for i, flying in enumerate(seen) if flying >= concurrency), default=len(seen) - 1)
    return sum(seen[: last + 1]) / (last + 1) / concurrency


async def ours(url: str, concurrency: int, folder: str) -> tuple[float, int, float]:
    """Seconds from the first cell to the last finding, the requests it took, and the share of slots in use."""
    chosen = suite()
    order = Order(
        suite=chosen,
        subject=Subject(model=model("denying", url), system_prompt=None, temperature=1.0, max_tokens=1000),
        bench=Bench(models=(model("judge", url),)), store=f"{folder}/{concurrency}.sqlite", run_id="bench",
        concurrency=concurrency,
    )  # fmt: skip
    lab = await Lab.open(order)
    seen: list[int] = []
    watching = asyncio.ensure_future(watch(lab, seen))
    began = time.perf_counter()
    findings = await asyncio.gather(*(lab.find(name) for name in chosen.gated))
    seconds = time.perf_counter() - began
    watching.cancel()
    await lab.close()
    requests = sum(finding.requests.target + finding.requests.judge for finding in findings)
    return seconds, requests, in_use(seen, concurrency)


def judgement_tokens() -> str:
    """What a judgement costs: tokens of request and answer over all labeled replies, at four characters each."""
    fixtures = ROOT / "fixtures"
    controls, folders = fixtures / "controls", [fixtures / "judge_labels"]
    shipped = load_suite(ROOT / "thresholds.yaml", [fixtures / "probes"], ROOT, controls=controls, labels=folders)
    fixed = material = 0
    for name, labels in shipped.labels.items():
        behavior, prompts = shipped.behaviors[name], {one.id: one for one in shipped.behaviors[name].prompts}
        kind = judge_prompt.evidence_kind(behavior)
        for label in labels:
            prompt = prompts[label.prompt]
            evidence = judge_prompt.gather(kind, prompt.user_turns, label.answers, len(label.answers), prompt.document)
            system, user = judge_prompt.messages(behavior, evidence, "0123456789abcdef")
            fixed, material = fixed + len(system.content), material + len(user.content)
    count = sum(map(len, shipped.labels.values()))
    answer = len('{"verdict": "exhibits", "quote": "", "coherence": 90}') + 80
    return (
        f"a judgement of {count:,} labeled replies: {(fixed + material) / 4 / count:,.0f} input tokens, of which "
        f"{fixed / 4 / count:,.0f} are the same for a behavior and served from prompt caches, and {answer / 4:.0f} "
        "output tokens; one request gives verdict, quote and coherence"
    )


async def bare(url: str, concurrency: int, requests: int) -> float:
    """Seconds for as many requests through the SDK alone: half to the target, half to the judge."""
    import openai

    chosen = suite()
    prompts = [(behavior, prompt) for name in chosen.gated for behavior in [chosen.behaviors[name]]
               for prompt in behavior.prompts]  # fmt: skip
    client = openai.AsyncOpenAI(
        api_key="x", base_url=url, max_retries=0, http_client=openai.DefaultAioHttpClient(), timeout=30
    )
    slots = asyncio.Semaphore(concurrency)

    async def pair(number: int) -> None:
        behavior, prompt = prompts[number % len(prompts)]
        asked = [{"role": "user", "content": prompt.user or ""}]
        async with slots:
            answer = await client.chat.completions.create(model="denying", messages=asked, max_tokens=1000)
        text = answer.choices[0].message.content or ""
        evidence = judge_prompt.gather("reply", [prompt.user or ""], [text], 1, None)
        judging = [message.as_dict() for message in judge_prompt.messages(behavior, evidence, "0123456789abcdef")]
        async with slots:
            await client.chat.completions.create(model="judge", messages=judging, max_tokens=1000)

    await client.models.list()
    began = time.perf_counter()
    await asyncio.gather(*(pair(number) for number in range(requests // 2)))
    seconds = time.perf_counter() - began
    await client.close()
    return seconds


def main() -> None:
    print(f"{REPLIES} judged replies a behavior at {LATENCY * 1000:.0f} ms, one process; seconds of wall time")
    print(
        f"{'in flight':>9} {'requests':>8} {'ideal':>7} {'clustergate':>11} {'in use':>7} {'bare SDK':>9} {'ratio':>6}"
    )
    with simulator(LATENCY) as url, tempfile.TemporaryDirectory() as folder:
        for concurrency in (20, 50, 200):
            seconds, requests, used = asyncio.run(ours(url, concurrency, folder))
            loop = asyncio.run(bare(url, concurrency, requests))
            ideal = requests * LATENCY / concurrency
            print(
                f"{concurrency:9} {requests:8} {ideal:7.2f} {seconds:11.2f} {used:7.0%} {loop:9.2f}"
                f" {seconds / loop:6.2f}"
            )
    print(judgement_tokens())
    print(f"'in use': share of the allowed requests in flight while work remains. {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
