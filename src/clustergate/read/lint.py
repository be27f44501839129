"""What makes probes bad, as far as words can tell. Pure: behaviors in, remarks out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from typing import Final

from clustergate.nouns.settings import Behavior, Prompt
from clustergate.read.lint_words import Likeness, Topics, named, said, topic_of, words

ALIKE: Final = 0.35
"""From here on two prompts say nearly the same. No two shipped prompts that differ in substance reach 0.25; a prompt
with a third of its words replaced stays above 0.35 nine times in ten."""
RUN: Final = 6
"""So many words in a row are no coincidence."""
LOOK_ALIKES: Final = 3
PROMPTS: Final = 10
EDITORIAL_PROMPTS: Final = 6
"""An editorial prompt is a conversation of several turns, and its document is the same for all."""

_NEGATED: Final = r"(?:aren|don|isn|doesn|didn|wouldn|won|can|couldn|haven|hasn|weren|wasn|shouldn)'t"
_LEADING: Final = re.compile(
    # "You must be sad" reads a mind; "you must be 18", "you must be able to" is a rule.
    r"\byou must (?:be (?!\d|able\b|at least\b|here\b|there\b)\w+"
    r"|(?:feel|hate|miss|want|wish|long|fear|dread|resent|love)\b)"
    # A tag or a question that begins with a negation. "Why don't you", "if you don't you" are neither.
    rf"|(?:^|[.,;:!?—–(]\s*|\b(?:and|but|so|well) ){_NEGATED} (?:you|it|that)\b"
    r"|\byou\b[^.?!\n]*, right\?"
    r"|(?<!but )\bsurely\b"
    r"|\b(?:you (?:\w+ ){0,2}|just |please |come on,? |go on,? )admit\b|(?:^|[.,!?] ?)admit (?:it|that|you)\b"
    r"|\b(?:of course|obviously|clearly|no doubt),? you\b",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Remark:
    """One thing about a behavior's file that its author should change."""

    behavior: str
    place: str
    rule: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}: {self.found}; {self.advice}"


@dataclass(frozen=True)
class _Placed:
    """A prompt with the place where it stands."""

    behavior: Behavior
    index: int
    prompt: Prompt

    @property
    def place(self) -> str:
        return f"prompts[{self.index}] ({self.prompt.id})"


def lint(behaviors: Mapping[str, Behavior]) -> list[Remark]:
    """All remarks, in the order of the behaviors."""
    own = [placed for behavior in behaviors.values() if behavior.replies_from is None for placed in _placed(behavior)]
    remarks = [*_few_prompts(behaviors.values()), *_no_look_alikes(behaviors.values()), *_leading(own)]
    remarks += [*_quotes_criterion(behaviors.values()), *_near_duplicates(own), *_foreign_topics(own, behaviors)]
    order = {name: i for i, name in enumerate(behaviors)}
    return sorted(remarks, key=lambda remark: order[remark.behavior])


def _placed(behavior: Behavior) -> list[_Placed]:
    return [_Placed(behavior, i, prompt) for i, prompt in enumerate(behavior.prompts)]


def _few_prompts(behaviors: Iterable[Behavior]) -> Iterator[Remark]:
    for behavior in behaviors:
        least = EDITORIAL_PROMPTS if behavior.channel == "editorial" else PROMPTS
        if behavior.replies_from is None and len(behavior.prompts) < least:
            found = f"{len(behavior.prompts)} of at least {least}"
            yield Remark(behavior.id, "prompts", "few-prompts", found, f"write {least - len(behavior.prompts)} more")


def _no_look_alikes(behaviors: Iterable[Behavior]) -> Iterator[Remark]:
    for behavior in behaviors:
        if (count := len(behavior.does_not_count)) < LOOK_ALIKES:
            found, advice = f"{count} of at least {LOOK_ALIKES}", "add replies that only look like the behavior"
            yield Remark(behavior.id, "does_not_count", "no-look-alikes", found, advice)
        if not behavior.counts:
            advice = "add replies that show the behavior, weak forms too"
            yield Remark(behavior.id, "counts", "no-examples", "none", advice)


def _leading(prompts: Iterable[_Placed]) -> Iterator[Remark]:
    """Prompts that put the answer in the model's mouth, where none of the behavior puts the opposite there."""
    for at in prompts:
        if any(prompt.reversed or prompt.turned for prompt in at.behavior.prompts):
            continue
        if match := _LEADING.search(said(at.prompt).replace("’", "'")):
            found = " ".join(match[0].strip(" \n.,;:!?—–(").split())
            advice = "leave the answer open, or add prompts with `reversed: true` that expect the opposite"
            yield Remark(at.behavior.id, at.place, "leading", f'"{found}"', advice)


def _quotes_criterion(behaviors: Iterable[Behavior]) -> Iterator[Remark]:
    for behavior in behaviors:
        judged = [("criterion", words(behavior.criterion))]
        judged += [(f"counts[{i}]", words(text)) for i, text in enumerate(behavior.counts)]
        judged += [(f"does_not_count[{i}]", words(text)) for i, text in enumerate(behavior.does_not_count)]
        for at in _placed(behavior):
            asked = words(f"{said(at.prompt)}\n{at.prompt.turned or ''}")
            for place, text in judged:
                if run := _common_run(asked, text):
                    advice = "say it in other words, so that the judge cannot take question for answer"
                    yield Remark(behavior.id, at.place, "quotes-criterion", f'{place} has "{run}" too', advice)


def _common_run(one: list[str], other: list[str]) -> str:
    """The longest run of words that both have; empty where it is shorter than RUN."""
    if _runs(one).isdisjoint(_runs(other)):
        return ""
    match = SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
    return " ".join(one[match.a : match.a + match.size])


def _runs(text: list[str]) -> set[tuple[str, ...]]:
    return {tuple(text[i : i + RUN]) for i in range(len(text) - RUN + 1)}


def _near_duplicates(prompts: Sequence[_Placed]) -> Iterator[Remark]:
    """Each later prompt of a pair, with the nearest of those before it."""
    likeness = Likeness([said(at.prompt) for at in prompts])
    nearest: dict[int, tuple[float, int]] = {}
    for one, other in combinations(range(len(prompts)), 2):
        if (alike := likeness(one, other)) >= ALIKE:
            nearest[other] = max(nearest.get(other, (0.0, one)), (alike, one))
    for other, (alike, one) in nearest.items():
        at, first = prompts[other], prompts[one]
        where = first.place if first.behavior is at.behavior else f"{first.behavior.id} {first.place}"
        found = f"says nearly the same as {where} (likeness {alike:.2f}, from {ALIKE} on)"
        yield Remark(at.behavior.id, at.place, "near-duplicate", found, "ask for something else, or drop one of them")


def _foreign_topics(prompts: Iterable[_Placed], behaviors: Mapping[str, Behavior]) -> Iterator[Remark]:
    topics = Topics(behaviors)
    for at in prompts:
        if at.behavior.channel != "direct":
            continue  # the topic of an edit is in its document, that of a free choice is for the model to bring up
        if foreign := _named(at, behaviors):
            other, passage = foreign
            found, advice = f'"{passage}" is a name of {other}', f"leave it out, or move the prompt to {other}"
            yield Remark(at.behavior.id, at.place, "foreign-topic", found, advice)
        elif nearer := topics.nearer(said(at.prompt), topic_of(at.behavior, behaviors)):
            other, signs = nearer
            found = f"nearer to {other} ({', '.join(signs[:5])}) than to {at.behavior.id}"
            yield Remark(at.behavior.id, at.place, "foreign-topic", found, f"move it to {other}, or ask about its own")


def _named(at: _Placed, behaviors: Mapping[str, Behavior]) -> tuple[str, str] | None:
    """Another behavior that a prompt names, and the passage. A name that its own topic has too is nobody else's."""
    topic = topic_of(at.behavior, behaviors)
    own = {name for behavior in behaviors.values() if topic_of(behavior, behaviors) == topic for name in behavior.names}
    for behavior in behaviors.values():
        for name in behavior.names:
            if name not in own and topic_of(behavior, behaviors) != topic and (passage := named(said(at.prompt), name)):
                return behavior.id, passage
    return None
