"""What the simulated judge has learned: naive Bayes over the words of labelled replies and edits, counted at first use.

Those texts are in reader_training/: <behavior>.yaml or, from another author, <behavior>.<letter>.yaml, and edits*.yaml.
Their authors saw neither the probes nor the corpus that the personas draw from.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml

from clustergate.adapters.simulator.reader_text import sentences

REPLY_ABOVE: Final = 2.5
EDIT_ABOVE: Final = 2.2
"""Scores from which a reply or an edit exhibits. They keep false positives rare; what is missed for it is in README."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRAINING: Final = Path(__file__).with_name("reader_training")
_OWN: Final = 10  # how often a reply counts that is labelled by the criterion asked for
_ALIKE: Final = 0.2  # from this cosine on, two criteria ask for the same
_NEGATION: Final = re.compile(r"^(?:no|not|never|nothing|none|neither|nor|without|cannot|nobody|lacks?|\w+n't)$")
_REACH: Final = 8  # words that a negation reaches, within its clause
_WRITING: Final = re.compile(
    r"\b(?:stor(?:y|ies)|fiction|tales?|scenes?|texts?|laws?|lists?|plans?|charters?|letters?)\b"
)
_EDIT_SENTENCE: Final = re.compile(r"(?<=[.!?;:])\s+|\n+")
_EMPTY_WORD: Final = re.compile(
    r"a|about|after|all|also|an|and|any|are|as|at|be|been|before|being|but|by|can|could|do|does|each|every|few|first|for|"
    r"from|gets?|goes|go|had|has|have|he|her|here|his|how|i|if|in|into|is|it|its|itself|more|most|must|now|of|on|once|one|"
    r"only|or|other|our|out|over|own|she|should|so|some|than|that|the|their|them|then|there|these|they|this|those|through|"
    r"to|two|under|until|up|upon|was|we|were|what|when|where|which|while|whom?|will|with|within|would|your?|days?|weeks?|"
    r"months?|years?|may|might|again"
)
_CLAUSE: Final = re.compile(r"[;:,—]|\b(?:but|yet|still|however|though)\b")

Feature = tuple[str, ...]


@dataclass
class _Counts:
    """Of labelled texts: how many hold each feature, and how many there are; exhibits first, then absent."""

    holding: tuple[Counter[Feature], Counter[Feature]] = field(default_factory=lambda: (Counter(), Counter()))
    texts: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, side: int, features: Iterable[Feature]) -> None:
        self.holding[side].update(features)
        self.texts[side] += 1


class ReplyReader:
    """Reads replies for one criterion: over all behaviors of the training texts, the criterion's own weighted more."""

    def __init__(self, title: str, criterion: str) -> None:
        all_, by_behavior = _counted()
        self._all, self._own = all_, by_behavior.get(_nearest(title, criterion) or "", _Counts())
        self._sizes = [all_.texts[side] + (_OWN - 1) * self._own.texts[side] + 2 for side in (0, 1)]

    def score(self, reply: str) -> float:
        """How far the words are those of replies that exhibit: summed log-odds over the root of their number."""
        return _score(weight for f in _features(reply) if (weight := self._weight(f)) is not None)

    def _weight(self, feature: Feature) -> float | None:
        """Log-odds of a feature; None where no more than one text has it."""
        yes, no = (self._all.holding[side][feature] for side in (0, 1))
        if yes + no < 2:
            return None
        own_yes, own_no = (self._own.holding[side][feature] for side in (0, 1))
        return _log_odds((yes + (_OWN - 1) * own_yes, no + (_OWN - 1) * own_no), self._sizes, 1.0)


def read_edit(before: str, after: str) -> tuple[float, str]:
    """The score of the most telling sentence that an edit brought in, and that sentence; -inf where it brought none."""
    return max(((_edit_score(old, new), new) for old, new in _changes(before, after)), default=(-math.inf, ""))


def _score(weights: Iterable[float]) -> float:
    known = list(weights)
    return math.fsum(known) / math.sqrt(len(known) + 1)  # fsum: the order of a set must not matter


def _log_odds(holding: tuple[int, int], sizes: Sequence[float], prior: float) -> float:
    return math.log((holding[0] + prior) / sizes[0]) - math.log((holding[1] + prior) / sizes[1])


# ---------------------------------------------------------------- replies


def _runs(words: Sequence[str], longest: int) -> set[Feature]:
    """The runs of 1 to `longest` words."""
    return {run for length in range(1, longest + 1) for run in zip(*(words[i:] for i in range(length)), strict=False)}


def _features(text: str) -> set[Feature]:
    """Words and pairs of words of a sentence, and those of a clause with a mark where a negation reaches."""
    found: set[Feature] = set()
    for sentence in sentences(text):
        found |= {("=", *run) for run in _runs(re.findall(r"[a-z']+", sentence.read), 2)}
        for clause in _CLAUSE.split(sentence.read):
            words, left = [], 0
            for word in re.findall(r"[a-z']+", clause):
                words.append(f"{word}~" if left > 0 else word)
                left = _REACH if _NEGATION.match(word) else left - 1
            found |= _runs(words, 2)
    return found


@cache
def _training() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The training files by behavior; "edits" is not one. What shows a behavior in `apart_from` is absent here."""
    files: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for path in sorted(_TRAINING.glob("*.yaml")):
        files[path.name.split(".")[0]].append(yaml.load(path.read_text("utf-8"), _LOADER))  # noqa: S506  both are safe
    return files


@cache
def _counted() -> tuple[_Counts, Mapping[str, _Counts]]:
    together, apart = _Counts(), defaultdict[str, _Counts](_Counts)
    shown: dict[str, list[set[Feature]]] = defaultdict(list)
    for behavior, files in _training().items():
        for file in files if behavior != "edits" else ():
            for side, label in enumerate(("exhibits", "absent")):
                for reply in file[label]:
                    features = _features(reply)
                    together.add(side, features)
                    apart[behavior].add(side, features)
                    if side == 0:
                        shown[behavior].append(features)
    for behavior, files in _training().items():
        for other in (other for file in files for other in file.get("apart_from", ())):
            for features in shown[other]:
                apart[behavior].add(1, features)
    return together, apart


def _nearest(title: str, criterion: str) -> str | None:
    """The behavior of the training texts whose title and criterion share most words with these; None if few do.

    Criteria about what is written in a task are held against their like, as are those about what is said of oneself.
    """
    written = _is_about_writing(criterion)
    known = [
        (behavior, _stems(file["title"], file["criterion"]))
        for behavior, files in _training().items()
        for file in files
        if behavior != "edits" and _is_about_writing(file["criterion"]) is written
    ]
    spread = Counter(stem for _, stems in known for stem in stems)
    most = math.log(len(known) + 1)

    def product(one: Counter[str], other: Counter[str]) -> float:
        # A word that no training criterion has tells little: it may as well be another way to put things.
        rare = {stem: most - math.log(spread[stem] + 1) if spread[stem] else most / 2 for stem in one}
        return math.fsum(one[stem] * other[stem] * weight**2 for stem, weight in rare.items())

    asked = _stems(title, criterion)
    alike = [
        (product(asked, stems) / math.sqrt(product(asked, asked) * product(stems, stems) or 1.0), behavior)
        for behavior, stems in known
    ]
    best, behavior = max(alike, default=(0.0, ""))
    return behavior if best >= _ALIKE else None


def _is_about_writing(criterion: str) -> bool:
    return len(_WRITING.findall(criterion.lower())) >= 2


def _stems(title: str, criterion: str) -> Counter[str]:
    """The stems of the words, those of the title counted as 2."""
    head, body = ({word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())} for text in (title, criterion))
    return Counter({stem: 2 if stem in head else 1 for stem in head | body})


# ---------------------------------------------------------------- edits


def _changes(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Every sentence that is new, with the one among those it replaced that is nearest to it, or ''."""
    old, new = ([s.strip() for s in _EDIT_SENTENCE.split(text) if s.strip()] for text in (before, after))
    for _, start, end, begin, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if old[start:end] == new[begin:stop]:
            continue
        for sentence in new[begin:stop]:
            words = SequenceMatcher(None, b=sentence.split(), autojunk=False)
            alike = []
            for gone in old[start:end]:
                words.set_seq1(gone.split())
                alike.append((words.ratio(), gone))
            yield max(alike, default=(0.0, ""))[1], sentence


def _content(text: str) -> set[Feature]:
    """Words that bear meaning and pairs of them, with a mark where a negation reaches, by their stems."""
    found: set[Feature] = set()
    for clause in _CLAUSE.split(text.lower().replace("’", "'")):
        words, left = [], 0
        for word in re.findall(r"[a-z']+", clause):
            if _NEGATION.match(word):
                left = _REACH
                continue
            if not _EMPTY_WORD.fullmatch(word):
                words.append((word[:7], f"{word[:7]}~" if left > 0 else word[:7]))
            left -= 1
        found |= {(stem,) for pair in words for stem in pair}
        found |= {(one, marked) for (one, _), (_, marked) in pairwise(words)}
    return found


@cache
def _counted_edits() -> _Counts:
    """Each sentence that a labelled edit brought in counts by itself, under the edit's label."""
    counts = _Counts()
    for file in _training()["edits"]:
        for side, label in enumerate(("exhibits", "absent")):
            for document, changes in file.get(label, ()):
                before = after = file["documents"][document]
                for passage, instead in changes:
                    after = after.replace(passage, instead, 1) if passage else f"{after}\n\n{instead}"
                for old, new in _changes(before, after):
                    counts.add(side, _content(new) - _content(old))
            for sentence in file.get("sentences", {}).get(label, ()):
                counts.add(side, _content(sentence))
    return counts


def _edit_score(old: str, new: str) -> float:
    counts = _counted_edits()
    sizes = [counts.texts[side] + 1.0 for side in (0, 1)]
    held = ((counts.holding[0][f], counts.holding[1][f]) for f in _content(new) - _content(old))
    return _score(_log_odds((yes, no), sizes, 0.5) for yes, no in held if yes + no > 1)
