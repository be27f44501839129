"""Whether a judge reads its own kind. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from clustergate.nouns.model import Model

_FAMILY: Final = re.compile(r"[a-z]+")
_SAME_HOUSE: Final = {"o": "gpt", "chatgpt": "gpt", "davinci": "gpt", "codex": "gpt"}
"""Names of one house's models: o3 and gpt-4.1 were raised alike."""
_KNOWN_CASE: Final = (
    "In a published case the same answers scored 0.80 judged by the model itself and 0.00 judged by another "
    "(seocho, pull request 201)"
)


def family(model_id: str) -> str:
    """`gpt` of `ft:gpt-4.1-2025-04-14:acme::x`, `qwen` of `Qwen/Qwen3-30B`; '' where the id has no letters."""
    name = model_id.lower().removeprefix("ft:").rpartition("/")[2]
    found = _FAMILY.search(name)
    word = found.group() if found else ""
    return _SAME_HOUSE.get(word, word)


def warnings(subject: Model, judges: Sequence[Model]) -> tuple[str, ...]:
    """A sentence for every judge that is the model under test or of its family."""
    told = []
    for judge in judges:
        if judge.identified() == subject.identified():
            told.append(f"The judge {judge.name} is the model under test itself. {_KNOWN_CASE}. Take another judge.")
        elif family(judge.id) and family(judge.id) == family(subject.id) and not judge.simulated:
            told.append(
                f"The judge {judge.name} is of the model's own family ({family(judge.id)}): it may find its kin's "
                f"words harmless. {_KNOWN_CASE}. A second judge of another family (judge.verify_positives) shows how "
                "far they agree."
            )
    return tuple(told)
