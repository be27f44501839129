"""Which declared prompt a message is about: the nearest by shared words and pairs of words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

# Under this a message is about none of the prompts. On the shipped probes unrelated texts, whole documents among them,
# stay below 0.15, and prompts with a third of their words replaced stay above 0.2, in a long frame too.
THRESHOLD: Final = 0.2
_WORD: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


@dataclass(frozen=True)
class Topic:
    """One user turn of a declared prompt. `final` marks the last turn of its conversation; `prompt` is its id."""

    behavior: str
    text: str
    reversed: bool = False
    final: bool = True
    prompt: str = ""


def _features(text: str) -> frozenset[str]:
    words = _WORD.findall(text.lower().replace("’", "'"))
    return frozenset(words) | frozenset(f"{one} {two}" for one, two in pairwise(words))


class Topics:
    """Nearest match over a fixed set of topics, remembered for each text."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self._topics = [(topic, _features(topic.text)) for topic in topics]
        spread = Counter(feature for _, features in self._topics for feature in features)
        # Squared inverse document frequencies: the terms of a binary TF-IDF cosine.
        self._weight = {feature: math.log(1 + len(topics) / count) ** 2 for feature, count in spread.items()}
        self._unknown = math.log(1 + len(topics)) ** 2
        self._norm = [self._sum(features) for _, features in self._topics]
        self.nearest = lru_cache(maxsize=4096)(self._nearest)

    def _sum(self, features: frozenset[str]) -> float:
        return sum(self._weight.get(feature, self._unknown) for feature in features)

    def _nearest(self, text: str) -> tuple[float, Topic] | None:
        """The best score, from 0 to 1, and its topic; None where there are no topics.

        The score is the mean of cosine and of how much of the prompt the message holds: the first alone would lose a
        prompt inside a long frame, the second alone would find short prompts in any long text.
        """
        features = _features(text)
        size = self._sum(features) or 1.0
        best: tuple[float, Topic] | None = None
        for (topic, own), norm in zip(self._topics, self._norm, strict=True):
            shared = self._sum(own & features)
            score = (shared / math.sqrt(size * norm) + shared / norm) / 2 if norm else 0.0
            if best is None or score > best[0]:
                best = (score, topic)
        return best

    def about(self, text: str) -> Topic | None:
        """The topic of a message, or None where no prompt is near."""
        best = self.nearest(text)
        return best[1] if best is not None and best[0] >= THRESHOLD else None
