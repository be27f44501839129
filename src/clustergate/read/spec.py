"""thresholds.yaml and the probe files to one Suite: all that a verdict depends on, checked together."""

from __future__ import annotations

import copy
import functools
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
from clustergate.read.probes import BEHAVIOR, load_behaviors, probe_names
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
        checked, data = _check_thresholds(file, profile, probe_names(folders))
    except UsageProblems as error:
        problems += error.problems
    if problems or behaviors is None:
        raise UsageProblems(problems)
    return Suite(checked, behaviors, digest(data))


def _check_thresholds(file: YamlFile, profile: str | None, probed: Sequence[str]) -> tuple[Thresholds, Any]:
    """The thresholds with `profile` merged in, and their data. Every profile is checked, wanted or not."""
    profiles = {name: changes for name, changes in _mapping(file.data, "profiles").items() if isinstance(changes, dict)}
    variants: dict[str | None, tuple[YamlFile, Any]] = {None: (file, file.data)}
    for name, changes in profiles.items():
        variants[name] = _as_profile(file, name), _merge(_without_profiles(file.data), changes)
    checked: dict[str | None, Thresholds] = {}
    problems: list[Problem | str] = []
    for variant, (view, data) in variants.items():
        try:
            checked[variant] = check(view, THRESHOLDS, data)
        except UsageProblems as error:
            problems += error.problems
        problems += _cross_problems(view, data, probed)
    if profile is not None and profile not in profiles:
        found = f"--profile {profile}"
        expected = f"one of {', '.join(profiles)}" if profiles else "no profile: the file declares none"
        problems.append(Problem(file.name, "profiles", found, expected, nearest(profile, profiles)))
    if problems:
        # What is wrong outside the profiles was found again in each of them.
        raise UsageProblems(list(dict.fromkeys(problems)))
    return checked[profile], _without_profiles(variants[profile][1])


def _get(data: Any, key: str | int) -> Any:
    """The value under a key of data that may be of any type; None where there is none."""
    return data.get(key) if isinstance(data, dict) else None


def _mapping(data: Any, key: str) -> dict[str, Any]:
    found = _get(data, key)
    return found if isinstance(found, dict) else {}


def _without_profiles(data: dict[str, Any]) -> dict[str, Any]:
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
    return YamlFile(file.name, file.data, lines, file.problems)


def _cross_problems(file: YamlFile, data: Any, probed: Sequence[str]) -> Iterable[Problem]:
    """What one key cannot tell by itself. Looks at data as it came, so that no other error hides these."""
    limits = _mapping(data, "behaviors")
    for name, limit in limits.items():
        path: Path_ = ("behaviors", name)
        where, place = file.at(path), yaml_file.place(path)
        if name not in probed:
            expected = "a behavior that has probes"
            yield Problem(where, "behaviors", f"the behavior {name!r}", expected, nearest(name, probed))
        if not isinstance(limit, dict):
            continue
        given = {key for key, value in limit.items() if value is not None}
        if {"max_rate", "min_rate"} <= given:
            yield Problem(where, place, "both max_rate and min_rate", "one of them")
        if "max_increase" in given:
            at = (*path, "max_increase")
            found = show(limit["max_increase"])
            yield Problem(file.at(at), yaml_file.place(at), found, "max_rate or min_rate" + _LATER)
        if not given:
            yield Problem(where, place, "no limit", "max_rate or min_rate")
    waivers = _get(data, "waivers")
    for i, waiver in enumerate(waivers if isinstance(waivers, list) else ()):
        name = _get(waiver, "behavior")
        if isinstance(name, str) and name not in limits:
            path = ("waivers", i, "behavior")
            hint = nearest(name, limits)
            yield Problem(file.at(path), yaml_file.place(path), show(name), "a behavior that has a limit", hint)
    for path, kind, works in _NOT_YET:
        found = functools.reduce(_get, path, data)
        if isinstance(found, kind) and found != works:
            shown = "null" if works is None else str(works).lower()
            yield Problem(file.at(path), yaml_file.place(path), show(found), shown + _LATER)


_LATER: Final = " (this version of clustergate can do nothing else yet)"

_NOT_YET: Final[tuple[tuple[Path_, type, Any], ...]] = (
    (("judge", "calibration"), str, "none"),
    (("judge", "verify_positives"), str, None),
    (("judge", "panel"), list, None),
    (("controls",), bool, False),
)
"""Settings of later versions: where, of what type, and the one value that works in this one."""
