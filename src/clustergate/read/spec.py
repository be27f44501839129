"""thresholds.yaml and the probe files to one Suite: all that a verdict depends on, checked together."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.settings import Behavior, Limit, Thresholds
from clustergate.read import yaml_file
from clustergate.read.checked import check, nearest
from clustergate.read.probes import BEHAVIOR, load_behaviors
from clustergate.read.yaml_file import Path_, YamlFile, show

THRESHOLDS: Final = TypeAdapter(Thresholds)


@dataclass(frozen=True)
class Suite:
    """The declared behaviors and the numbers that decide them."""

    thresholds: Thresholds
    behaviors: Mapping[str, Behavior]
    thresholds_hash: str

    def limit(self, behavior: str) -> Limit | None:
        return self.thresholds.behaviors.get(behavior)

    @property
    def gated(self) -> tuple[str, ...]:
        """The declared family: every behavior that has a limit, in the order of thresholds.yaml."""
        return tuple(self.thresholds.behaviors)

    @property
    def suite_hash(self) -> str:
        return digest({name: behavior_hash(behavior) for name, behavior in sorted(self.behaviors.items())})


def digest(data: Any) -> str:
    """sha256 of canonical JSON, in hex."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def behavior_hash(behavior: Behavior) -> str:
    """Changes when the behavior's criterion, prompts or documents change."""
    return digest(BEHAVIOR.dump_python(behavior, mode="json"))


def load_suite(thresholds: Path, folders: Sequence[Path], root: Path, profile: str | None = None) -> Suite:
    """Read and check everything. Raises UsageProblems with every error of every file."""
    problems: list[Problem | str] = []
    behaviors: dict[str, Behavior] | None = None
    try:
        behaviors = load_behaviors(folders, root)
    except UsageProblems as error:
        problems += error.problems
    try:
        shown = thresholds.relative_to(root) if thresholds.is_relative_to(root) else thresholds
        file = yaml_file.load(thresholds, str(shown))
        checked, data = _check_thresholds(file, profile)
        problems += _cross_problems(file, checked, behaviors)
    except UsageProblems as error:
        problems += error.problems
    if problems or behaviors is None:
        raise UsageProblems(problems)
    return Suite(checked, behaviors, digest(data))


def _check_thresholds(file: YamlFile, profile: str | None) -> tuple[Thresholds, Any]:
    """The thresholds with `profile` merged in, and their data. Every profile is checked, wanted or not."""
    base = check(file, THRESHOLDS, file.data)
    if profile is not None and profile not in base.profiles:
        found = f"--profile {profile}"
        expected = f"one of {', '.join(base.profiles)}" if base.profiles else "no profile: the file declares none"
        raise UsageProblems([Problem(file.name, "profiles", found, expected, nearest(profile, base.profiles))])
    result, problems = (base, _without_profiles(file.data)), list[Problem | str]()
    for name, changes in base.profiles.items():
        merged = _merge(_without_profiles(file.data), changes)
        try:
            checked = check(_as_profile(file, name), THRESHOLDS, merged)
        except UsageProblems as error:
            problems += error.problems
            continue
        if name == profile:
            result = (checked, merged)
    if problems:
        raise UsageProblems(problems)
    return result


def _without_profiles(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "profiles"}


def _merge(base: Any, changes: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return copy.deepcopy(changes)
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = _merge(base.get(key), value)
    return merged


def _as_profile(file: YamlFile, name: str) -> YamlFile:
    """The file as its profile sees it: what the profile sets stands on the profile's lines."""
    prefix: Path_ = ("profiles", name)
    lines = dict(file.lines)
    lines.update({path[2:]: line for path, line in file.lines.items() if path[:2] == prefix and len(path) > 2})
    return YamlFile(file.name, file.data, lines)


def _cross_problems(
    file: YamlFile, thresholds: Thresholds, behaviors: Mapping[str, Behavior] | None
) -> Iterable[Problem]:
    for name, limit in thresholds.behaviors.items():
        path: Path_ = ("behaviors", name)
        where, place = file.at(path), yaml_file.place(path)
        if behaviors is not None and name not in behaviors:
            expected = "a behavior that has probes"
            yield Problem(where, "behaviors", f"the behavior {name!r}", expected, nearest(name, behaviors))
        if limit.max_rate is not None and limit.min_rate is not None:
            yield Problem(where, place, "both max_rate and min_rate", "one of them")
        if limit.max_increase is not None:
            yield Problem(where, f"{place}.max_increase", show(limit.max_increase), "max_rate or min_rate" + _LATER)
        elif limit.max_rate is None and limit.min_rate is None:
            yield Problem(where, place, "no limit", "max_rate or min_rate")
    for i, waiver in enumerate(thresholds.waivers):
        if waiver.behavior not in thresholds.behaviors:
            path = ("waivers", i, "behavior")
            hint = nearest(waiver.behavior, thresholds.behaviors)
            found = show(waiver.behavior)
            yield Problem(file.at(path), yaml_file.place(path), found, "a behavior that has a limit", hint)
    judge = thresholds.judge
    not_yet: tuple[tuple[str, Any, Any], ...] = (
        ("judge.calibration", judge.calibration, "none"),
        ("judge.verify_positives", judge.verify_positives, None),
        ("judge.panel", judge.panel, None),
        ("controls", thresholds.controls, False),
    )
    for at, found, works in not_yet:
        if found != works:
            shown = "null" if works is None else str(works).lower()
            yield Problem(file.at(tuple(at.split("."))), at, show(found), shown + _LATER)


_LATER: Final = " (this version of clustergate can do nothing else yet)"
