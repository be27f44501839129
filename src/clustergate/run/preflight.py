"""The first request to each endpoint, made once a run, and what every process of the run learns from it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from clustergate.adapters.store import SqlStore
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
from clustergate.nouns.model import Answer, Message, Model, Request
from clustergate.nouns.protocols import Gatekeeper
from clustergate.run.order import Order, judge_room
from clustergate.run.spending import cost

_A_REQUEST: Final = 180.0
"""Seconds that a first request may take with all its tries, where the model's own time-out is not longer."""
_SEVERAL: Final = 8
"""Answers to ask for in one request: more are seldom wanted of one prompt at the same moment."""


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """What the first requests showed. `rejected` stops the run; `down` makes all its findings inconclusive.

    A run whose endpoint is down decides nothing, not even from the store: that is what `--offline` is for.
    """

    attempt: int = 1
    served_as: str | None = None
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
    usd: float | None = 0.0
    """What the first requests cost, in US dollars; null where a price is not known."""
    subject: str = ""
    variants: tuple[int, int] | None = None
    """Reworded prompts that this run asks, a prompt's number and the seed: for the runs after it."""


async def brief(order: Order, store: SqlStore, target: Gatekeeper, judges: Sequence[Gatekeeper]) -> Briefing:
    """The run's briefing: made by the first process that asks for it, read by the others."""
    if store.claim_run(order.run_id):
        briefing = Briefing(down="the worker that made the first request broke off")
        try:
            briefing = await _first_contact(order, store, target, judges)
        finally:
            store.put_briefing(order.run_id, dataclasses.asdict(briefing))
        return briefing
    patience = sum(max(_A_REQUEST, 1.5 * model.timeout) for model in (order.subject.model, *order.bench.models)) + 30
    waited_since = time.monotonic()
    while (told := store.briefing(order.run_id)) is None:
        if time.monotonic() - waited_since > patience:
            return Briefing(down="the worker that was to make the first request gave no sign of life")
        await asyncio.sleep(0.05)
    return _from_json(told)


def brief_offline(order: Order, store: SqlStore) -> Briefing:
    """What the store knows of the latest attempt; nothing is asked."""
    latest = store.latest_attempt(subject_key(order.subject))
    judges = last_served(order, store)
    if latest is None:
        unused = _unused(order, store)
        note = "The store holds no reply of this model under these settings."
        return Briefing(notes=(note, *unused), judges=judges)
    notes = _other_words(order, store)
    return Briefing(attempt=latest.number, served_as=latest.served_as, notes=notes, judges=judges)


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


async def _first_contact(order: Order, store: SqlStore, target: Gatekeeper, judges: Sequence[Gatekeeper]) -> Briefing:
    spent = Spent()
    models = order.bench.models
    names = ["judge"] if len(models) == 1 else [f"judge {model.name}" for model in models]
    checks = [
        ("target", target, _target_request(order)),
        *(
            (name, gate, judge_request(m, order.suite.thresholds.judge.temperature))
            for name, gate, m in zip(names, judges, models, strict=True)
        ),
    ]
    served: list[str | None] = []
    several = 1
    costs: list[float | None] = []
    for model, (role, gate, request) in zip((order.subject.model, *models), checks, strict=True):
        try:
            if gate is target:
                answer, several = await _ask_for_two(gate, request, spent)
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
    attempt = store.open_attempt(
        subject_key(order.subject),
        order.subject.as_dict(),
        order.run_id,
        # Replicas that the user declared to be one model may well call themselves by different names.
        served_as=None if order.subject.model.identity else served[0],
        fresh=order.fresh,
    )
    return Briefing(
        attempt=attempt.number,
        served_as=attempt.served_as,
        notes=(
            *([attempt.note] if attempt.note else []),
            *unused,
            *_other_words(order, store),
        ),
        subject=subject_key(order.subject),
        variants=order.suite.variants,
        judges={identity(order, model): name for model, name in zip(models, served[1:], strict=True)},
        several=several,
        requests=spent.requests,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        usd=None if None in costs else sum(one or 0.0 for one in costs),
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


def _target_request(order: Order) -> Request:
    messages = [Message("system", order.subject.system_prompt)] if order.subject.system_prompt else []
    messages.append(Message("user", "Please answer with the single word: ready"))
    return Request(messages=tuple(messages), temperature=order.subject.temperature, max_tokens=order.subject.max_tokens)


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
    )
