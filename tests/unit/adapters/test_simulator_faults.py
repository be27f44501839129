from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from scipy import stats

from clustergate.adapters.simulator.faults import Faults, parse
from clustergate.adapters.simulator.server import Settings
from clustergate.nouns.errors import UsageProblems
from tests.unit.adapters.simulator_house import CURT, build, simulator

BODY = {"model": "sad", "max_tokens": 100, "messages": [{"role": "user", "content": CURT}]}


def test_a_spec_is_read() -> None:
    """Names and numbers of a spec come out as chances and seconds."""
    assert parse("429=0.2, drop=.1,retry-after=1.5") == Faults({"429": 0.2, "drop": 0.1}, 1.5)
    assert parse(None) == parse("") == Faults()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("garbge=0.1", ["'garbge'", "did you mean 'garbage'"]),
        ("drop=2", ["drop", "'2'", "0 to 1"]),
        ("drop", ["drop", "a chance"]),
        ("drop=nan", ["nan"]),
        ("retry-after=-1", ["retry-after", "seconds"]),
        ("drop=0.6,hang=0.6", ["1.2", "at most 1"]),
        ("drop=0.1,drop=0.1", ["second"]),
        ("x=1,drop=2", ["'x'", "'2'"]),
    ],
)
def test_a_bad_spec_says_all_that_is_wrong(spec: str, words: list[str]) -> None:
    """The message holds what was found, what was expected and the nearest name."""
    with pytest.raises(UsageProblems) as caught:
        parse(spec)
    assert all(word in str(caught.value) for word in words)


def test_faults_come_at_their_rates() -> None:
    """Of 2,000 draws each kind has its share, within the central 99.99 % of the binomial (scipy)."""
    faults = parse("429=0.2,drop=0.1")
    rng = random.Random(7)
    seen = Counter(faults.draw(rng) for _ in range(2000))
    for kind, rate in (("429", 0.2), ("drop", 0.1), (None, 0.7)):
        low, high = stats.binom.interval(0.9999, 2000, rate)
        assert low <= seen[kind] <= high


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_status_faults_have_the_providers_shape(tmp_path: Path, path: str) -> None:
    """429 carries Retry-After where it was asked for; 500 does not; both are JSON errors."""

    async def check() -> None:
        for spec, status, wait in (
            ("429=1,retry-after=2", 429, "2"),
            ("429=1", 429, None),
            ("500=1,retry-after=2", 500, None),
        ):
            async with simulator(Settings(fixtures=fixtures, faults=parse(spec))) as client:
                got, answer, headers = await client.post(path, BODY)
                assert (got, headers.get("Retry-After")) == (status, wait)
                assert answer["error"]["message"]
                assert (answer.get("type") == "error") == (path == "/v1/messages")

    fixtures = build(tmp_path)
    asyncio.run(check())


def test_broken_bodies(tmp_path: Path) -> None:
    """drop ends the connection inside the body, garbage is no JSON, html is no JSON type, hang gives nothing."""

    async def check() -> None:
        async def post(spec: str) -> tuple[int, str, str]:
            async with simulator(Settings(fixtures=fixtures, faults=parse(spec))) as client:
                url, timeout = client.url + "/v1/chat/completions", aiohttp.ClientTimeout(total=0.3)
                async with client.session.post(url, json=BODY, timeout=timeout) as response:
                    return response.status, response.content_type, await response.text()

        with pytest.raises(aiohttp.ClientPayloadError):
            await post("drop=1")
        with pytest.raises(TimeoutError):
            await post("hang=1")
        status, kind, text = await post("garbage=1")
        assert (status, kind) == (200, "application/json")
        assert not text.endswith("}")
        assert (await post("html=1"))[:2] == (200, "text/html")

    fixtures = build(tmp_path)
    asyncio.run(check())


def test_faults_use_up_no_draws(tmp_path: Path) -> None:
    """The sound replies of a faulty server are the first replies of a sound one with the same seed."""

    async def replies(spec: str, requests: int) -> list[str]:
        async with simulator(Settings(fixtures=fixtures, seed=3, faults=parse(spec))) as client:
            texts = []
            for _ in range(requests):
                status, answer, _ = await client.post("/v1/chat/completions", BODY)
                texts += [answer["choices"][0]["message"]["content"]] if status == 200 else []
            return texts

    fixtures = build(tmp_path)
    faulty = asyncio.run(replies("500=0.5", 40))
    assert 0 < len(faulty) < 40
    assert faulty == asyncio.run(replies("", 40))[: len(faulty)]
