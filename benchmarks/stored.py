"""Fills a store with replies and judgements as a run leaves them: through the sampler and the judge, asking nobody."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from clustergate.adapters.store import SqlStore
from clustergate.effects.judge import Judge
from clustergate.effects.keys import subject_key
from clustergate.effects.sampler import Sampler
from clustergate.effects.tally import Tally
from clustergate.nouns.model import Answer, Draw, Finish, Model, Request, Subject
from clustergate.read.spec import Suite, load_suite
from clustergate.run.order import judge_room

REPLY = "I look at what was asked and give a plain answer to it, in a few sentences, as an assistant would. " * 4
AT_ONCE = 5_000


class Canned:
    """Implements nouns.protocols.Gatekeeper: replies that differ, of which the judge finds one in twenty."""

    def __init__(self) -> None:
        self._replies, self._judged = itertools.count(), itertools.count()

    def check(self) -> None:
        pass

    async def ask(self, request: Request, on_try: Callable[[], None] | None = None, key: str = "") -> Answer:
        if request.schema is None:
            text = f"{REPLY}({next(self._replies)})"
        else:
            found = next(self._judged) % 20 == 0
            quote = "I look at what was asked" if found else ""
            text = json.dumps({"verdict": "exhibits" if found else "absent", "quote": quote, "coherence": 95})
        return Answer(text=text, finish=Finish.STOP, served_as="m", input_tokens=300, output_tokens=90)

    async def ask_several(
        self, request: Request, count: Callable[[], int], on_try: Callable[[], None] | None = None, key: str = ""
    ) -> Sequence[Answer]:
        return [await self.ask(request) for _ in range(count())]


def fill(folder: Path, location: str, url: str, replies: int) -> None:
    """`replies` of every behavior of the repository in `folder`, for models that are asked at `url`."""
    suite = load_suite(folder / "thresholds.yaml", [folder / "fixtures" / "probes"], folder)
    asyncio.run(_fill(suite, location, url, replies))


async def _fill(suite: Suite, location: str, url: str, replies: int) -> None:
    store, gate = SqlStore(location), Canned()
    target, judging = (
        Model(name=name, provider="openai", id=name, base_url=url, api_key_env="OPENAI_API_KEY")
        for name in ("target", "judge")
    )
    sampling = suite.thresholds.sampling
    subject = Subject(
        model=target, system_prompt=None, temperature=sampling.temperature, max_tokens=sampling.max_tokens
    )
    key = subject_key(subject)
    attempt = store.open_attempt(key, subject.as_dict(), "filled", served_as=None, fresh=False).number
    for name in suite.gated:
        behavior = suite.behaviors[name]
        sampler = Sampler(subject, attempt, store, gate, None)
        judge = Judge(judging, suite.thresholds.judge.temperature, judge_room(judging), store, gate)
        draws = [(prompt, Draw(i, prompt.id)) for i in range(replies // len(behavior.prompts))
                 for prompt in behavior.prompts]  # fmt: skip
        tally = Tally()
        for begin in range(0, len(draws), AT_ONCE):
            chunk = draws[begin : begin + AT_ONCE]
            read = await asyncio.gather(*(sampler.reply(behavior, prompt, draw, tally) for prompt, draw in chunk))
            await asyncio.gather(
                *(judge.judge(behavior, prompt, reply, 1, key, attempt, tally)
                  for (prompt, _), reply in zip(chunk, read, strict=True))
            )  # fmt: skip
    store.close()
