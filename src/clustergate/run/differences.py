"""Why stored replies do not fit a run: the differences between two descriptions of a subject, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepdiff import DeepDiff
from deepdiff.helper import notpresent

_MOST_SHOWN = 40


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """One phrase for each value that differs: `temperature was 1.0, is 0.7`."""
    tree = DeepDiff(stored, wanted, view="tree", ignore_order=True, ignore_numeric_type_changes=True)
    levels = [level for found in tree.values() for level in found]
    return sorted(
        f"{' '.join(str(part) for part in level.path(output_format='list')).replace('_', ' ')}"
        f" was {_shown(level.t1)}, is {_shown(level.t2)}"
        for level in levels
    )


def unused(descriptions: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> str | None:
    """What the store holds of the same model under other settings, and what differs; None where there is nothing."""
    same_model = [
        (differences(known["description"], wanted), known["answers"])
        for known in descriptions
        if known["answers"] and known["description"].get("model") == wanted["model"]
    ]
    near = sorted((differing, count) for differing, count in same_model if differing)
    if not near:
        return None
    differing, count = min(near, key=lambda pair: len(pair[0]))
    return (
        f"The store has {count} answers of this model under other settings, which are not used: {'; '.join(differing)}."
    )


def _shown(value: Any) -> str:
    if value is notpresent:
        return "not there"
    text = "none" if value is None else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
