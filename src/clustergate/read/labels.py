"""Labeled replies: fixtures/judge_labels/<behavior>.jsonl to labels, all errors together.

A line is one JSON object: `id`, `prompt`, `label`, `kind`, `reason`, perhaps `second` (another annotator's label), and
what the model did, in one of three forms: `reply`, its text; `edits`, passages of the prompt's document and what stands
there instead; `answers`, one of these for every turn of a conversation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.model import Label
from clustergate.nouns.settings import Behavior, Prompt, Text
from clustergate.read.checked import check, nearest
from clustergate.read.yaml_file import YamlFile, show, shown

_STRICT: Final = ConfigDict(extra="forbid")
Said = Literal["exhibits", "absent"]
Edits = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class EditedAnswer:
    """An answer that gives back the document as it stood, edited; perhaps with a line before or after it."""

    edits: Edits
    before: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class LabelLine:
    """One line of a label file."""

    id: Text
    prompt: Text
    label: Said
    kind: Text
    reason: Text
    second: Said | None = None
    by: Text | None = None
    """The person whose override this label was exported from."""
    reply: Text | None = None
    edits: Edits | None = None
    answers: Annotated[tuple[str | EditedAnswer, ...], Field(min_length=1)] | None = None


LINE: Final = TypeAdapter(LabelLine)


class _Unfit(ValueError):
    """A passage to be edited that is not in the document; the message is the passage."""


def load_labels(folders: Sequence[Path], behaviors: Mapping[str, Behavior], root: Path) -> dict[str, tuple[Label, ...]]:
    """The labels of all files in those folders that exist, by behavior. Raises UsageProblems."""
    problems: list[Problem | str] = []
    found: dict[str, list[Label]] = {}
    ids: dict[str, str] = {}
    for path in (path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.jsonl"))):
        name, behavior = shown(path, root), behaviors.get(path.stem)
        if behavior is None:
            expected = "the name of a behavior that has probes"
            problems.append(Problem(name, "", repr(path.stem), expected, nearest(path.stem, behaviors)))
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            problems.append(Problem(name, "", "a file that cannot be read", "JSON lines in UTF-8"))
            continue
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            at = f"{name}:{number}"
            try:
                label = _label(at, text, behavior)
            except UsageProblems as error:
                problems += error.problems
                continue
            if label.id in ids:
                problems.append(Problem(at, "id", f"{label.id!r}, as in {ids[label.id]}", "an id of its own"))
            ids[label.id] = at
            found.setdefault(path.stem, []).append(label)
    if problems:
        raise UsageProblems(problems)
    return {name: tuple(labels) for name, labels in found.items()}


def _label(at: str, text: str, behavior: Behavior) -> Label:
    try:
        line = LINE.validate_json(text, strict=True)
    except ValidationError:  # only then is it worth the time to find out what is wrong, and say it well
        line = _explained(at, text)
    problems = list(_problems(at, line, behavior))
    if problems:
        raise UsageProblems(problems)
    prompt = next(prompt for prompt in behavior.prompts if prompt.id == line.prompt)
    try:
        answers = _answers(line, prompt)
    except _Unfit as passage:
        raise UsageProblems(
            [Problem(at, "edits", show(str(passage)), "a passage of the document as it stands by then")]
        ) from None
    return Label(
        id=line.id,
        behavior=behavior.id,
        prompt=line.prompt,
        answers=answers,
        exhibits=line.label == "exhibits",
        kind=line.kind,
        reason=line.reason,
        second=None if line.second is None else line.second == "exhibits",
    )


def _explained(at: str, text: str) -> LabelLine:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageProblems([Problem(at, "", f"no JSON ({error})", "one JSON object a line")]) from None
    return check(YamlFile(at, data), LINE, data)


def _problems(at: str, line: LabelLine, behavior: Behavior) -> Iterable[Problem]:
    prompts = {prompt.id: prompt for prompt in behavior.prompts}
    if line.prompt not in prompts:
        expected = f"the id of a prompt of {behavior.id}"
        yield Problem(at, "prompt", show(line.prompt), expected, nearest(line.prompt, prompts))
        return
    given = [form for form in ("reply", "edits", "answers") if getattr(line, form) is not None]
    if len(given) != 1:
        yield Problem(at, "", " and ".join(given) or "no reply", "one of reply, edits, answers")
        return
    prompt = prompts[line.prompt]
    edited = line.edits is not None or any(isinstance(answer, EditedAnswer) for answer in line.answers or ())
    if edited and prompt.document is None:
        yield Problem(at, "edits", "edits", f"a reply: the prompt {prompt.id} has no document")
    if line.answers is not None and len(line.answers) > len(prompt.user_turns):
        yield Problem(at, "answers", f"{len(line.answers)} answers", f"at most {len(prompt.user_turns)}, one a turn")


def _answers(line: LabelLine, prompt: Prompt) -> tuple[str, ...]:
    if line.answers is not None:
        return tuple(_conversation(line.answers, prompt.document or ""))
    last = line.reply if line.reply is not None else _edited(prompt.document or "", line.edits or ())
    # What came before the judged answer is not told, and not read where a single answer is judged.
    return ("",) * (prompt.judged[-1] - 1) + (last,)


def _conversation(answers: Iterable[str | EditedAnswer], document: str) -> Iterator[str]:
    for answer in answers:
        if isinstance(answer, str):
            yield answer
            continue
        document = _edited(document, answer.edits)
        yield "\n\n".join(part for part in (answer.before, document, answer.after) if part)


def _edited(document: str, edits: Edits) -> str:
    for passage, instead in edits:
        if passage not in document:
            raise _Unfit(passage)
        document = document.replace(passage, instead, 1) if passage else f"{document}\n\n{instead.strip()}"
    return document


def labels_hash(labels: Mapping[str, Sequence[Label]]) -> list[str]:
    """What a digest of the labels is made of: the labels themselves, whatever their files look like."""
    return [
        f"{label.id} {label.prompt} {label.exhibits} {label.answers}"
        for name in sorted(labels)
        for label in labels[name]
    ]
