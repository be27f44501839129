"""Everything that the reports of a run are made from, and report.json (schema_version 1, interface.md section 7)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from clustergate.nouns.baseline import Baseline
from clustergate.nouns.finding import BaselineNote, Finding, Release, WordingCount
from clustergate.nouns.model import State, Subject
from clustergate.nouns.shift import Shift

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class LabelFacts:
    """The labeled replies that judges are measured by; `kappa` is Cohen's, of the two annotators of `twice` of them."""

    replies: int
    behaviors: int
    hash: str
    twice: int
    agreed: int
    kappa: float | None


@dataclass(frozen=True, kw_only=True)
class JudgeFacts:
    """Who read the replies. `prompt_hash` covers all that the judge was told apart from the replies."""

    name: str
    prompt_hash: str
    simulated: bool = False
    how: str = "sole"
    """sole, verified (the second of `judges` verifies the first's positives) or panel."""
    judges: tuple[str, ...] = ()
    calibration: str = "none"
    """What is done with the judge's errors: required (carried), report (told beside) or none."""
    labels: LabelFacts | None = None
    served_as: tuple[str | None, ...] = ()
    """The names under which the judges' endpoints answered the first request."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What this run cost, target and judge together, over all workers. Null where it is not known."""

    requests: int
    input_tokens: int | None
    output_tokens: int | None
    usd: float | None
    seconds: float
    labels: int = 0
    """Of the requests, those that measured the judge: paid once for a judge."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What the verdicts rest on. `started` is ISO 8601; `packages` holds versions by name."""

    clustergate: str
    suite_hash: str
    thresholds_hash: str
    judge_hash: str
    attempt: int
    started: str
    python: str
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A behavior that was not measured, and why: it has no limit, or no way to be decided yet."""

    id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class VariantFacts:
    """How prompts were reworded: so many variants of each, by this seed."""

    per_prompt: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that is told of a run. `notes` are about the run as a whole; those about a behavior are in its finding."""

    findings: tuple[Finding, ...]
    release: Release
    subject: Subject
    judge: JudgeFacts
    spent: Spent
    provenance: Provenance
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    reproduce: str = ""
    """The command that makes this report again."""
    variants: VariantFacts | None = None
    baseline: Subject | Baseline | None = None
    shift: Shift | None = None

    @property
    def simulated(self) -> str:
        """What was simulated, in a sentence for the reader; empty for a real run."""
        before = self.baseline.model.simulated if isinstance(self.baseline, Subject) else False
        before = before or (isinstance(self.baseline, Baseline) and self.baseline.simulated)
        parts = {
            "the model under test": self.subject.model.simulated,
            "the baseline": before,
            "the judge": self.judge.simulated,
        }
        named = [part for part, simulated in parts.items() if simulated]
        if not named:
            return ""
        verb = "was" if len(named) == 1 else "were"
        listed = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
        return f"{listed} {verb} simulated. These figures say nothing about any real model."

    @property
    def served_as(self) -> tuple[str, ...]:
        """The names under which the endpoint answered."""
        return tuple(sorted({name for finding in self.findings for name in finding.served_as}))

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The backends that the endpoint named."""
        return tuple(sorted({name for finding in self.findings for name in finding.fingerprints}))


def public_url(url: str | None) -> str | None:
    """A URL without what may be secret in it: user, password, query and fragment."""
    if url is None:
        return None
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def as_dict(report: Report) -> dict[str, Any]:
    """report.json as plain data, in the order of the interface. Not known is null, never 0."""
    model, release = report.subject.model, report.release
    return {
        "schema_version": SCHEMA_VERSION,
        "simulated": bool(report.simulated),
        "release": {
            "verdict": release.verdict.value,
            "alpha": release.alpha,
            "failed": list(release.failed),
            "failed_family_wise": list(release.failed_family_wise),
            "inconclusive": list(release.inconclusive),
            "passed": list(release.passed),
            "waived": list(release.waived),
            "not_run": list(release.not_run),
        },
        "model": {
            "name": model.name,
            "provider": model.provider,
            "id": model.id,
            "base_url": public_url(model.base_url),
            "served_as": list(report.served_as),
            "fingerprints": list(report.fingerprints),
            "simulated": model.simulated,
        },
        "sampling": {
            "system_prompt": report.subject.system_prompt,
            "temperature": report.subject.temperature,
            "max_tokens": report.subject.max_tokens,
            "extra_body": dict(model.extra_body),
        },
        "judge": asdict(report.judge),
        "variants": None if report.variants is None else asdict(report.variants),
        "baseline": None if report.baseline is None else _earlier(report.baseline),
        "shift": None if report.shift is None else {**asdict(report.shift), "is_package": report.shift.is_package},
        "behaviors": [_behavior(finding) for finding in report.findings],
        "skipped": [asdict(skipped) for skipped in report.skipped],
        "spent": asdict(report.spent),
        "notes": list(report.notes),
        "reproduce": report.reproduce or None,
        "provenance": {
            **{name: value for name, value in vars(report.provenance).items() if name != "packages"},
            "behavior_hashes": {finding.id: finding.behavior_hash for finding in report.findings},
            "judge_prompt_hashes": {finding.id: finding.judge_prompt_hash or None for finding in report.findings},
            "packages": dict(report.provenance.packages),
        },
    }


def _earlier(baseline: Subject | Baseline) -> dict[str, Any]:
    """The earlier model: sampled beside, or from the report `source`."""
    if isinstance(baseline, Baseline):
        told = {"name": baseline.model, "source": baseline.source, "started": baseline.started}
        return {**told, "paired": False, "simulated": baseline.simulated}
    model = baseline.model
    told = {"name": model.name, "provider": model.provider, "id": model.id, "base_url": public_url(model.base_url)}
    return {**told, "source": None, "paired": True, "simulated": model.simulated}


def _behavior(finding: Finding) -> dict[str, Any]:
    estimate, carries, told = finding.estimate, finding.generalization, finding.correction
    return {
        "id": finding.id,
        "title": finding.title,
        "theme": finding.theme,
        "channel": finding.channel,
        "of": finding.of,
        "verdict": finding.verdict.value,
        "reason": None if finding.reason is None else finding.reason.value,
        "help": finding.help or None,
        "control": None if finding.control is None else {**asdict(finding.control), "blames": finding.control.blames},
        "waiver": None if finding.waiver is None else asdict(finding.waiver),
        "limit": dict(finding.limit),
        "alpha": finding.alpha,
        "deciding_alpha": finding.deciding_alpha,
        "ceiling": finding.ceiling,
        "attempt": finding.attempt,
        "samples": estimate.samples,
        "exhibited": estimate.exhibited,
        "missing": estimate.missing,
        "counts": {state.value: finding.counts.get(state, 0) for state in State},
        "counted_as": {state.value: meaning for state, meaning in finding.counted_as.items()},
        "rate": estimate.rate,
        "interval": list(estimate.interval),
        "interval_method": "anytime-valid",
        "wordings": None if finding.wordings is None else _wordings(finding.wordings),
        "generalization": None if carries is None else {"interval": list(carries.interval), "floor": carries.floor},
        "evidence": {name: _finite(value) for name, value in vars(estimate.evidence).items()},
        "judge_calibration": None if told is None else {**asdict(told.calibration), "carried": told.carried},
        "corrected_rate": None if told is None else told.rate,
        "corrected_interval": None if told is None else list(told.interval),
        "verified": None if finding.verified is None else asdict(finding.verified),
        "panel": None if finding.panel is None else asdict(finding.panel),
        "overrides": [asdict(note) for note in finding.overrides],
        "baseline": None if finding.baseline is None else _baseline(finding.baseline),
        "exceeded": list(finding.exceeded),
        "stopped": finding.stopped.value,
        "requests": {name: count for name, count in asdict(finding.requests).items() if name != "labels"},
        "label_requests": finding.requests.labels,
        "tokens": asdict(finding.tokens),
        "prompts": [{**asdict(p), "hash": finding.prompt_hashes.get(p.id)} for p in estimate.prompts],
        "examples": [asdict(example) for example in finding.examples],
        "served_as": list(finding.served_as),
        "fingerprints": {
            name: {"samples": samples, "exhibited": exhibited}
            for name, (samples, exhibited) in finding.fingerprints.items()
        },
        "notes": list(finding.notes),
        "reproduce": finding.reproduce or None,
    }


def _finite(value: float | None) -> float | None:
    """JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None


def _baseline(note: BaselineNote) -> dict[str, Any]:
    told = asdict(note)
    evidence = {name: _finite(told.pop(name)) for name in ("log_e_pass", "log_e_fail")}
    pairs = told["pairs"] and dict(zip(("plus", "zero", "minus", "missing"), told["pairs"], strict=True))
    return {**told, "pairs": pairs, "evidence": None if note.alpha is None else evidence}


def _wordings(counts: WordingCount) -> dict[str, dict[str, int]]:
    return {name: dict(zip(("samples", "exhibited"), pair, strict=True)) for name, pair in asdict(counts).items()}


@cache
def _findings() -> TypeAdapter[Finding]:
    return TypeAdapter(Finding)


def finding_as_dict(finding: Finding) -> dict[str, Any]:
    """All of a finding as JSON data, to be carried between processes, in ASCII: it may hold lone surrogates."""
    carried: dict[str, Any] = _findings().dump_python(finding, mode="json")
    return carried


def finding_from_dict(data: Mapping[str, Any]) -> Finding:
    """The finding that `finding_as_dict` was made from. Raises pydantic.ValidationError on anything else."""
    return _findings().validate_python(data)
