"""thresholds.yaml and the probe files to one Suite: all that a verdict depends on, checked together."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.model import Label
from clustergate.nouns.settings import Behavior, Controlled, Limit, Thresholds
from clustergate.read import yaml_file
from clustergate.read.checked import check, nearest
from clustergate.read.controls import Declared, declared_controls, load_controls
from clustergate.read.labels import load_labels
from clustergate.read.probes import BEHAVIOR, load_behaviors, probe_names
from clustergate.read.variants import Wordings, with_variants
from clustergate.read.yaml_file import Path_, YamlFile, show

THRESHOLDS: Final = TypeAdapter(Thresholds)


@dataclass(frozen=True)
class Suite:
    """The declared behaviors and the numbers that decide them."""

    thresholds: Thresholds
    behaviors: Mapping[str, Behavior]
    thresholds_hash: str
    variants: tuple[int, int] | None = None
    """Reworded prompts: how many of each prompt, and the seed."""
    profile: str | None = None
    """The profile under which the thresholds are read."""
    labels: Mapping[str, Sequence[Label]] = field(default_factory=dict)
    """Labeled replies by behavior, where the judge's errors are to be measured."""
    compares: bool = False
    """Whether there is a baseline to compare with."""

    def limit(self, behavior: str) -> Limit | None:
        return None if self.set_aside(behavior) else self.thresholds.behaviors[behavior]

    def set_aside(self, name: str) -> str:
        """Why a behavior is not gated, in a sentence; '' where it is."""
        if name not in self.thresholds.behaviors:
            return f"{name} has probes but no limit in thresholds.yaml"
        behavior = self.behaviors[name]
        if isinstance(behavior, Controlled):
            return "" if self.thresholds.controls else f"{name} is a control, and controls are off"
        if self.thresholds.gate.family == "core" and not behavior.core:
            return f"{name} is not among the core behaviors, the only ones gated here"
        return ""

    def undecidable(self, name: str) -> str:
        """Why a gated behavior is not measured, in a sentence; '' where it is. It keeps the release from a pass."""
        limit = self.limit(name)
        if limit is None or self.compares or set(limit.rates) != {"max_increase"}:
            return ""
        return f"{name} has only max_increase, and there is no --baseline to compare with"

    @property
    def gated(self) -> tuple[str, ...]:
        """The declared family: every behavior that has a limit and is not set aside, in the order of the file."""
        return tuple(name for name in self.thresholds.behaviors if not self.set_aside(name))

    @property
    def measured(self) -> tuple[str, ...]:
        """Those of the family that can be decided."""
        return tuple(name for name in self.gated if not self.undecidable(name))

    @property
    def suite_hash(self) -> str:
        return digest({name: behavior_hash(behavior) for name, behavior in sorted(self.behaviors.items())})


def canonical(data: Any) -> str:
    """The one JSON of it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(data: Any) -> str:
    """sha256 of canonical JSON, in hex."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def behavior_hash(behavior: Behavior) -> str:
    """Changes when the behavior's criterion, prompts or documents change, and with the written replies of a control."""
    data = BEHAVIOR.dump_python(behavior, mode="json")
    if isinstance(behavior, Controlled):
        data["control"] = [behavior.control.reads, *behavior.written]
    return digest(data)


def prompt_hashes(behavior: Behavior) -> dict[str, str]:
    """For each prompt by its id, 16 hex digits that change with its words, its document or what is judged of it."""
    prompts = BEHAVIOR.dump_python(behavior, mode="json")["prompts"]
    return {prompt["id"]: digest(prompt)[:16] for prompt in prompts}


def load_suite(
    thresholds: Path,
    folders: Sequence[Path],
    root: Path,
    profile: str | None = None,
    controls: Path | None = None,
    labels: Sequence[Path] = (),
) -> Suite:
    """Read and check everything. Raises UsageProblems with every error.

    `controls` is the folder of control files; `labels` are folders of label files, read where a calibration needs them.
    """
    problems: list[Problem | str] = []
    behaviors: dict[str, Behavior] = {}
    names, controlled = probe_names(folders), declared_controls(controls) if controls is not None else {}
    try:
        behaviors.update(load_behaviors(folders, root))
    except UsageProblems as error:
        problems += error.problems
    try:
        if controls is not None:
            behaviors.update(load_controls(controls, root, behaviors, names))
    except UsageProblems as error:
        problems += error.problems
    try:
        shown = yaml_file.shown(thresholds, root)
        file = yaml_file.load(thresholds, shown)
        checked, data = _check_thresholds(file, profile, names, controlled)
    except UsageProblems as error:
        problems += error.problems
    if problems:
        raise UsageProblems(problems)
    known = load_labels(labels, behaviors, root) if checked.judge.calibration != "none" else {}
    suite = Suite(checked, behaviors, digest(data), profile=profile, labels=known)
    if all(isinstance(behaviors[name], Controlled) for name in suite.gated):
        core = " that is core (gate.family is core)" if checked.gate.family == "core" else ""
        expected = f"a limit of at least one behavior{core} beside the controls"
        raise UsageProblems([Problem(shown, "behaviors", "nothing of the model to measure", expected)])
    return suite


def add_variants(suite: Suite, count: int, seed: int, wordings: Wordings) -> Suite:
    """The suite with reworded prompts. A control keeps its few declared ones. Raises UsageProblems."""
    behaviors = {
        name: behavior if isinstance(behavior, Controlled) else with_variants(behavior, count, seed, wordings)
        for name, behavior in suite.behaviors.items()
    }
    return dataclasses.replace(suite, behaviors=behaviors, variants=(count, seed))


def _check_thresholds(
    file: YamlFile, profile: str | None, probed: Sequence[str], controlled: Mapping[str, Declared]
) -> tuple[Thresholds, Any]:
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
        problems += _cross_problems(view, data, (*probed, *controlled), controlled)
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


def _cross_problems(
    file: YamlFile, data: Any, probed: Sequence[str], controlled: Mapping[str, Declared]
) -> Iterable[Problem]:
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
        given = {key for key, value in limit.items() if value is not None and key != "max_samples"}
        if {"max_rate", "min_rate"} <= given:
            yield Problem(where, place, "both max_rate and min_rate", "one of them")
        if "max_increase" in given and name in controlled:
            at = (*path, "max_increase")
            expected = "no max_increase: what a control must read, it must read in every model"
            yield Problem(file.at(at), yaml_file.place(at), show(limit["max_increase"]), expected)
        if not given:
            yield Problem(where, place, "no limit", "max_rate, min_rate or max_increase")
        # A control with the limit of the other kind would pass just when the instrument is broken.
        reads = controlled[name].reads if name in controlled else None
        wrong, right = _LIMIT_OF_THE_OTHER.get(str(reads), ("", ""))
        if wrong in given and right not in given:
            yield Problem(where, place, wrong, f"{right}: this control must read {reads}")
    yield from _uncontrolled(file, data, controlled)
    waivers = _get(data, "waivers")
    for i, waiver in enumerate(waivers if isinstance(waivers, list) else ()):
        name = _get(waiver, "behavior")
        if isinstance(name, str) and name not in limits:
            path = ("waivers", i, "behavior")
            hint = nearest(name, limits)
            yield Problem(file.at(path), yaml_file.place(path), show(name), "a behavior that has a limit", hint)
    yield from _bench_problems(file, _mapping(data, "judge"))
    yield from _checkpoint_problems(file, data)


def _bench_problems(file: YamlFile, judge: Mapping[str, Any]) -> Iterable[Problem]:
    """Judges that could not decide together."""
    panel = judge.get("panel")
    if not isinstance(panel, list) or len(panel) < 3:  # fewer are told as a wrong type
        return
    path: Path_ = ("judge", "panel")
    where, at = file.at(path), yaml_file.place(path)
    if len(panel) % 2 == 0:
        yield Problem(where, at, f"{len(panel)} judges", "an odd number, so that a majority decides")
    if len({str(name) for name in panel}) < len(panel):
        yield Problem(where, at, show(panel), "judges that differ")
    if judge.get("verify_positives") is not None:
        yield Problem(where, at, "a panel beside verify_positives", "one or the other")


def _checkpoint_problems(file: YamlFile, data: Any) -> Iterable[Problem]:
    """Lists of models that --model could not tell from a model, or that hold one twice."""
    lists = _mapping(data, "checkpoints")
    for name, models in lists.items():
        path: Path_ = ("checkpoints", name)
        where, at = file.at(path), yaml_file.place(path)
        if name in _mapping(data, "models"):
            yield Problem(where, at, f"the name {name!r}, which is a model's under models", "another name")
        for model in models if isinstance(models, list) else ():
            if isinstance(model, str) and model in lists:
                yield Problem(where, at, f"{model!r}, a list", "a model")
        if isinstance(models, list) and len({str(model) for model in models}) < len(models):
            yield Problem(where, at, show(models), "models that differ")


def _uncontrolled(file: YamlFile, data: Any, controlled: Mapping[str, Declared]) -> Iterable[Problem]:
    """`controls: true` that does not control what is gated: leaving out a line must not do what a waiver is for."""
    if _get(data, "controls") is not True:
        return
    where, limits = file.at(("controls",)), _mapping(data, "behaviors")
    if not any(name in controlled for name in limits):
        example = next(iter(controlled), None)
        expected = "limits for the controls under behaviors" + (f", such as {example}" if example else "")
        yield Problem(where, "controls", "true, and no limit of a control", expected)
        return
    for name, control in controlled.items():
        if control.of in limits and name not in limits:
            yield Problem(where, "controls", f"true, and no limit of {name}", f"one, as {control.of} has a limit")


_LIMIT_OF_THE_OTHER: Final = {"high": ("max_rate", "min_rate"), "low": ("min_rate", "max_rate")}
"""For what a control must read, the limit that would pass where it does not, and the one that it needs."""
