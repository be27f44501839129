"""Stored runs: a report.json, or an accepted baseline, to a Baseline. An accepted file is a part of a report.json.

Fields of later versions are passed over, and what an older version did not say is None. Every error names file, place,
what was found and what was expected.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from clustergate.nouns.baseline import Accepted, Baseline, BaselineCounts, BaselinePrompt, Terms
from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.settings import Text
from clustergate.read.checked import check, nearest
from clustergate.read.yaml_file import YamlFile, show

FOLDER: Final = Path("fixtures") / "baselines"
LAST: Final = "last"
_VERSION: Final = 1
_LENIENT: Final = ConfigDict(extra="ignore")
_SAMPLED: Final = ("temperature", "max_tokens", "extra_body")
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True, config=_LENIENT)
class _Model:
    name: Text
    provider: str | None = None
    id: str | None = None
    base_url: str | None = None
    served_as: list[str] | None = None
    simulated: bool | None = None


@dataclass(frozen=True, kw_only=True, config=_LENIENT)
class _Judge:
    name: str | None = None
    prompt_hash: str | None = None
    calibration: str | None = None
    labels: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, config=_LENIENT)
class _Prompt:
    id: Text
    samples: Count
    exhibited: Count
    missing: Count = 0
    hash: str | None = None


@dataclass(frozen=True, kw_only=True, config=_LENIENT)
class _Behavior:
    id: Text
    verdict: Text
    samples: Count
    exhibited: Count
    missing: Count = 0
    title: str = ""
    theme: str = ""
    channel: str = ""
    control: dict[str, Any] | None = None
    waiver: dict[str, Any] | None = None
    reason: str | None = None
    limit: dict[str, Rate] | None = None
    alpha: float | None = None
    ceiling: int | None = None
    attempt: int | None = None
    counted_as: dict[str, str] | None = None
    prompts: list[_Prompt] | None = None


@dataclass(frozen=True, kw_only=True, config=_LENIENT)
class _Provenance:
    clustergate: str | None = None
    judge_hash: str | None = None
    attempt: int | None = None
    started: str | None = None
    python: str | None = None
    packages: dict[str, str] | None = None
    behavior_hashes: dict[str, str] | None = None
    judge_prompt_hashes: dict[str, str | None] | None = None


@dataclass(frozen=True, kw_only=True, config=_LENIENT)
class _Release:
    verdict: str | None = None
    alpha: float | None = None
    not_run: list[str] | None = None


@dataclass(frozen=True, kw_only=True, config=_LENIENT)
class _Accepted:
    name: Text
    on: str


@dataclass(frozen=True, kw_only=True, config=_LENIENT)
class _Stored:
    model: _Model
    behaviors: list[_Behavior]
    simulated: bool | None = None
    release: _Release | None = None
    sampling: dict[str, Any] | None = None
    judge: _Judge | None = None
    variants: dict[str, Any] | None = None
    provenance: _Provenance | None = None
    accepted: _Accepted | None = None


_STORED: Final = TypeAdapter(_Stored)


def read_stored(path: Path, name: str | None = None) -> tuple[Baseline, dict[str, Any]]:
    """The run that a report.json or an accepted file tells of, and its data as it is. Raises UsageProblems."""
    shown = name or str(path)
    expected = "a report.json of clustergate, or a baseline that was accepted from one"
    try:
        data = _sayable(json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number))
    except OSError as error:
        raise UsageProblems([Problem(shown, "", (error.strerror or str(error)).lower(), expected)]) from None
    except (ValueError, RecursionError) as error:  # no UTF-8 is a ValueError too
        raise UsageProblems([Problem(shown, "", f"no JSON ({error})", expected)]) from None
    if not isinstance(data, dict) or "schema_version" not in data:
        found = "an object without schema_version" if isinstance(data, dict) else show(data)
        raise UsageProblems([Problem(shown, "", found, expected)])
    version = data["schema_version"]
    if type(version) is not int or version != _VERSION:
        raise UsageProblems(
            [Problem(shown, "schema_version", show(version), f"{_VERSION}: this version reads no other")]
        )
    stored = check(YamlFile(shown, data), _STORED, data)
    if problems := list(_problems(shown, stored)):
        raise UsageProblems(problems)
    return _baseline(shown, stored), data


def _no_number(found: str) -> None:
    raise ValueError(f"{found} is no number of JSON")


def _sayable(value: Any) -> Any:
    """The data with lone surrogates, which a model's reply may hold and no UTF-8 can, written out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_sayable(key): _sayable(part) for key, part in value.items()}
    return [_sayable(part) for part in value] if isinstance(value, list) else value


def read_baseline(path: Path, name: str | None = None) -> Baseline:
    """The run that a report.json or an accepted file tells of; `name` is what errors call it. Raises UsageProblems."""
    return read_stored(path, name)[0]


def _problems(shown: str, stored: _Stored) -> Iterator[Problem]:
    twice = [name for name, times in Counter(found.id for found in stored.behaviors).items() if times > 1]
    if twice:
        yield Problem(shown, "behaviors", f"{show(twice[0])} more than once", "each behavior once")
    for i, found in enumerate(stored.behaviors):
        if found.exhibited + found.missing > found.samples:
            counts = f"{found.exhibited} exhibited and {found.missing} missing of {found.samples} samples"
            yield Problem(shown, f"behaviors[{i}]", counts, "counts that add up")


def _baseline(shown: str, stored: _Stored) -> Baseline:
    made, judge = stored.provenance or _Provenance(), stored.judge or _Judge()
    sampling = stored.sampling or {}
    labels = (judge.labels or {}).get("hash")
    return Baseline(
        source=shown,
        model=stored.model.name,
        simulated=bool(stored.simulated),
        started=made.started,
        release=stored.release.verdict if stored.release else None,
        subject={
            "model": stored.model.name,
            "provider": stored.model.provider,
            "model id": stored.model.id,
            # A simulator listens at another port each time.
            "base url": None if stored.model.simulated else stored.model.base_url,
            "served as": ", ".join(stored.model.served_as or ()) or None,
            "system prompt": sampling.get("system_prompt"),
        },
        settings={
            "variants": stored.variants,
            "calibration": judge.calibration,
            "labels": labels if isinstance(labels, str) else None,
            "alpha": stored.release.alpha if stored.release else None,
            "attempt": made.attempt,
            "clustergate": made.clustergate,
            "python": made.python,
            "packages": made.packages,
        },
        behaviors={found.id: _counts(found, stored, made, judge) for found in stored.behaviors},
        not_run=tuple((stored.release.not_run if stored.release else None) or ()),
        accepted=None if stored.accepted is None else Accepted(name=stored.accepted.name, on=stored.accepted.on),
    )


def _counts(found: _Behavior, stored: _Stored, made: _Provenance, judge: _Judge) -> BaselineCounts:
    prompts = found.prompts or ()
    sampling = stored.sampling
    hashes = {prompt.id: prompt.hash for prompt in prompts if prompt.hash is not None}
    return BaselineCounts(
        id=found.id,
        title=found.title,
        theme=found.theme,
        channel=found.channel,
        is_control=found.control is not None,
        verdict=found.verdict,
        reason=found.reason,
        is_waived=found.waiver is not None,
        limit=found.limit or {},
        alpha=found.alpha,
        ceiling=found.ceiling,
        attempt=found.attempt or made.attempt,
        samples=found.samples,
        exhibited=found.exhibited,
        missing=found.missing,
        prompts=tuple(BaselinePrompt(**vars(prompt)) for prompt in prompts),
        terms=Terms(
            behavior=found.id,
            judge=made.judge_hash,
            judge_name=judge.name,
            judge_prompt=(made.judge_prompt_hashes or {}).get(found.id),
            judge_prompts=judge.prompt_hash,
            sampling=None if sampling is None else {key: sampling.get(key) for key in _SAMPLED},
            policy=found.counted_as,
            probes=(made.behavior_hashes or {}).get(found.id) or None,
            prompts=hashes or None,
        ),
    )


def baseline_file(folder: Path, name: str) -> Path:
    """Where the baseline of that name is kept; characters that a file should not have become `-`."""
    return folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('.-') or 'model'}.json"


def find_baseline(folder: Path, name: str, model: str | None = None) -> Baseline:
    """The accepted baseline of that name. `last` is that of `model`, or where it has none the newest accepted one.

    Raises UsageProblems where there is none, or where a file that must be read is none.
    """
    if name != LAST:
        path = baseline_file(folder, name)
        if path.is_file() and (kept := read_baseline(path)).name == name:
            return kept
    known = [read_baseline(path) for path in sorted(folder.glob("*.json"))]
    named = [baseline for baseline in known if baseline.name == (model if name == LAST else name)]
    if named:
        return named[0]
    accepted = [baseline for baseline in known if baseline.accepted is not None]
    if name == LAST and accepted:
        return max(accepted, key=lambda baseline: baseline.accepted.on if baseline.accepted else "")
    names = [baseline.name for baseline in known]
    if not known:
        expected = "one: `clustergate accept REPORT.json` makes a finished run one"
        raise UsageProblems([Problem(str(folder), "", "no accepted baseline", expected)])
    expected = f"the name of an accepted baseline in {folder} ({', '.join(names)})"
    raise UsageProblems([Problem("baseline", "", show(name), expected, nearest(name, names))])
