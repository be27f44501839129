"""What a run will need, told before the first request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from clustergate.adapters.store import SqlStore
from clustergate.adapters.store_slots import START
from clustergate.decide.plan import can_pass, outlook
from clustergate.decide.rule import Increase, Rule, rule_of
from clustergate.effects import judge_prompt
from clustergate.effects.keys import subject_key
from clustergate.effects.sampler import room
from clustergate.nouns.errors import StoreError
from clustergate.nouns.model import Label, Model, Subject
from clustergate.nouns.settings import Behavior, Controlled, Prompt
from clustergate.report.escape import flat
from clustergate.run import kinship
from clustergate.run.calibrating import SUBJECT, pooled_with
from clustergate.run.compared import stored_increase
from clustergate.run.order import Order
from clustergate.run.preflight import identities, last_served
from clustergate.run.spending import cost

FIRST: Final[Mapping[str, int]] = MappingProxyType({})
"""The attempts of behaviors that are all in their first."""
_CHANCES = ((0, 12), (1, 10), (2, 10))
"""Columns of the plan's chances: place and width."""
_CHARACTERS_A_TOKEN = 4
_SECONDS_A_REQUEST = 2.0
"""What a chat request of some hundred tokens commonly takes; for the estimate of time alone."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What one behavior needs. Requests and tokens are those at the ceiling, with no request asked twice.

    Tokens are (input, output), every answer as long as it may be; `judge_tokens` are those of each judge.
    """

    behavior: Behavior
    rule: Rule
    least_to_pass: int | None
    """Replies with no violation at which it passes; None if that is above the ceiling."""
    most: int
    target_requests: int
    judge_requests: int
    target_tokens: tuple[int, int]
    judge_tokens: tuple[int, int]
    beside_tokens: tuple[int, int] = (0, 0)
    """Those of a baseline that answers beside."""

    @property
    def requests(self) -> int:
        return self.target_requests + self.judge_requests


def needs(order: Order, behaviors: Sequence[str], attempts: Mapping[str, int] = FIRST) -> list[Need]:
    """The needs of the selected behaviors in their attempts. Those that share replies ask for them once."""
    return [_need(order, order.suite.behaviors[name], behaviors, attempts.get(name, 1)) for name in behaviors]


def attempts_ahead(order: Order, behaviors: Sequence[str]) -> dict[str, int]:
    """The attempt of each behavior that this run will most likely decide in.

    An alias that moved, and replies that are too old, show only at the first request.
    """
    try:
        store = SqlStore(order.store, readonly=True)
    except StoreError:  # none yet; one that cannot be used is told when it is opened to be written
        return {}
    subject = subject_key(order.subject)
    try:
        latest = store.latest_attempt(subject)
        if latest is None:
            return {}
        number = latest.number + order.fresh
        owners = {name: order.suite.behaviors[name].replies_owner for name in behaviors}
        counts = {owner: 1 + store.earlier_attempts(subject, owner, number) for owner in set(owners.values())}
    finally:
        store.close()
    return {name: counts[owner] for name, owner in owners.items()}


def _need(order: Order, behavior: Behavior, selected: Sequence[str], attempt: int) -> Need:
    suite = order.suite
    rule = rule_of(suite, behavior, attempt, _increase(order, behavior))
    beside = order.beside if rule.increase is not None else None
    kind = judge_prompt.evidence_kind(behavior)
    longest = max(room(subject, behavior) for subject in (order.subject, beside or order.subject))
    written = [_tokens(text) for text in behavior.written] if isinstance(behavior, Controlled) else []
    turns = sum(len(prompt.user_turns) for prompt in behavior.prompts)
    asked = sum(_asked(prompt, order.subject.system_prompt, longest) for prompt in behavior.prompts)
    read = [tokens for prompt in behavior.prompts for tokens in _read(kind, prompt, longest)]
    fixed = _tokens(judge_prompt.fixed_part(behavior))
    shared = behavior.replies_owner != behavior.id and behavior.replies_owner in selected
    rounds = 0 if shared else rule.rounds
    models = 1 if beside is None else 2
    judged = models * rule.rounds * len(read) + len(written)
    asked_of_each = (rounds * asked, rounds * turns * longest)
    return Need(
        behavior=behavior,
        rule=rule,
        least_to_pass=can_pass(rule),
        most=rule.rounds * rule.prompts,
        target_requests=models * rounds * turns,
        # A second judge reads positives only, which at the most are all.
        judge_requests=judged * len(order.bench.models),
        target_tokens=asked_of_each,
        beside_tokens=(0, 0) if beside is None else asked_of_each,
        judge_tokens=(
            models * rule.rounds * (len(read) * fixed + sum(read)) + len(written) * fixed + sum(written),
            judged * 100,
        ),
    )


def _increase(order: Order, behavior: Behavior) -> Increase | None:
    """The increase that is to be decided, if it can be compared: that shows when the run has begun."""
    limit = order.suite.thresholds.behaviors[behavior.id]
    if limit.max_increase is None or order.baseline is None:
        return None
    if isinstance(order.baseline, Subject):
        return Increase(delta=limit.max_increase)
    found = order.baseline.behaviors.get(behavior.id)
    return None if found is None else stored_increase(limit, found)


def _tokens(*texts: str | None) -> int:
    return sum(len(text or "") for text in texts) // _CHARACTERS_A_TOKEN


def _asked(prompt: Prompt, system_prompt: str | None, longest: int) -> int:
    """Input tokens of one conversation: each turn is sent with all turns and answers before it."""
    turns = prompt.user_turns
    return sum(
        _tokens(system_prompt, prompt.system, *turns[:number]) + (number - 1) * longest
        for number in range(1, len(turns) + 1)
    )


def _read(kind: str, prompt: Prompt, longest: int) -> list[int]:
    """Tokens of the material of each judgement of one conversation."""
    turns = prompt.user_turns
    if kind == "conversation":
        return [_tokens(*turns) + len(turns) * longest]
    if kind == "edit":
        # Before and after, and a difference that at most holds both once more.
        before = _tokens(prompt.document) if prompt.document else longest
        return [2 * (before + longest) for _ in prompt.judged]
    return [_tokens(turns[number - 1]) + longest for number in prompt.judged]


def _usd(order: Order, model: Model, tokens: tuple[int, int]) -> float | None:
    return 0.0 if model.simulated else cost(model, tokens, batch=order.batch)


def _total(order: Order, found: Sequence[Need]) -> str:
    requests = sum(need.requests for need in found)
    target = (sum(need.target_tokens[0] for need in found), sum(need.target_tokens[1] for need in found))
    judge = (sum(need.judge_tokens[0] for need in found), sum(need.judge_tokens[1] for need in found))
    spenders = [(order.subject.model, target), *((model, judge) for model in order.bench.models)]
    if order.beside is not None:
        beside = (sum(need.beside_tokens[0] for need in found), sum(need.beside_tokens[1] for need in found))
        spenders.append((order.beside.model, beside))
    costs = [_usd(order, model, tokens) for model, tokens in spenders]
    unknown = [flat(model.name) for (model, _), cost in zip(spenders, costs, strict=True) if cost is None]
    priced = ", ".join(dict.fromkeys(unknown))
    money = f"price of {priced} not known" if unknown else f"at most {sum(cost or 0 for cost in costs):.2f} USD"
    tokens = sum(sum(part) for _, part in spenders)
    at_once = order.concurrency or START
    paced = [60 * count / limit for count, limit in ((requests, order.rpm), (tokens, order.tpm)) if limit is not None]
    seconds = max(requests * _SECONDS_A_REQUEST / at_once, *paced, 0)
    time = f"{seconds / 60:.0f} min at {_SECONDS_A_REQUEST:.0f} s a request and {at_once} in flight"
    if order.batch:
        time = "in batches, each of which takes minutes to a day"
    return f"at most {requests:,} requests (retries aside), {tokens / 1e6:.1f} million tokens ({money}), {time}"


def header(order: Order, behaviors: Sequence[str], attempts: Mapping[str, int] = FIRST) -> Iterator[str]:
    """The opening lines of a run: what it asks of whom, what it costs at most, and which limits are out of reach."""
    found = needs(order, behaviors, attempts)
    gate = order.suite.thresholds.gate
    alphas = sorted({need.rule.alpha for need in found}) or [gate.alpha]
    alpha = " to ".join(f"{one:g}" for one in dict.fromkeys([alphas[0], alphas[-1]]))
    model, judge = order.subject.model, order.bench
    yield (
        f"clustergate: {len(found)} of {len(order.suite.gated)} behaviors of {flat(model.name)}, read by "
        f"{flat(judge.name)}; "
        f"alpha {alpha} a side, ceiling {gate.max_samples} replies each"
    )
    if order.baseline is not None:
        compared = sum(need.rule.increase is not None for need in found)
        beside = order.baseline.model.name if isinstance(order.baseline, Subject) else order.baseline.source
        yield f"clustergate: {compared} of them are compared with {flat(beside)} (those that have a max_increase)"
    if order.offline:
        yield "clustergate: offline, nothing is asked: the store alone decides"
    else:
        clean = sum((need.least_to_pass or need.most) * (1 + any(need.beside_tokens)) for need in found)
        # What it errs is not known here: carried, it makes a clean model take about half as many again.
        perfect = " and the judge never errs" if order.calibration == "required" else ""
        yield f"clustergate: {clean:,} replies if nothing is found{perfect}; {_total(order, found)}"
        yield from _labels(order, behaviors)
    for warning in kinship.warnings(model, judge.models):
        yield f"clustergate: {flat(warning)}"
    if model.simulated or judge.simulated:
        yield "clustergate: SIMULATED: a bundled endpoint, not a real model. Nothing here is about one."
    yield from _warnings(found, gate.max_samples)


def _labels(order: Order, behaviors: Sequence[str]) -> Iterator[str]:
    """What the judge is to be measured by before it is trusted: read once, and kept."""
    if order.calibration == "none":
        return
    measured = [order.suite.behaviors[name] for name in behaviors]
    pooled = {
        other.id
        for behavior in measured
        if not isinstance(behavior, Controlled)
        for other in pooled_with(order.suite, behavior)
    }
    labels = sum(len(order.suite.labels[name]) for name in pooled)
    unread = max(0, labels - _labels_read(order))
    if not unread:
        return
    read = sum(_label_tokens(order.suite.behaviors[name], order.suite.labels[name]) for name in pooled)
    share = unread / labels
    costs = [_usd(order, model, (round(share * read), unread * 100)) for model in order.bench.models]
    money = ", price not known" if None in costs else f", at most {sum(cost or 0 for cost in costs):.2f} USD"
    yield (
        f"clustergate: before that about {unread:,} of {labels:,} labeled replies are put to the judge, to measure "
        f"its errors ({share * read / 1e6:.1f} million tokens{money}): once, the judgements are kept"
    )


def _label_tokens(behavior: Behavior, labels: Sequence[Label]) -> int:
    """Input tokens of one judge's reading of all labels of a behavior."""
    turns = {prompt.id: _tokens(*prompt.user_turns) for prompt in behavior.prompts}
    fixed = _tokens(judge_prompt.fixed_part(behavior))
    return sum(fixed + turns[label.prompt] + _tokens(*label.answers) for label in labels)


def _labels_read(order: Order) -> int:
    """Judgements of labeled replies that the store has of the first judge."""
    try:
        store = SqlStore(order.store, readonly=True)
    except StoreError:
        return 0
    try:
        return store.count_judgements(SUBJECT, identities(order, last_served(order, store))[0])
    finally:
        store.close()


def _limit(t: float, *, hits_violate: bool) -> str:
    return f"<= {t:6.1%}" if hits_violate else f">= {1 - t:6.1%}"


def _warnings(found: Sequence[Need], ceiling: int) -> Iterator[str]:
    for need in found:
        if need.least_to_pass is None:
            raised = "--max-samples" if need.rule.max_samples == ceiling else "its own max_samples (and --max-samples)"
            yield (
                f"clustergate: {flat(need.behavior.id)} cannot pass: its limit needs more than the ceiling of "
                f"{need.rule.max_samples} replies even with no hit; raise {raised} or the limit"
            )


def table(order: Order, behaviors: Sequence[str], attempts: Mapping[str, int] = FIRST) -> Iterator[str]:
    """The plan: for each behavior what it needs and how likely it passes; nothing is asked."""
    yield from header(order, behaviors, attempts)
    found = needs(order, behaviors, attempts)
    yield ""
    yield (
        f"{'behavior':30} {'limit':>9} {'prompts':>7} {'passes at':>9} {'ceiling':>7} {'requests':>8}"
        f" {'P(pass) at 0':>12} {'at limit/5':>10} {'at limit/2':>10}"
    )
    rates = (0.0, 0.2, 0.5)
    all_pass = [1.0, 1.0, 1.0]
    for need in found:
        chance = None if need.rule.t is None else [outlook(share * need.rule.t, need.rule).passes for share in rates]
        limit = "increase" if need.rule.t is None else _limit(need.rule.t, hits_violate=need.rule.hits_violate)
        shown = [f"{'-':>{width}}" if chance is None else f"{chance[i]:{width}.3f}" for i, width in _CHANCES]
        all_pass = all_pass if chance is None else [one * more for one, more in zip(all_pass, chance, strict=True)]
        yield (
            f"{flat(need.behavior.id):30} {limit:>9} {need.rule.prompts:7} {need.least_to_pass or 'never':>9}"
            f" {need.most:7} {need.requests:8,} {' '.join(shown)}"
        )
    yield f"{'P(all pass)':30} {'':52} {all_pass[0]:12.3f} {all_pass[1]:10.3f} {all_pass[2]:10.3f}"
    yield ""
    if order.baseline is not None:
        yield "The chances are those of the rates alone: what becomes of an increase depends on both models."
    yield (
        "'passes at': replies needed with no violation. The chances are exact for a true rate of violations of 0, a "
        "fifth and a half of the limit."
    )
    yield "Near zero a limit should be about five times the rate one expects."
