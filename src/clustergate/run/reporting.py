"""Assembles the report of a run from its findings and the store."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import clustergate
from clustergate.adapters.store import SqlStore
from clustergate.decide.release import release
from clustergate.decide.shift import shift
from clustergate.effects import judge_prompt
from clustergate.effects.keys import subject_key
from clustergate.nouns.finding import Finding
from clustergate.nouns.model import Model
from clustergate.read.agreement import cohen_kappa
from clustergate.read.increase import BETS
from clustergate.read.labels import labels_hash
from clustergate.read.spec import digest
from clustergate.read.statistics import FAIL_GRID, PASS_GRID
from clustergate.report import wording
from clustergate.report.document import JudgeFacts, LabelFacts, Provenance, Report, Skipped, Spent, VariantFacts
from clustergate.run import kinship
from clustergate.run.compared import judge_hash
from clustergate.run.order import Order
from clustergate.run.preflight import identity, last_served
from clustergate.run.spending import cost

_PACKAGES: Final = ("pytest", "pytest-xdist", "openai", "anthropic", "aiohttp", "sqlalchemy", "numpy", "scipy")


def assemble(
    order: Order,
    findings: Sequence[Finding],
    skipped: Mapping[str, str],
    started: float,
    labels: Sequence[Mapping[str, Sequence[int]]] = (),
) -> tuple[Report, Iterator[dict[str, Any]]]:
    """The report, and the transcript of all stored replies. `started` is in seconds since the epoch.

    `labels` is what was spent on labeled replies beside the findings: by judge, requests, input and output tokens.
    """
    store = SqlStore(order.store, readonly=True)
    suite = order.suite
    gated = suite.gated
    place = {name: i for i, name in enumerate(suite.behaviors)}
    ordered = tuple(sorted(findings, key=lambda finding: place.get(finding.id, len(place))))
    briefing = store.briefing(order.run_id) or {}
    latest = store.latest_attempt(subject_key(order.subject))
    attempt = briefing.get("attempt") or (latest.number if latest is not None else 1)
    # What this run was told; where it asked nobody, what the judges' endpoints served when they were last asked.
    served = briefing.get("judges") or last_served(order, store)
    alpha = suite.thresholds.gate.alpha
    notes = list(briefing.get("notes") or ())
    if order.suite.thresholds.sampling.temperature is None:
        notes.append("The sampling temperature was left to the endpoint.")
    if suite.profile is not None:
        notes.append(
            f"Decided under the profile {suite.profile}: its changes stand in place of the file's own numbers."
        )
    if not suite.thresholds.controls:
        notes.append("Controls were off: that this judge can see these behaviors in this model was not shown.")
    notes += kinship.warnings(order.subject.model, order.bench.models)
    report = Report(
        findings=ordered,
        release=release(ordered, gated, alpha, _family_alpha(ordered, alpha)),
        subject=order.subject,
        judge=_judge(order, served),
        spent=_spent(order, ordered, briefing, labels, time.time() - started),
        provenance=Provenance(
            clustergate=clustergate.__version__,
            suite_hash=suite.suite_hash,
            # The constants of the e-values decide too.
            thresholds_hash=digest([suite.thresholds_hash, PASS_GRID, FAIL_GRID, BETS]),
            judge_hash=judge_hash(order, served),
            attempt=attempt,
            started=datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat(timespec="seconds"),
            python=platform.python_version(),
            packages={name: importlib.metadata.version(name) for name in _PACKAGES},
        ),
        skipped=tuple(Skipped(id=name, reason=reason) for name, reason in skipped.items()),
        notes=tuple(dict.fromkeys(notes)),
        reproduce=f"{order.command} --offline",
        baseline=order.baseline,
        shift=shift(ordered),
        variants=None if suite.variants is None else VariantFacts(per_prompt=suite.variants[0], seed=suite.variants[1]),
    )
    return report, _closing(store, store.transcript(subject_key(order.subject), attempt))


def _family_alpha(findings: Sequence[Finding], alpha: float) -> float:
    """What is left of the alpha for the e-values of a family: attempts and the bounds of judges' errors taken off."""
    return min([alpha, *(finding.deciding_alpha * finding.tests for finding in findings)])


def _closing(store: SqlStore, transcript: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    try:
        yield from transcript
    finally:
        store.close()


def _judge(order: Order, served: Mapping[str, str | None]) -> JudgeFacts:
    prompts = {name: judge_prompt.prompt_hash(behavior) for name, behavior in sorted(order.suite.behaviors.items())}
    return JudgeFacts(
        name=order.bench.name,
        prompt_hash=digest(prompts),
        simulated=order.bench.simulated,
        how=order.bench.how.value,
        judges=tuple(model.name for model in order.bench.models),
        calibration=order.calibration,
        labels=_labels(order) if order.suite.labels else None,
        served_as=tuple(served[identity(order, model)] for model in order.bench.models),
    )


def _labels(order: Order) -> LabelFacts:
    labels = [label for known in order.suite.labels.values() for label in known]
    pairs = [(label.exhibits, label.second) for label in labels if label.second is not None]
    both, first, second, neither = (
        pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))
    )
    return LabelFacts(
        replies=len(labels),
        behaviors=len(order.suite.labels),
        hash=digest(labels_hash(order.suite.labels)),
        twice=len(pairs),
        agreed=both + neither,
        kappa=cohen_kappa(both, first, second, neither),
    )


def _spent(
    order: Order,
    findings: Sequence[Finding],
    briefing: Mapping[str, Any],
    labels: Sequence[Mapping[str, Sequence[int]]],
    seconds: float,
) -> Spent:
    target = (
        sum(finding.tokens.target_input for finding in findings),
        sum(finding.tokens.target_output for finding in findings),
    )
    judges = {model.name: [0, 0] for model in order.bench.models}
    before = [finding.baseline.tokens for finding in findings if finding.baseline is not None]
    beside = (sum(tokens.target_input for tokens in before), sum(tokens.target_output for tokens in before))
    all_tokens = [*(finding.tokens for finding in findings), *before]
    tokens = [(name, *pair) for told in all_tokens for name, pair in told.by_judge.items()]
    tokens += [(name, read, written) for test in labels for name, (_, read, written) in test.items()]
    for name, read, written in tokens:
        judges[name][0] += read
        judges[name][1] += written
    measuring = sum(finding.requests.labels for finding in findings)
    measuring += sum(requests for test in labels for requests, _, _ in test.values())
    judge = (sum(read for read, _ in judges.values()), sum(written for _, written in judges.values()))
    return Spent(
        requests=sum(map(wording.requests, findings)) + measuring + briefing.get("requests", 0),
        labels=measuring,
        input_tokens=target[0] + beside[0] + judge[0] + briefing.get("input_tokens", 0),
        output_tokens=target[1] + beside[1] + judge[1] + briefing.get("output_tokens", 0),
        usd=_usd(
            [
                (order.subject.model, target),
                *((m, tuple(judges[m.name])) for m in order.bench.models),
                *([] if order.beside is None else [(order.beside.model, beside)]),
            ],
            briefing.get("usd", 0.0),
            batch=order.batch,
        ),
        seconds=round(seconds, 1),
    )


def _usd(spent: Sequence[tuple[Model, tuple[int, ...]]], first: float | None, *, batch: bool) -> float | None:
    """US dollars, those of the first requests among them; None where a price is not known, as of a simulated model."""
    costs = [first, *(cost(model, tokens, batch=batch) for model, tokens in spent)]
    known = [one for one in costs if one is not None]
    return sum(known) if len(known) == len(costs) else None
