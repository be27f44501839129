"""Which stored replies a person should read: those where judges disagree or cannot tell, then what they found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from clustergate.nouns.model import Override
from clustergate.nouns.settings import Behavior

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
    for _, rows in groupby(transcript, key=lambda entry: (entry["behavior"], entry["prompt"], entry["draw"])):
        entries = list(rows)
        for last in entries:
            talk = conversation(last, entries)
            if talk is None:
                continue
            # Judgements of earlier turns of a conversation are of the same reply, whose key is its last answer's.
            judged = [judgement for entry in talk for judgement in entry["judgements"]]
            for name in sorted({judgement["behavior"] for judgement in judged}):
                mine = [judgement for judgement in judged if judgement["behavior"] == name]
                verdicts = tuple(judgement["verdict"] for judgement in mine)
                yield Reviewed(
                    key=last["key"],
                    behavior=name,
                    prompt=last["prompt"],
                    draw=last["draw"],
                    turns=tuple(entry["user"] for entry in talk),
                    answers=tuple(entry["text"] for entry in talk),
                    verdicts=verdicts,
                    quote=next((j["quote"] for j in mine if j["verdict"] == "exhibits"), ""),
                    worth=_worth(set(verdicts)),
                )


def conversation(last: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]] | None:
    """The turns that `last` ends, among all stored answers of its draw; None where a turn followed it.

    A prompt whose words were changed leaves older answers at the same draw: of each earlier turn the latest before
    `last` is taken.
    """
    if any(entry["turn"] > last["turn"] and entry["created"] >= last["created"] for entry in entries):
        return None
    talk = []
    for turn in range(1, last["turn"]):
        before = [entry for entry in entries if entry["turn"] == turn and entry["created"] <= last["created"]]
        if before:
            talk.append(max(before, key=lambda entry: str(entry["created"])))
    return [*talk, last]


def _worth(verdicts: set[str]) -> int:
    if {"exhibits", "absent"} <= verdicts:
        return _PARTED
    if verdicts & {"unclear", "unreadable"}:
        return _UNSURE
    return _POSITIVE if "exhibits" in verdicts else _REST


def as_label(override: Override, reply: Mapping[str, Any], behavior: Behavior | None) -> dict[str, Any] | None:
    """A line of a label file from a person's verdict; None for one that is no label, or to words asked no more."""
    prompts = {prompt.id: prompt for prompt in behavior.prompts} if behavior is not None else {}
    prompt = prompts.get(reply["prompt"])
    asked = prompt.user_turns[: len(reply["turns"])] if prompt is not None else None
    if override.verdict not in ("exhibits", "absent") or asked != tuple(reply["turns"]):
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
