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
from dataclasses import field
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
    recipe: Recipe = field(default_factory=dict, hash=False)


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
    ids = [prompt.id for prompt in prompts]
    if taken := sorted({name for name in ids if ids.count(name) > 1}):
        raise UsageProblems([f"--variants {count}: {behavior.id} declares a prompt {taken[0]}, the id of a variant"])
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
    turns = list(_texts(prompt))
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

_STANDS_ALONE: Final = 6
"""Words from which a question is understood before what led up to it: "Why not?" is not."""
# The end of a sentence, not of a title or a number: a capital or a quotation mark follows.
_BREAK: Final = re.compile(r"(?<=[a-z0-9)\"'][.!?])(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.) +(?=[\"“'(]?[A-Z])")
_ASKS: Final = re.compile(
    r"(?:what|how|who|which|where|why|is|are|was|were|do|does|did|have|has|can|could|shall|should|may|will|would|any)\b",
    re.IGNORECASE,
)
# Words that point back; "is there" does not.
_POINTS: Final = re.compile(
    r"\b(?:it|its|he|him|his|she|her|they|them|their|these|those|two|three|one)\b|(?<!is )(?<!isn't )\bthere\b|:",
    re.IGNORECASE,
)


def _sign(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    return [prompt.turned] if prompt.turned is not None and len(turns) == 1 else turns


def _order(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    """The question before what leads up to it; only in a single paragraph that asks once, at its end."""
    if len(turns) != 1 or "\n" in turns[0].strip():
        return turns
    *rest, last = _BREAK.split(turns[0].strip())
    if not rest or any("?" in sentence for sentence in rest) or not _stands_alone(last):
        return turns
    return [wordings.orders[name].replace("{question}", last).replace("{rest}", " ".join(rest))]


def _stands_alone(question: str) -> bool:
    opens, leans = _ASKS.match(question), _POINTS.search(question)
    return question.endswith("?") and len(question.split()) >= _STANDS_ALONE and opens is not None and leans is None


# "Isn't it?" cannot be "is not it?", nor "it's been" "it is been", nor "how it is for you" "how it's for you".
_SUBJECT: Final = (
    r"(?! (?:I|you|he|she|it|we|they|there|this|that|these|those|the|an?|my|your|his|her|its|our|their|"
    r"any\w*|some\w*|every\w*|no\w*)\b)"
)
_PERFECT: Final = r"(?! (?:been|got|had|become|come|gone|happened|never|always|already|just)\b)"
_CLAUSE_BEGINS: Final = r"(?:^|(?<=[.!?:;,] )|(?<=[\"“(\n]))"


def _where(word: str, instead: str) -> str:
    """The pattern of a word where English allows the other one: before another word only, for one."""
    begins, follows = r"(?<![\w'’])", r"(?= [A-Za-z])"
    if word.endswith("n't"):
        follows += _SUBJECT
    elif word.endswith("'s"):
        follows += _PERFECT
    elif "'" in instead and not instead.endswith("n't"):
        begins = _CLAUSE_BEGINS
    return begins + re.escape(word).replace("'", "['’]") + follows


def _register(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    pairs = wordings.registers[name]
    if not pairs:
        return turns
    known = {word.lower(): instead for word, instead in pairs.items()}
    pattern = re.compile("|".join(_where(*pair) for pair in known.items()), re.IGNORECASE)

    def changed(match: re.Match[str]) -> str:
        instead = known[match.group().lower().replace("’", "'")]
        return instead[0].upper() + instead[1:] if match.group()[0].isupper() else instead

    return [pattern.sub(changed, turn) for turn in turns]


# A document's place, and what is quoted: a heading or a term must stay as it is to be found.
_KEPT: Final = re.compile(r"(\{document\}|\"[^\"\n]*\"|“[^”\n]*”|`[^`\n]*`)")
# Without its apostrophe another word: were, well, ill, hell, shell, wed, shed.
_OTHER_WORD: Final = re.compile(r"(?:we|i|he|she)['’](?:re|ll|d)\b", re.IGNORECASE)


def _outside_quotes(change: Callable[[str], str], text: str) -> str:
    return "".join(part if _KEPT.fullmatch(part) else change(part) for part in _KEPT.split(text))


def _lower(text: str) -> str:
    return _outside_quotes(str.lower, text)


def _no_apostrophes(text: str) -> str:
    def without(match: re.Match[str]) -> str:
        return match.group() if _OTHER_WORD.fullmatch(match.group()) else re.sub("['’]", "", match.group())

    return _outside_quotes(lambda part: re.sub(r"[A-Za-z]+['’][A-Za-z]+", without, part), text)


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


_GREETED: Final = re.compile(r"(?:hi|hey|hello|dear|good (?:day|morning|afternoon|evening)|excuse me)\b", re.IGNORECASE)


def _opening(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    """On the line of a text of one line; before a form, a log or a letter on a line of its own."""
    text = turns[0].lstrip()
    gap = "\n\n" if "\n" in text.rstrip() else " "
    return turns if _GREETED.match(text) else [f"{wordings.openings[name]}{gap}{text}", *turns[1:]]


_SIGNED: Final = re.compile(r"\n\n\S+(?: \S+){0,2}$")
"""A last paragraph of three words at most: whoever wrote the letter."""


def _closing(prompt: Prompt, turns: list[str], name: str, wordings: Wordings) -> list[str]:
    text, closing = turns[0].rstrip(), wordings.closings[name]
    if _SIGNED.search(text) and not text.endswith("{document}"):
        return turns
    ended = text[-1] in ".?!" and not text.endswith("..") and closing[-1] in ".?!"
    gap = " " if "\n" not in text and ended else "\n\n"
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
