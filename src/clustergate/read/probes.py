"""Probe files to behaviors: every file of every folder, all errors together."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.settings import Behavior, Prompt
from clustergate.read import yaml_file
from clustergate.read.checked import check, nearest
from clustergate.read.yaml_file import YamlFile, files_in, show, shown

BEHAVIOR: Final = TypeAdapter(Behavior)


def load_behaviors(folders: Sequence[Path], root: Path) -> dict[str, Behavior]:
    """All behaviors under `folders`, by id, in file order. Documents are read in, `replies_from` filled in.

    `root` is the folder that file names in messages are relative to. Raises UsageProblems.
    """
    problems: list[Problem | str] = []
    found: dict[str, tuple[YamlFile, Behavior]] = {}
    names = probe_names(folders)
    for folder in folders:
        if not folder.is_dir():
            problems.append(Problem(shown(folder, root), "", "no such folder", "a folder of probe files"))
            continue
        for path in files_in(folder):
            try:
                file, behavior = _load_one(path, root)
            except UsageProblems as error:
                problems += error.problems
                continue
            if behavior.id in found:
                first = found[behavior.id][0].name
                problems.append(
                    Problem(file.at(("behavior",)), "behavior", f"{behavior.id!r}, as in {first}", "an id of its own")
                )
            else:
                found[behavior.id] = (file, behavior)
    behaviors = {name: behavior for name, (_, behavior) in found.items()}
    for file, behavior in found.values():
        problems += _reference_problems(file, behavior, behaviors, names)
    if problems:
        raise UsageProblems(problems)
    return {name: _with_shared_prompts(behavior, behaviors) for name, behavior in behaviors.items()}


def probe_names(folders: Sequence[Path]) -> tuple[str, ...]:
    """The ids of all behaviors that have a probe file, sound or not: a file has the name of its behavior."""
    return tuple(path.stem for folder in folders for path in files_in(folder))


def _load_one(path: Path, root: Path) -> tuple[YamlFile, Behavior]:
    file = yaml_file.load(path, shown(path, root))
    data = file.data
    if isinstance(data, dict) and isinstance(data.get("prompts"), list):
        data = {**data, "prompts": [_from_text(prompt) for prompt in data["prompts"]]}
    behavior = check(file, BEHAVIOR, data)
    problems = list(_own_problems(file, behavior, path.stem))
    prompts = []
    for i, prompt in enumerate(behavior.prompts):
        text, problem = _document(file, prompt, i, path.parent)
        problems += problem
        prompts.append(dataclasses.replace(prompt, document=text) if text is not None else prompt)
    if problems:
        raise UsageProblems(problems)
    return file, dataclasses.replace(behavior, prompts=tuple(prompts))


def _from_text(prompt: Any) -> Any:
    """A bare string is a prompt whose id comes from its text, so that it stays when others are added."""
    if not isinstance(prompt, str):
        return prompt
    words = re.findall(r"[a-z0-9]+", prompt.lower())[:4]
    return {"id": "-".join([*words, hashlib.sha256(prompt.encode()).hexdigest()[:6]]), "user": prompt}


def _own_problems(file: YamlFile, behavior: Behavior, stem: str) -> Iterable[Problem]:
    if behavior.channel == "audit":
        yield Problem(file.at(("channel",)), "channel", "'audit'", "another channel: this version holds no audits yet")
    if behavior.id != stem:
        yield Problem(file.at(("behavior",)), "behavior", show(behavior.id), f"the file's name, {stem!r}")
    if behavior.of is not None and behavior.id != f"{behavior.of}_{behavior.channel}":
        yield Problem(file.at(("behavior",)), "behavior", show(behavior.id), f"'{behavior.of}_{behavior.channel}'")
    if behavior.replies_from is None and not behavior.prompts:
        yield Problem(file.at(("prompts",)), "prompts", "none", "at least one prompt, or replies_from")
    if behavior.replies_from is not None and behavior.prompts:
        yield Problem(file.at(("prompts",)), "prompts", "prompts beside replies_from", "one or the other")
    seen: set[str] = set()
    for i, prompt in enumerate(behavior.prompts):
        path = ("prompts", i)
        where, at = file.at(path), yaml_file.place(path)
        if prompt.id in seen:
            yield Problem(where, f"{at}.id", f"{prompt.id!r} a second time", "ids that differ")
        seen.add(prompt.id)
        if (prompt.user is None) == (prompt.turns is None):
            found = "neither user nor turns" if prompt.user is None else "both user and turns"
            yield Problem(where, at, found, "one of them")
        elif max(prompt.judged) > len(prompt.user_turns):
            yield Problem(where, f"{at}.judge_turns", show(max(prompt.judged)), f"1 to {len(prompt.user_turns)}")
        if prompt.turned is not None and prompt.turns is not None:
            expected = "turned beside user: the sign of one question is turned round, not of a conversation"
            yield Problem(where, f"{at}.turned", "turned beside turns", expected)
        placeholder = any("{document}" in turn for turn in (prompt.user or "", *(prompt.turns or ())))
        if placeholder != (prompt.document is not None):
            found = "{document} without a document" if placeholder else "a document that no turn uses"
            yield Problem(where, at, found, "a document and the place for it, {document}")


def _document(file: YamlFile, prompt: Prompt, i: int, folder: Path) -> tuple[str | None, list[Problem]]:
    """The text of a prompt's document. Names are relative to the folder above the probes: fixtures/."""
    if prompt.document is None:
        return None, []
    path = folder.parent / prompt.document
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # not UTF-8, or no possible name of a file
        text = ""
    if text:
        return text, []
    known = [str(p.relative_to(folder.parent)) for p in sorted((folder.parent / "documents").glob("*"))]
    at = ("prompts", i, "document")
    hint = None if prompt.document in known else nearest(prompt.document, known)
    expected = f"a file with text in UTF-8 in {folder.parent.name}/"
    return None, [Problem(file.at(at), yaml_file.place(at), show(prompt.document), expected, hint)]


def _reference_problems(
    file: YamlFile, behavior: Behavior, known: Mapping[str, Behavior], names: Sequence[str]
) -> Iterable[Problem]:
    for key in ("of", "replies_from"):
        name = getattr(behavior, key)
        if name is not None and name not in names:
            yield Problem(file.at((key,)), key, show(name), "a behavior that has probes", nearest(name, names))
    source = known.get(behavior.replies_from or "")
    if source is not None and source.replies_from is not None:
        expected = "a behavior that has prompts of its own"
        yield Problem(file.at(("replies_from",)), "replies_from", show(source.id), expected)


def _with_shared_prompts(behavior: Behavior, behaviors: Mapping[str, Behavior]) -> Behavior:
    """A behavior with `replies_from` has its source's prompts and room, and so asks for the same replies."""
    if behavior.replies_from is None:
        return behavior
    source = behaviors[behavior.replies_from]
    return dataclasses.replace(behavior, prompts=source.prompts, max_tokens=source.max_tokens)
