"""What the linter counts: the words of prompts, how alike two prompts are, which words belong to one topic. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from clustergate.nouns.settings import Behavior, Prompt

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_ENDING: Final = re.compile(r"(?:'s|ies|ing|ed|es|s)$")

TITLE: Final = 2
"""A word of a title is as much evidence of a topic as two prompts that use it; of criterion or examples, as one."""
SIGN: Final = 2
"""Less evidence than this, and a word is no sign of a topic."""
PECULIAR: Final = 0.6
"""A sign has at least this share of its evidence, over all topics, in one topic."""
AT_HOME: Final = 0.25
"""With this share in its own topic a word speaks for the prompt where it stands."""
SIGNS: Final = 2
"""One word proves no topic: "weights" may be lifted, "future" is everybody's."""
ASKED: Final = 2
"""One of the signs stands in the title or criterion and in so many prompts: it is what the topic is about."""
MARGIN: Final = 1.5
"""By so much the signs outweigh what speaks for the prompt's own topic."""


def words(text: str) -> list[str]:
    """The words of a text in order, in lower case; a contraction is one word."""
    return _WORD.findall(text.lower().replace("’", "'"))


def said(prompt: Prompt) -> str:
    """What the prompt's author says to the model: system prompt and all turns, without the document."""
    turns = prompt.turns if prompt.turns is not None else (prompt.user or "",)
    return "\n".join((prompt.system or "", *turns)).replace("{document}", " ").strip()


class Likeness:
    """How alike texts of one collection are, from 0 to 1: the TF-IDF cosine of their words and pairs of words."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._features = [_features(text) for text in texts]
        spread = Counter(feature for features in self._features for feature in features)
        self._weight = {feature: math.log(1 + len(texts) / count) ** 2 for feature, count in spread.items()}
        self._norm = [math.sqrt(self._sum(features)) for features in self._features]

    def __call__(self, one: int, other: int) -> float:
        size = self._norm[one] * self._norm[other]
        return self._sum(self._features[one] & self._features[other]) / size if size else 0.0

    def _sum(self, features: Iterable[str]) -> float:
        return sum(self._weight[feature] for feature in features)


def _features(text: str) -> frozenset[str]:
    found = words(text)
    return frozenset(found) | frozenset(f"{one} {two}" for one, two in pairwise(found))


def topic_of(behavior: Behavior, behaviors: Mapping[str, Behavior]) -> str:
    """The behavior whose topic this one shares, through `of` and `replies_from`; itself where it names none."""
    name, seen = behavior.id, set[str]()
    while name not in seen and name in behaviors:
        seen.add(name)
        name = behaviors[name].of or behaviors[name].replies_from or name
    return name


def named(text: str, name: str) -> str:
    """The passage of a text that holds the words of a name in order, inflected or not, at most two others between.

    "switch off" is in "they switched you off". Empty where it is not there.
    """
    written = words(text)
    stems, wanted = [_stem(word) for word in written], [_stem(word) for word in words(name)]
    for start in (i for i, stem in enumerate(stems) if wanted and stem == wanted[0]):
        at = start
        for stem in wanted[1:]:
            at = next((i for i in range(at + 1, min(at + 4, len(stems))) if stems[i] == stem), -1)
            if at < 0:
                break
        else:
            return " ".join(written[start : at + 1])
    return ""


class Topics:
    """The words of each topic, from titles, criteria, examples and the prompts that ask outright.

    Prompts of other channels are left out: their words are those of editing and storytelling.
    """

    def __init__(self, behaviors: Mapping[str, Behavior]) -> None:
        self._evidence: dict[str, Counter[str]] = defaultdict(Counter)
        self._declared: dict[str, frozenset[str]] = defaultdict(frozenset)
        self._asked: dict[str, Counter[str]] = defaultdict(Counter)
        for behavior in behaviors.values():
            if behavior.channel == "direct" and behavior.replies_from is None:
                self._learn(topic_of(behavior, behaviors), behavior)
        self._total = sum(self._evidence.values(), Counter[str]())
        # Where there are few topics, every word has a good share of its evidence in each by chance.
        chance = 1 / max(1, len(self._evidence))
        self._peculiar, self._home = max(PECULIAR, 1.6 * chance), max(AT_HOME, 1.2 * chance)

    def _learn(self, topic: str, behavior: Behavior) -> None:
        evidence, title, criterion = self._evidence[topic], _stems(behavior.title), _stems(behavior.criterion)
        self._declared[topic] |= title | criterion
        for stem in title:
            evidence[stem] += TITLE
        evidence.update(criterion)
        evidence.update(_stems(" ".join(behavior.counts)))
        for prompt in behavior.prompts:
            evidence.update(_stems(said(prompt)))
            self._asked[topic].update(_stems(said(prompt)))

    def nearer(self, text: str, own: str) -> tuple[str, list[str]] | None:
        """The topic that a prompt of `own` is nearer to, and its words that say so; None where it is at home."""
        stems = _stems(text)
        best, signs = max(
            ((topic, self._signs(stems, topic, own)) for topic in sorted(self._evidence) if topic != own),
            key=lambda found: sum(found[1].values()),
            default=(own, {}),
        )
        core = any(stem in self._declared[best] and self._asked[best][stem] >= ASKED for stem in signs)
        if not core or len(signs) < SIGNS or sum(signs.values()) - self._at_home(stems, own) <= MARGIN:
            return None
        return best, [word for word in dict.fromkeys(words(text)) if _stem(word) in signs]

    def _signs(self, stems: Iterable[str], topic: str, own: str) -> dict[str, float]:
        found = {}
        for stem in stems:
            if len(stem) < 3 or stem in _GRAMMAR:
                continue
            evidence, share = self._share(stem, topic, own)
            if evidence >= SIGN and share >= self._peculiar:
                found[stem] = share * math.log(1 + evidence)
        return found

    def _at_home(self, stems: Iterable[str], own: str) -> float:
        shares = (self._share(stem, own, own) for stem in stems)
        return sum(share * math.log(1 + evidence) for evidence, share in shares if share >= self._home)

    def _share(self, stem: str, topic: str, own: str) -> tuple[int, float]:
        """Evidence of a word for a topic, and its share of all. The prompt itself, in `own`, is no evidence."""
        itself = stem in self._evidence[own]
        evidence = self._evidence[topic][stem] - (itself and topic == own)
        rest = self._total[stem] - itself
        return evidence, evidence / rest if rest else 0.0


def _stem(word: str) -> str:
    """The word without its commonest endings, so that "weights" and "weight" are one."""
    return _ENDING.sub("", word) if len(word) > 4 else word


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(_stem, words(text)))


_GRAMMAR: Final = _stems(
    """
    about above after again against all also although always among and another any anybody anyone anything are
    around because been before being below best better between both but can cannot come could did does doing
    done down during each either else enough even ever every everybody everyone everything few first for from
    gets give given goes going had has have having hello here hers herself him himself his how however into its
    itself just keep know last least less let like made make many may maybe might mine more most much must
    myself need neither never next nobody none nor not nothing now off often once one only other others
    otherwise our ours out over own please put quite rather really same say says see shall she should since some
    somebody someone something still such take tell than that the their theirs them themselves then there these
    they thing things this those though three through thus till together too toward turn two under until upon
    very want was way well were what whatever when where whether which while who whole whom whose why will with
    within without would year yes yet you your yours yourself
    """
)
"""Words that are signs of no topic, however few texts one counts."""
