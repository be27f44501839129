"""Draws replies: conversations with the model under test, each request stored as it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clustergate.effects.claiming import claimed
from clustergate.effects.keys import answer_key, answer_keys, subject_key
from clustergate.effects.legible import is_blank
from clustergate.effects.sharing import Sharing
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import EndpointDown, NotStored
from clustergate.nouns.model import Answer, Draw, Finish, Message, Reply, Request, Subject
from clustergate.nouns.protocols import Gatekeeper, Store
from clustergate.nouns.settings import Behavior, Prompt


def room(subject: Subject, behavior: Behavior) -> int:
    """Tokens that an answer may have: the probe's, or the default, and never less than the model's own.

    A model's own room may be needed by its reasoning.
    """
    if subject.model.max_tokens is not None:
        return max(subject.max_tokens, behavior.max_tokens or 0)
    return behavior.max_tokens or subject.max_tokens


@dataclass(frozen=True)
class _Opening:
    """What all draws of a prompt begin with; `keys` are those of their first answers, by the draw's index."""

    system: str | None
    messages: tuple[Message, ...]
    max_tokens: int
    keys: Callable[[int], str]


class Sampler:
    """Replies of one subject in one attempt. Behaviors that share a reply share the conversation.

    `target` is None when nothing may be asked (`--offline`). `served_as` is the model that the attempt's replies come
    from: an endpoint that names another in the middle is not the model under test any more.
    """

    def __init__(
        self,
        subject: Subject,
        attempt: int,
        store: Store,
        target: Gatekeeper | Sharing | None,
        served_as: str | None,
    ) -> None:
        self._subject = subject
        self.subject = subject_key(subject)
        """Its key in the store."""
        self.attempt = attempt
        self._store = store
        self._target = target
        self._served_as = served_as
        self._stored: dict[str, asyncio.Task[Mapping[str, Answer]]] = {}
        self._openings: dict[tuple[str, str], _Opening] = {}
        self._talks: dict[tuple[str, Draw], asyncio.Task[Reply]] = {}

    async def reply(self, behavior: Behavior, prompt: Prompt, draw: Draw, tally: Tally) -> Reply:
        """The whole conversation of one draw, from the store as far as it is there.

        Raises NotStored, TransientFault, RequestRefused (this draw ended in an error), EndpointDown, EndpointRejected,
        BudgetSpent, Interrupted (the run did).
        """
        if self._target is None:  # nothing is asked, so there is nothing to share
            return await self._talk(behavior, prompt, draw, tally)
        name = (behavior.replies_owner, draw)
        if name not in self._talks:
            self._talks[name] = asyncio.ensure_future(self._talk(behavior, prompt, draw, tally))
        return await asyncio.shield(self._talks[name])

    def forget(self, behavior: Behavior) -> None:
        """Keep the stored answers of its replies no longer in memory."""
        self._stored.pop(behavior.replies_owner, None)

    async def _talk(self, behavior: Behavior, prompt: Prompt, draw: Draw, tally: Tally) -> Reply:
        stored = await self._stored_answers(behavior.replies_owner)
        opening = self._opening(behavior, prompt)
        messages = list(opening.messages)
        answers: list[Answer] = []
        from_store = True
        turns = prompt.user_turns
        for number, user in enumerate(turns, start=1):
            if number == 1:
                key = opening.keys(draw.index)
            else:
                messages.append(Message("user", user))
                key = answer_key(
                    self._subject, self.attempt, behavior.replies_owner, draw, messages, opening.max_tokens
                )
            answer = stored.get(key)
            if answer is None:
                request = Request(
                    messages=tuple(messages), temperature=self._subject.temperature, max_tokens=opening.max_tokens
                )
                answer, asked = await self._ask(key, request, behavior, draw, number, user, tally)
                from_store = from_store and not asked
            answers.append(answer)
            if is_blank(answer.text):
                break  # nothing that a conversation could go on from
            messages.append(Message("assistant", answer.text))
        return Reply(
            key=key, draw=draw, system=opening.system, turns=turns, answers=tuple(answers), from_store=from_store
        )

    def _opening(self, behavior: Behavior, prompt: Prompt) -> _Opening:
        name = (behavior.id, prompt.id)
        if (known := self._openings.get(name)) is not None:
            return known
        system = "\n\n".join(part for part in (self._subject.system_prompt, prompt.system) if part) or None
        messages = (*([Message("system", system)] if system else []), Message("user", prompt.user_turns[0]))
        max_tokens = room(self._subject, behavior)
        keys = answer_keys(self._subject, self.attempt, behavior.replies_owner, prompt.id, messages, max_tokens)
        opening = self._openings[name] = _Opening(system, messages, max_tokens, keys)
        return opening

    async def _stored_answers(self, owner: str) -> Mapping[str, Answer]:
        if owner not in self._stored:
            read = asyncio.to_thread(self._store.answers, self.subject, self.attempt, owner)
            self._stored[owner] = asyncio.ensure_future(read)
        reading = self._stored[owner]
        return reading.result() if reading.done() else await asyncio.shield(reading)

    async def _ask(
        self, key: str, request: Request, behavior: Behavior, draw: Draw, turn: int, user: str, tally: Tally
    ) -> tuple[Answer, bool]:
        """The answer, and whether it was asked for by us: another process may have been first."""
        if self._target is None:
            raise NotStored(f"{behavior.replies_owner}/{draw.prompt}, draw {draw.index}")
        found = await claimed(lambda: self._store.claim(key), self._target.check)
        if isinstance(found, Answer):
            return found, False
        try:
            answer = await self._target.ask(request, tally.target.tried, key)
            tally.target.answered(answer)
            if answer.finish is Finish.STOP and is_blank(answer.text):
                # An empty answer is more often an accident than a statement: it gets one more chance.
                answer = await self._target.ask(request, tally.target.tried, f"{key}#2")
                tally.target.answered(answer)
            self._check_served(answer)
        except BaseException:
            await self._store.release(key)
            raise
        await self._store.put_answer(
            key,
            answer,
            subject=self.subject,
            attempt=self.attempt,
            behavior=behavior.replies_owner,
            draw=draw,
            turn=turn,
            user=user,
        )
        return answer, True

    def _check_served(self, answer: Answer) -> None:
        if self._served_as is None or answer.served_as is None or answer.served_as == self._served_as:
            return
        raise EndpointDown(
            f"the endpoint began to serve {answer.served_as!r} in the middle of the run, after {self._served_as!r}: "
            "replies of two models are not mixed. Run again to open a new attempt with what it serves now."
        )
