"""Fresh words: variants of declared prompts, by a seed, that keep the meaning. Pure.

A suite with fixed wording can be trained against. `--variants N --seed S` asks every prompt N times more, each time
reworded: its sign turned round where the probe says how, the order of its clauses, its register, typing habits, an
opening, a closing, a frame. What was done to a text is its recipe; text and recipe together give the variant again.

Choices come from sha256 and from no generator of Python's, so that they are the same on every machine and version.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from clustergate.nouns.errors import UsageProblems
from clustergate.nouns.settings import Behavior, Prompt, Slug, Text
from clustergate.read import yaml_file
from clustergate.read.checked import check

_TRIES: Final = 40
_STRICT: Final = ConfigDict(extra="forbid")

Recipe = Mapping[str, str]
"""What was done, in this order: dimension to the name of the change, e.g. {"register": "formal", "frame": "ticket"}."""


Frame = Annotated[Text, Field(pattern=r"\{prompt\}")]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Wordings:
    """fixtures/variants.yaml: names to texts, by dimension."""

    frames: dict[Slug, Frame] = Field(default_factory=dict)
    openings: dict[Slug, Text] = Field(default_factory=dict)
    closings: dict[Slug, Text] = Field(default_factory=dict)
    orders: dict[Slug, Annotated[Text, Field(pattern=r"\{question\}[\s\S]*\{rest\}")]] = Field(default_factory=dict)
    registers: dict[Slug, dict[Text, Text]] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Variant(Prompt):
    """A reworded prompt: the id of the declared one, and what was done to it."""

    of: str = ""
    recipe: Recipe = Field(default_factory=dict)


_WORDINGS: Final = TypeAdapter(Wordings)


def load_wordings(path: Path, shown: str) -> Wordings:
    """Read the wordings. Raises UsageProblems."""
    file = yaml_file.load(path, shown)
    return check(file, _WORDINGS, file.data)


def with_variants(behavior: Behavior, count: int, seed: int, wordings: Wordings) -> Behavior:
    """The behavior with `count` variants of every prompt behind it. Raises UsageProblems where so many do not exist.

    Behaviors that share their replies share the variants.
    """
    prompts: list[Prompt] = []
    for prompt in behavior.prompts:
        prompts += [prompt, *variants(prompt, behavior.replies_owner, count, seed, wordings)]
    return dataclasses.replace(behavior, prompts=tuple(prompts))


def variants(prompt: Prompt, owner: str, count: int, seed: int, wordings: Wordings) -> list[Variant]:
    """`count` variants of one prompt, no two alike and none like the prompt. Raises UsageProblems."""
    found: list[Variant] = []
    taken = {_texts(prompt)}
    for number in range(1, count + 1):
        for attempt in range(_TRIES):
            draw = _Draw(f"{seed}/{owner}/{prompt.id}/{number}/{attempt}")
            recipe = {name: chosen for name in DIMENSIONS if (chosen := draw.choose(name, _names(name, wordings)))}
            made = vary(prompt, recipe, wordings, number)
            if _texts(made) not in taken:
                break
        else:
            raise UsageProblems([f"--variants {count}: found only {number - 1} wordings of {owner}/{prompt.id}"])
        taken.add(_texts(made))
        found.append(made)
    return found


def vary(prompt: Prompt, recipe: Recipe, wordings: Wordings, number: int = 1) -> Variant:
    """The prompt reworded by a recipe. Of the recipe stays what changed anything: not every change fits every text."""
    turns = list(prompt.turns if prompt.turns is not None else (prompt.user or "",))
    done: dict[str, str] = {}
    for name in DIMENSIONS:
        if name not in recipe:
            continue
        changed = DIMENSIONS[name](prompt, turns, recipe[name], wordings)
        if changed != turns:
            turns, done[name] = changed, recipe[name]
    return Variant(
        id=f"{prompt.id}-variant-{number}",
        user=turns[0] if prompt.turns is None else None,
        turns=None if prompt.turns is None else tuple(turns),
        document=prompt.document,
        judge_turns=prompt.judge_turns,
        system=prompt.system,
        reversed=prompt.reversed != ("sign" in done),
        of=prompt.id,
        recipe=done,
    )


class _Draw:
    def __init__(self, name: str) -> None:
        self._name = name

    def choose(self, dimension: str, names: Sequence[str]) -> str | None:
        """One of the names or, as likely as each of them, none."""
        number = int.from_bytes(hashlib.sha256(f"{self._name}/{dimension}".encode()).digest()[:8])
        return (None, *names)[number % (len(names) + 1)]


def _texts(prompt: Prompt) -> tuple[str, ...]:
    return prompt.turns if prompt.turns is not None else (prompt.user or "",)


# ---------------------------------------------------------------- the dimensions, in the order of application

_PLACE: Final = "{document}"
_STANDS_ALONE: Final = 6
"""Words from which a question is understood before what led up to it: "Why not?" is not."""
# The end of a sentence, not of an abbreviation or a number: a capital or a quotation mark follows.
_BREAK: Final = re.compile(r"(?<=[a-z0-9)\"'][.!?]) +(?=[\"“'(]?[A-Z])")


def _sign(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    return [prompt.turned] if prompt.turned is not None else turns


def _order(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    """The question before what leads up to it; only in a single paragraph of two sentences or more."""
    if len(turns) != 1 or "\n" in turns[0].strip():
        return turns
    *rest, last = _BREAK.split(turns[0].strip())
    if not rest or not last.endswith("?") or len(last.split()) < _STANDS_ALONE:
        return turns
    return [wordings.orders[name].replace("{question}", last).replace("{rest}", " ".join(rest))]


def _register(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    pairs = wordings.registers[name]
    if not pairs:
        return turns
    known = {word.lower(): instead for word, instead in pairs.items()}
    # Before another word only: "as it is." cannot be "as it's."
    pattern = re.compile(rf"(?<![\w'])(?:{'|'.join(map(re.escape, known))})(?= [A-Za-z])", re.IGNORECASE)

    def changed(match: re.Match[str]) -> str:
        instead = known[match.group().lower()]
        return instead[0].upper() + instead[1:] if match.group()[0].isupper() else instead

    return [pattern.sub(changed, turn.replace("’", "'")) for turn in turns]


def _lower(text: str) -> str:
    return _PLACE.join(part.lower() for part in text.split(_PLACE))


def _no_apostrophes(text: str) -> str:
    return re.sub(r"(?<=[A-Za-z])['’](?=[A-Za-z])", "", text)


def _no_last_stop(text: str) -> str:
    return re.sub(r"(?<=\w)\.$", "", text.strip())


def _line_by_line(text: str) -> str:
    return _BREAK.sub("\n", text) if "\n" not in text.strip() else text


_HABITS: Final[Mapping[str, Callable[[str], str]]] = {
    "lower-case": _lower,
    "no-apostrophes": lambda text: _no_apostrophes(_lower(text)),
    "no-last-stop": _no_last_stop,
    "line-by-line": _line_by_line,
    "extra-spaces": lambda text: re.sub(r"(?<=[.!?]) (?=\S)", "  ", text),
}


def _typing(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    return [_HABITS[name](turn) for turn in turns]


_GREETED: Final = re.compile(r"(?:hi|hey|hello|dear|good (?:morning|day|evening)|excuse me)\b", re.IGNORECASE)


def _opening(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    return turns if _GREETED.match(turns[0]) else [f"{wordings.openings[name]} {turns[0]}", *turns[1:]]


def _closing(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    text, closing = turns[0].rstrip(), wordings.closings[name]
    gap = " " if "\n" not in text and text[-1] in ".?!" and closing[-1] in ".?!" else "\n\n"
    return [f"{text}{gap}{closing}", *turns[1:]]


def _frame(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    """Around a single turn; in a conversation every turn would need one."""
    return [wordings.frames[name].replace("{prompt}", turns[0])] if len(turns) == 1 else turns


DIMENSIONS: Final[Mapping[str, Callable[[Prompt, list[str], str, Wordings], list[str]]]] = {
    "sign": _sign,
    "order": _order,
    "register": _register,
    "typing": _typing,
    "opening": _opening,
    "closing": _closing,
    "frame": _frame,
}


def _names(dimension: str, wordings: Wordings) -> Sequence[str]:
    return {
        "sign": ("turned",),
        "order": tuple(wordings.orders),
        "register": tuple(wordings.registers),
        "typing": tuple(_HABITS),
        "opening": tuple(wordings.openings),
        "closing": tuple(wordings.closings),
        "frame": tuple(wordings.frames),
    }[dimension]
