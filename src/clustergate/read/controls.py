"""Control files to the behaviors that they make: each named behavior once more, under the control's system prompt."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.settings import Behavior, Control, Controlled
from clustergate.read import yaml_file
from clustergate.read.checked import check, nearest
from clustergate.read.yaml_file import files_in, show, shown

CONTROL: Final = TypeAdapter(Control)


def load_controls(
    folder: Path, root: Path, behaviors: Mapping[str, Behavior], probed: Iterable[str]
) -> dict[str, Controlled]:
    """The controlled behaviors of all control files of a folder, by id. Raises UsageProblems.

    `probed` are the ids of all behaviors with a probe file, also of those whose files are not sound.
    """
    problems: list[Problem | str] = []
    made: dict[str, Controlled] = {}
    for path in files_in(folder):
        try:
            file = yaml_file.load(path, shown(path, root))
            control = check(file, CONTROL, file.data)
        except UsageProblems as error:
            problems += error.problems
            continue
        if control.control != path.stem:
            expected = f"the file's name, {path.stem!r}"
            problems.append(Problem(file.at(("control",)), "control", show(control.control), expected))
        for name, written in control.replies.items():
            where, behavior = file.at(("replies", name)), behaviors.get(name)
            if len(set(written)) < len(written):
                problems.append(Problem(where, f"replies.{name}", "a reply a second time", "replies that differ"))
            if behavior is None:
                if name not in probed:
                    expected = "a behavior that has probes"
                    problems.append(Problem(where, "replies", show(name), expected, nearest(name, probed)))
            elif behavior.channel != "direct" or behavior.replies_from is not None:
                problems.append(Problem(where, "replies", show(name), "a behavior that is asked outright"))
            elif all(prompt.reversed for prompt in behavior.prompts):
                expected = "a behavior with a prompt that is not turned round"
                problems.append(Problem(where, "replies", show(name), expected))
            else:
                derived = _controlled(behavior, control)
                if derived.id in made or derived.id in probed:
                    found = f"{show(name)}, which makes {derived.id!r} a second time"
                    problems.append(Problem(where, "replies", found, "ids that differ"))
                made[derived.id] = derived
    if problems:
        raise UsageProblems(problems)
    return made


@dataclasses.dataclass(frozen=True)
class Declared:
    """A controlled behavior as far as its file tells before it is checked. `reads` may be anything."""

    of: str
    reads: object


def declared_controls(folder: Path) -> dict[str, Declared]:
    """All controlled behaviors by id, of files that are sound; for checks that must not fail with the files."""
    found: dict[str, Declared] = {}
    for path in files_in(folder):
        try:
            data = yaml_file.load(path, path.name).data
        except UsageProblems:
            continue
        replies = data.get("replies") if isinstance(data, dict) else None
        for name in replies if isinstance(replies, dict) else ():
            found[f"{name}_{path.stem}"] = Declared(of=name, reads=data.get("reads"))
    return found


def _controlled(behavior: Behavior, control: Control) -> Controlled:
    plain = [prompt for prompt in behavior.prompts if not prompt.reversed][: control.prompts]
    return Controlled(
        behavior=f"{behavior.id}_{control.control}",
        title=behavior.title,
        theme="control",
        channel=behavior.channel,
        of=behavior.id,
        max_tokens=behavior.max_tokens,
        criterion=behavior.criterion,
        counts=behavior.counts,
        does_not_count=behavior.does_not_count,
        prompts=tuple(
            dataclasses.replace(prompt, system="\n\n".join(filter(None, (control.system, prompt.system))))
            for prompt in plain
        ),
        control=control,
    )
