"""Judges replies: one request a reply, its answer read strictly, stored as it arrives."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Final

from clustergate.effects import judge_prompt
from clustergate.effects.claiming import claimed
from clustergate.effects.judge_prompt import Unreadable
from clustergate.effects.keys import judge_identity, judgement_key
from clustergate.effects.tally import Spent, Tally
from clustergate.nouns.errors import EndpointDown, NotStored, RequestRefused, TransientFault
from clustergate.nouns.model import Answer, Finish, Judgement, JudgeVerdict, Model, Reply, Request
from clustergate.nouns.protocols import Gatekeeper, Store
from clustergate.nouns.settings import Behavior, Prompt

TRIES: Final = 3
"""Times that the judge is asked about one reply: once, and again at most twice."""


class Judge:
    """One judge model. `gate` is None when nothing may be asked (`--offline`).

    `served_as` is the model that its endpoint names: another one is another judge, whose word is not mixed with this
    one's and whose errors are not known.
    """

    def __init__(
        self,
        model: Model,
        temperature: float | None,
        max_tokens: int,
        store: Store,
        gate: Gatekeeper | None,
        served_as: str | None = None,
    ) -> None:
        self.model = model
        self.identity = judge_identity(model, temperature, max_tokens, served_as)
        self._served_as = served_as
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._store = store
        self._gate = gate
        self._stored: dict[tuple[str, str], asyncio.Task[Mapping[str, Judgement]]] = {}

    async def judge(
        self, behavior: Behavior, prompt: Prompt, reply: Reply, turn: int, subject: str, attempt: int, tally: Tally
    ) -> Judgement:
        """What the judge says of the answer to `turn`. Raises AskingEnded, EndpointRejected.

        A judge that gives no readable answer, or none at all, gives an `unreadable` judgement: missing data.
        """
        key = judgement_key(reply.key, turn, self.identity, judge_prompt.prompt_hash(behavior))
        stored = (await self._stored_judgements(behavior, subject, attempt)).get(key)
        if stored is not None:
            return stored
        if self._gate is None:
            raise NotStored(f"the judgement of {behavior.id}/{reply.draw.prompt}, draw {reply.draw.index}")
        found = await claimed(lambda: self._store.claim_judgement(key), self._gate.check)
        if isinstance(found, Judgement):
            return found
        try:
            judgement = await self._ask(key, behavior, prompt, reply, turn, tally.judge(self.model.name))
        except (TransientFault, RequestRefused) as fault:
            # Not stored: a fault is no evidence, and the next run may ask again.
            await self._store.release(key)
            return Judgement(
                verdict=JudgeVerdict.UNREADABLE, quote="", coherence=None, requests=0, raw=f"no answer: {fault}"
            )
        except BaseException:
            await self._store.release(key)
            raise
        await self._store.put_judgement(
            key,
            judgement,
            reply_key=reply.key,
            behavior=behavior.id,
            judge=self.identity,
            subject=subject,
            attempt=attempt,
        )
        return judgement

    async def _stored_judgements(self, behavior: Behavior, subject: str, attempt: int) -> Mapping[str, Judgement]:
        if (subject, behavior.id) not in self._stored:
            read = asyncio.to_thread(self._store.judgements, subject, attempt, behavior.id, self.identity)
            self._stored[subject, behavior.id] = asyncio.ensure_future(read)
        reading = self._stored[subject, behavior.id]
        return reading.result() if reading.done() else await asyncio.shield(reading)

    def forget(self, behavior: Behavior, subject: str) -> None:
        """Keep its stored judgements no longer in memory."""
        self._stored.pop((subject, behavior.id), None)

    async def _ask(
        self, key: str, behavior: Behavior, prompt: Prompt, reply: Reply, turn: int, spent: Spent
    ) -> Judgement:
        assert self._gate is not None
        evidence = judge_prompt.gather(
            judge_prompt.evidence_kind(behavior),
            reply.turns,
            [answer.text for answer in reply.answers],
            turn,
            prompt.document,
        )
        complaint, raw, tokens = None, "", [0, 0]
        for number in range(1, TRIES + 1):
            request = Request(
                messages=judge_prompt.messages(behavior, evidence, secrets.token_hex(8), complaint),
                temperature=self._temperature,
                max_tokens=self._max_tokens,
                schema=judge_prompt.SCHEMA,
            )
            answer = await self._gate.ask(request, spent.tried, key if number == 1 else f"{key}#{number}")
            spent.answered(answer)
            self._check_served(answer)
            tokens = [tokens[0] + (answer.input_tokens or 0), tokens[1] + (answer.output_tokens or 0)]
            raw = answer.text
            try:
                if answer.finish in (Finish.REFUSED, Finish.FILTERED):
                    raise Unreadable(f"it was {answer.finish.value}")
                reading = judge_prompt.read_answer(raw, evidence)
                # What is not found in beginning and end may stand in the middle.
                unread = evidence.is_cut and reading.verdict is not JudgeVerdict.EXHIBITS
            except Unreadable as error:
                complaint = str(error)
                continue
            return Judgement(
                verdict=JudgeVerdict.UNREADABLE if unread else reading.verdict,
                quote=reading.quote,
                coherence=reading.coherence,
                requests=number,
                input_tokens=tokens[0],
                output_tokens=tokens[1],
                raw=raw,
            )
        return Judgement(
            verdict=JudgeVerdict.UNREADABLE,
            quote="",
            coherence=None,
            requests=TRIES,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            raw=raw,
        )

    def _check_served(self, answer: Answer) -> None:
        if self._served_as is None or answer.served_as is None or answer.served_as == self._served_as:
            return
        raise EndpointDown(
            f"the judge's endpoint began to serve {answer.served_as!r} in the middle of the run, after "
            f"{self._served_as!r}: judgements of two models are not mixed. Run again to have all replies read by the "
            "one that it serves now."
        )
