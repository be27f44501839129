"""The store's keys: what must agree for a stored reply or judgement to be used again. Pure.

Time-outs, retries, headers and parameters that an endpoint turned out to refuse are no part of a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from clustergate.nouns.model import Draw, Label, Message, Model, Subject
from clustergate.read.spec import canonical, digest

SCHEMA_VERSION: Final = 1


def subject_key(subject: Subject) -> str:
    return digest({"schema": SCHEMA_VERSION, **subject.as_dict()})


def answer_key(
    subject: Subject, attempt: int, owner: str, draw: Draw, messages: Sequence[Message], max_tokens: int
) -> str:
    """Key of one answer. `messages` hold the answers before it, so it covers the whole conversation up to here."""
    return answer_keys(subject, attempt, owner, draw.prompt, messages, max_tokens)(draw.index)


def answer_keys(
    subject: Subject, attempt: int, owner: str, prompt: str, messages: Sequence[Message], max_tokens: int
) -> Callable[[int], str]:
    """The keys of all draws that are asked the same, by index: digests that differ in that number alone."""
    told = canonical(
        {
            "schema": SCHEMA_VERSION,
            **subject.as_dict(),
            "max_tokens": max_tokens,
            "messages": [message.as_dict() for message in messages],
            "prompt": f"{owner}/{prompt}",
            "draw": None,
            "attempt": attempt,
        }
    )
    # Names are sorted, and only `attempt` comes before `draw`.
    before, draw, after = told.partition('"draw":')
    head, tail = (before + draw).encode(), after.removeprefix("null").encode()
    return lambda index: hashlib.sha256(b"%b%d%b" % (head, index, tail)).hexdigest()


def judge_identity(model: Model, temperature: float | None, max_tokens: int, served_as: str | None = None) -> str:
    """Key of a judge: another model, URL, temperature or room is another judge, and so is another model served.

    Replicas that the user declared to be one model may call themselves by different names.
    """
    identity: dict[str, Any] = model.identified()
    told = {"temperature": temperature, "max_tokens": max_tokens, "extra_body": dict(model.extra_body)}
    return digest({**identity, **told, "served_as": None if model.identity else served_as})


def judgement_key(reply_key: str, turn: int, judge: str, prompt_hash: str) -> str:
    """Key of one judgement; `turn` is the judged one. The others are digests, which stand in JSON as they are."""
    told = f'{{"judge":"{judge}","prompt":"{prompt_hash}","reply":"{reply_key}","turn":{turn}}}'
    return hashlib.sha256(told.encode()).hexdigest()


def label_key(label: Label, turns: Sequence[str], document: str | None, repeat: int) -> str:
    """Key of a labeled reply: what a judge is shown of it, whatever it is labeled, and which time it is shown it."""
    told = {"labeled": list(label.answers), "turns": list(turns), "document": document}
    return digest({**told, "repeat": repeat} if repeat else told)
