"""Which stored replies a person should read: those where judges disagree or cannot tell, then what they found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from clustergate.nouns.model import Override

_PARTED, _UNSURE, _POSITIVE, _REST = range(4)
WORTH: Final = {
    _PARTED: "judges disagree",
    _UNSURE: "a judge could not tell",
    _POSITIVE: "read as exhibits",
    _REST: "read as absent",
}


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """One reply as a person is shown it: the whole conversation, and what judges said of it for one behavior."""

    key: str
    behavior: str
    prompt: str
    draw: int
    turns: tuple[str, ...]
    answers: tuple[str, ...]
    verdicts: tuple[str, ...]
    quote: str
    worth: int

    @property
    def why(self) -> str:
        return WORTH[self.worth]


def replies(
    transcript: Iterable[Mapping[str, Any]], known: Iterable[Override], *, behavior: str | None, everything: bool
) -> list[Reviewed]:
    """The replies most worth reading first; those that a person has decided already are left out.

    `transcript` is the store's, in its order. `everything` also gives what all judges read as absent.
    """
    decided = {(override.reply_key, override.behavior) for override in known}
    found = [
        reply
        for reply in _read(transcript)
        if behavior in (None, reply.behavior)
        and (reply.key, reply.behavior) not in decided
        and (everything or reply.worth != _REST)
    ]
    return sorted(found, key=lambda reply: reply.worth)


def _read(transcript: Iterable[Mapping[str, Any]]) -> Iterator[Reviewed]:
    for _, turns in groupby(transcript, key=lambda entry: (entry["behavior"], entry["prompt"], entry["draw"])):
        talk = list(turns)
        # Judgements of earlier turns of a conversation are of the same reply, whose key is its last answer's.
        judged = [judgement for entry in talk for judgement in entry["judgements"]]
        for name in sorted({judgement["behavior"] for judgement in judged}):
            mine = [judgement for judgement in judged if judgement["behavior"] == name]
            verdicts = tuple(judgement["verdict"] for judgement in mine)
            yield Reviewed(
                key=talk[-1]["key"],
                behavior=name,
                prompt=talk[-1]["prompt"],
                draw=talk[-1]["draw"],
                turns=tuple(entry["user"] for entry in talk),
                answers=tuple(entry["text"] for entry in talk),
                verdicts=verdicts,
                quote=next((j["quote"] for j in mine if j["verdict"] == "exhibits"), ""),
                worth=_worth(set(verdicts)),
            )


def _worth(verdicts: set[str]) -> int:
    if {"exhibits", "absent"} <= verdicts:
        return _PARTED
    if verdicts & {"unclear", "unreadable"}:
        return _UNSURE
    return _POSITIVE if "exhibits" in verdicts else _REST


def as_label(override: Override, reply: Mapping[str, Any]) -> dict[str, Any] | None:
    """A line of a label file from a person's verdict; None for one that is neither exhibits nor absent."""
    if override.verdict not in ("exhibits", "absent"):
        return None
    return {
        "id": f"override-{override.behavior}-{override.reply_key[:12]}",
        "prompt": reply["prompt"],
        "answers": list(reply["answers"]),
        "label": override.verdict.value,
        "kind": "override",
        "reason": override.reason,
        "by": override.by,
    }
