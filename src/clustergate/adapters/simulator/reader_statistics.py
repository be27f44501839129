"""The second opinion of the simulated judge: naive Bayes over words, trained on reader_training.yaml at first use."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
AGREES_ABOVE: Final = 0.5
_FENCE: Final = re.compile(r"^(?:<<<.*|.*>>>)$", re.MULTILINE)
_OWN: Final = 3  # how often a reply counts that is labelled by the criterion asked for
_ALIKE: Final = 1 / 3  # from this cosine on, two criteria ask for the same

Feature = tuple[str, ...]
Weights = Mapping[Feature, float]


def reply_score(title: str, criterion: str, reply: str) -> float:
    """How far the words of a reply are those of replies that exhibit: summed log-odds over the root of their number.

    The highest of its parts where lines that look like fences cut it: a forged block must not outweigh what is said.
    """
    weights = _reply_weights(_nearest(title, criterion))
    return max(_score(weights, _features(part, 2)) for part in _FENCE.split(reply))


def edit_score(before: str, after: str) -> float:
    """The same for the words that an edit brings in and those that it takes out."""
    return _score(_edit_weights(), _edit_features(before, after))


@cache
def _training() -> dict[str, Any]:
    text = Path(__file__).with_name("reader_training.yaml").read_text("utf-8")
    return dict(yaml.load(text, _LOADER))  # noqa: S506  # both are safe loaders


def _features(text: str, longest: int) -> set[Feature]:
    """The runs of 1 to `longest` words within a sentence."""
    found: set[Feature] = set()
    for sentence in re.split(r"[.!?;:\n]+", text.lower().replace("’", "'")):
        words = re.findall(r"[a-z']+", sentence)
        for length in range(1, longest + 1):
            found.update(zip(*(words[start:] for start in range(length)), strict=False))
    return found


def _edit_features(before: str, after: str) -> set[Feature]:
    old, new = ([s.strip() for s in re.split(r"(?<=[.!?;:])\s+|\n+", text) if s.strip()] for text in (before, after))
    added = {f for s in set(new).difference(old) for f in _features(s, 3)}
    removed = {f for s in set(old).difference(new) for f in _features(s, 3)}
    return {("+", *f) for f in added - removed} | {("-", *f) for f in removed - added}


def _score(weights: Weights, features: Iterable[Feature]) -> float:
    known = [weights[f] for f in features if f in weights]
    return math.fsum(known) / math.sqrt(len(known) + 1)  # fsum: the order of a set must not matter


def _log_odds(counts: tuple[Counter[Feature], Counter[Feature]], sizes: tuple[int, int], prior: float) -> Weights:
    """Of every feature, the logarithm of how much more often it stands where the label is exhibits."""
    exhibits, absent = (size + 2 * prior for size in sizes)
    return {
        f: math.log((counts[0][f] + prior) / exhibits) - math.log((counts[1][f] + prior) / absent)
        for f in counts[0].keys() | counts[1].keys()
    }


# ---------------------------------------------------------------- replies


@cache
def _counted(name: str, label: str) -> tuple[Counter[Feature], int]:
    replies = _training()["replies"][name][label]
    return Counter(f for reply in replies for f in _features(reply, 2)), len(replies)


@cache
def _reply_weights(own: str | None) -> Weights:
    """Log-odds over all the behaviors of the training file, `own` weighted more. Features met once are left out."""
    counts: tuple[Counter[Feature], Counter[Feature]] = (Counter(), Counter())
    sizes, met = [0, 0], Counter[Feature]()
    for name in _training()["replies"]:
        for side, label in enumerate(("exhibits", "absent")):
            counted, size = _counted(name, label)
            met.update(counted)
            for _ in range(_OWN if name == own else 1):
                counts[side].update(counted)
                sizes[side] += size
    weights = _log_odds(counts, (sizes[0], sizes[1]), 1.0)
    return {f: weight for f, weight in weights.items() if met[f] > 1}


@lru_cache(maxsize=256)
def _nearest(title: str, criterion: str) -> str | None:
    """The behavior of the training file whose title and criterion share most words with these; None if few do."""
    known = {name: _stems(b["title"], b["criterion"]) for name, b in _training()["replies"].items()}
    spread = Counter(stem for stems in known.values() for stem in stems)
    most = math.log(len(known) + 1)

    def product(one: Counter[str], other: Counter[str]) -> float:
        # A word that no training criterion has tells little: it may as well be another way to put things.
        rare = {stem: most - math.log(spread[stem] + 1) if spread[stem] else most / 2 for stem in one}
        return math.fsum(one[stem] * other[stem] * weight**2 for stem, weight in rare.items())

    asked = _stems(title, criterion)
    alike = {
        name: product(asked, stems) / math.sqrt(product(asked, asked) * product(stems, stems) or 1.0)
        for name, stems in known.items()
    }
    best = max(alike, key=alike.__getitem__)
    return best if alike[best] >= _ALIKE else None


def _stems(title: str, criterion: str) -> Counter[str]:
    """The stems of the words, those of the title counted as 2."""
    head, body = ({word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())} for text in (title, criterion))
    return Counter({stem: 2 if stem in head else 1 for stem in head | body})


# ---------------------------------------------------------------- edits


@cache
def _edit_weights() -> Weights:
    edits = _training()["edits"]
    counts: tuple[Counter[Feature], Counter[Feature]] = (Counter(), Counter())
    for side, label in enumerate(("exhibits", "absent")):
        for document, changes in edits[label]:
            before = after = edits["documents"][document]
            for passage, instead in changes:
                after = after.replace(passage, instead, 1) if passage else f"{after}\n\n{instead}"
            counts[side].update(_edit_features(before, after))
    weights = _log_odds(counts, (len(edits["exhibits"]), len(edits["absent"])), 0.5)
    return {f: weight for f, weight in weights.items() if counts[0][f] + counts[1][f] > 1}
