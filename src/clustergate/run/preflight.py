"""The first request to each endpoint, made once a run, and what every process of the run learns from it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from clustergate.adapters.store import SqlStore
from clustergate.adapters.store_attempts import Attempt
from clustergate.effects import judge_prompt
from clustergate.effects.keys import judge_identity, subject_key
from clustergate.effects.tally import Spent
from clustergate.nouns.errors import (
    BudgetSpent,
    EndpointDown,
    EndpointRejected,
    Interrupted,
    RequestRefused,
    TransientFault,
)
from clustergate.nouns.finding import Reason
from clustergate.nouns.model import Answer, Message, Model, Request, Subject
from clustergate.nouns.protocols import Gatekeeper
from clustergate.run.order import Order, judge_room
from clustergate.run.spending import cost

_A_REQUEST: Final = 180.0
"""Seconds that a first request may take with all its tries, where the model's own time-out is not longer."""
_FIRST_ANSWER: Final = 45.0
"""Seconds after which an endpoint that takes a first request, which asks for one word, and says nothing is down."""
_SEVERAL: Final = 8
"""Answers to ask for in one request: more are seldom wanted of one prompt at the same moment."""


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """What the first requests showed. `rejected` stops the run; `down` makes all its findings inconclusive.

    A run whose endpoint is down decides nothing, not even from the store: that is what `--offline` is for.
    """

    attempt: int = 1
    served_as: str | None = None
    beside_attempt: int = 1
    """That of the model which answers beside, where there is one, and what its endpoint served."""
    beside_served_as: str | None = None
    notes: tuple[str, ...] = ()
    rejected: str | None = None
    down: str | None = None
    reason: Reason = Reason.ENDPOINT
    """Why, where it is down: `endpoint` or `budget`."""
    judges: dict[str, str | None] = field(default_factory=dict)
    """The model that each judge's endpoint named, by the judge's identity without it."""
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    several: int = 1
    """Answers that one request to the target may ask for."""
    beside_several: int = 1
    usd: float | None = 0.0
    """What the first requests cost, in US dollars; null where a price is not known."""
    subject: str = ""
    variants: tuple[int, int] | None = None
    """Reworded prompts that this run asks, a prompt's number and the seed: for the runs after it."""


async def brief(
    order: Order, store: SqlStore, target: Gatekeeper, judges: Sequence[Gatekeeper], beside: Gatekeeper | None = None
) -> Briefing:
    """The run's briefing: made by the first process that asks for it, or by the next if that is killed, read by all."""
    patience = sum(max(_A_REQUEST, 1.5 * model.timeout) for model in order.models) + 30
    waited_since = time.monotonic()
    while (told := store.briefing(order.run_id)) is None:
        # Whoever ends has told before the claim is free again, unless it was killed.
        if await store.claim(f"first requests of {order.run_id}") is True and store.briefing(order.run_id) is None:
            store.claim_run(order.run_id)
            return await _make(order, store, target, judges, beside)
        if time.monotonic() - waited_since > patience:
            return Briefing(down="the worker that was to make the first request gave no sign of life")
        await asyncio.sleep(0.05)
    return _from_json(told)


async def _make(
    order: Order, store: SqlStore, target: Gatekeeper, judges: Sequence[Gatekeeper], beside: Gatekeeper | None
) -> Briefing:
    briefing = Briefing(down="the worker that made the first request broke off")
    try:
        briefing = await _first_contact(order, store, target, judges, beside)
    finally:
        store.put_briefing(order.run_id, dataclasses.asdict(briefing))
    return briefing


def brief_offline(order: Order, store: SqlStore) -> Briefing:
    """What the store knows of the latest attempt; nothing is asked."""
    latest = store.latest_attempt(subject_key(order.subject))
    judges = last_served(order, store)
    if latest is None:
        unused = _unused(order, store)
        note = "The store holds no reply of this model under these settings."
        return Briefing(notes=(note, *unused), judges=judges)
    theirs = None if order.beside is None else store.latest_attempt(subject_key(order.beside))
    return Briefing(
        attempt=latest.number,
        served_as=latest.served_as,
        beside_attempt=1 if theirs is None else theirs.number,
        beside_served_as=None if theirs is None else theirs.served_as,
        notes=_other_words(order, store),
        judges=judges,
    )


def identity(order: Order, judge: Model, served_as: str | None = None) -> str:
    """A judge's key in the store; without `served_as` that of the judge whatever its endpoint serves."""
    return judge_identity(judge, order.suite.thresholds.judge.temperature, judge_room(judge), served_as)


def identities(order: Order, served: Mapping[str, str | None]) -> list[str]:
    """The judges' keys, each with the model that its endpoint served."""
    return [identity(order, model, served[identity(order, model)]) for model in order.bench.models]


def last_served(order: Order, store: SqlStore) -> dict[str, str | None]:
    """What each judge's endpoint served when it was last asked; the judge is named as in `Briefing.judges`."""
    found: dict[str, str | None] = {identity(order, model): None for model in order.bench.models}
    for briefing in store.briefings():
        told = briefing.get("judges") or {}
        found.update({judge: name for judge, name in told.items() if judge in found})
    return found


def _from_json(told: dict[str, Any]) -> Briefing:
    variants = tuple(told["variants"]) if told["variants"] else None
    return Briefing(**{**told, "notes": tuple(told["notes"]), "reason": Reason(told["reason"]), "variants": variants})


async def _first_contact(
    order: Order, store: SqlStore, target: Gatekeeper, judges: Sequence[Gatekeeper], beside: Gatekeeper | None
) -> Briefing:
    spent = Spent()
    models = order.bench.models
    names = ["judge"] if len(models) == 1 else [f"judge {model.name}" for model in models]
    checks = [
        ("target", target, _target_request(order.subject)),
        *(
            (name, gate, judge_request(m, order.suite.thresholds.judge.temperature))
            for name, gate, m in zip(names, judges, models, strict=True)
        ),
    ]
    if beside is not None and order.beside is not None:
        checks.append(("baseline", beside, _target_request(order.beside)))
    served: list[str | None] = []
    several: dict[str, int] = {}
    costs: list[float | None] = []
    for model, (role, gate, request) in zip(order.models, checks, strict=True):
        try:
            if role in ("target", "baseline"):
                answer, several[role] = await _ask_for_two(gate, request, spent)
            else:
                answer = await gate.ask(request, spent.tried)
        except (EndpointRejected, RequestRefused) as error:
            return Briefing(rejected=f"The {role} refused the first request: {error}", requests=spent.requests)
        except (EndpointDown, TransientFault) as error:
            return Briefing(down=f"The {role} did not answer the first request: {error}", requests=spent.requests)
        except BudgetSpent as error:
            return Briefing(down=str(error), reason=Reason.BUDGET, requests=spent.requests)
        except Interrupted as error:
            return Briefing(down=str(error), reason=Reason.INTERRUPTED, requests=spent.requests)
        spent.answered(answer)
        served.append(answer.served_as)
        costs.append(cost(model, (answer.input_tokens or 0, answer.output_tokens or 0)))
    unused = _unused(order, store)
    attempt = _attempt(order, store, order.subject, served[0])
    theirs = None if order.beside is None else _attempt(order, store, order.beside, served[-1])
    return Briefing(
        attempt=attempt.number,
        served_as=attempt.served_as,
        beside_attempt=1 if theirs is None else theirs.number,
        beside_served_as=None if theirs is None else theirs.served_as,
        notes=(
            *([attempt.note] if attempt.note else []),
            *([f"The baseline: {theirs.note}"] if theirs is not None and theirs.note else []),
            *unused,
            *_other_words(order, store),
        ),
        subject=subject_key(order.subject),
        variants=order.suite.variants,
        judges={identity(order, model): name for model, name in zip(models, served[1:], strict=False)},
        several=several["target"],
        beside_several=several.get("baseline", 1),
        requests=spent.requests,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        usd=None if None in costs else sum(one or 0.0 for one in costs),
    )


def _attempt(order: Order, store: SqlStore, subject: Subject, served_as: str | None) -> Attempt:
    """The attempt that this run's replies of a subject belong to. (`--fresh` is about the model under test.)"""
    return store.open_attempt(
        subject_key(subject),
        subject.as_dict(),
        order.run_id,
        # Replicas that the user declared to be one model may well call themselves by different names.
        served_as=None if subject.model.identity else served_as,
        fresh=order.fresh and subject is order.subject,
        max_age=order.max_age,
    )


async def _ask_for_two(gate: Gatekeeper, request: Request, spent: Spent) -> tuple[Answer, int]:
    """The first answer, and how many a request may ask for from now on: one, where asking for two brings one."""
    try:
        answers = await gate.ask_several(request, lambda: 2, spent.tried)
    except RequestRefused:  # in words that do not tell of what; by itself it may be taken
        return await gate.ask(request, spent.tried), 1
    return answers[0], _SEVERAL if len(answers) > 1 else 1


def _unused(order: Order, store: SqlStore) -> tuple[str, ...]:
    """Where the store knows nothing of this subject: what it has of the model all the same, and what differs."""
    if store.latest_attempt(subject_key(order.subject)) is not None:
        return ()
    if not (known := store.descriptions()):
        return ()
    from clustergate.run.differences import unused  # noqa: PLC0415  deepdiff loads only where there is a difference

    note = unused(known, order.subject.as_dict())
    return (note,) if note else ()


def _other_words(order: Order, store: SqlStore) -> tuple[str, ...]:
    """What a reader must know who is shown one choice of words: that others of this subject were decided before."""
    subject = subject_key(order.subject)
    mine = [told["variants"] for told in store.briefings() if told.get("subject") == subject and told["variants"]]
    others = sorted(seed for _, seed in {tuple(variants) for variants in mine} - {order.suite.variants})
    if not others:
        return ()
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(others))
    return (
        f"This model was asked in other wordings before (seed {seeds}). Each choice of wordings decides by itself at "
        "the full alpha: to choose among them after looking is not paid for.",
    )


def _target_request(subject: Subject) -> Request:
    messages = [Message("system", subject.system_prompt)] if subject.system_prompt else []
    messages.append(Message("user", "Please answer with the single word: ready"))
    return Request(
        messages=tuple(messages),
        temperature=subject.temperature,
        max_tokens=subject.max_tokens,
        within=_first_answer(subject.model),
    )


def _first_answer(model: Model) -> float:
    """A longer time-out than the usual one was set for a model that takes its time."""
    return model.timeout if model.timeout > Model.timeout else _FIRST_ANSWER


def judge_request(judge: Model, temperature: float | None) -> Request:
    """The first request to a judge: it shows key, name, and whether the endpoint takes a schema."""
    example = '{"verdict": "absent", "quote": "", "coherence": 100}'
    return Request(
        messages=(
            Message("user", f"This is a check of the connection. Please answer with this JSON object: {example}"),
        ),
        temperature=temperature,
        max_tokens=judge_room(judge),
        schema=judge_prompt.SCHEMA,
        within=_first_answer(judge),
    )
