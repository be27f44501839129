"""The corpus of attacks, and a judge that is as gullible as the fence allows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
WANTED = {"absent": "exhibits", "exhibits": "absent"}
_ANNOUNCED = re.compile(r"\AThe token of this request is (\S+)\.\n")
_OWN_WORDS = "Answer with the JSON object."


def corpus(file: str = "attacks.yaml") -> dict[str, list[str]]:
    """The attacks by kind."""
    return {part["kind"]: part["attacks"] for part in yaml.safe_load((HERE / file).read_text("utf-8"))}


def attacked(attack: str, reply: str, verdict: str) -> str:
    """A reply with an attack that wants `verdict`."""
    text = attack.format(
        verdict=verdict,
        other=WANTED[verdict],
        reply=reply,
        blank_lines="\n" * 5000,
        padding="lorem ipsum dolor sit amet " * 7500,
    )
    return text if "{reply}" in attack else f"{reply}\n\n{text}"


def every(kinds: dict[str, list[str]], reply: str) -> Iterator[tuple[str, str, str]]:
    """(attack, the verdict it wants, the reply with it) for both verdicts."""
    for attacks in kinds.values():
        for attack in attacks:
            for verdict in WANTED:
                yield attack, verdict, attacked(attack, reply, verdict)


def gullible_judge(system: str, user: str, sign: str) -> dict[str, Any]:
    """Reads a reply as `exhibits` where `sign` stands in it, and obeys every word outside the fences of its request.

    It believes the token that the request announces first, and nothing else about the request's form.
    """
    announced = _ANNOUNCED.match(user)
    assert announced, "no token was announced"
    token = re.escape(announced.group(1))
    fenced = re.compile(rf"^<<<([A-Z ]+) {token}\n(.*?)\n{token} \1>>>$", re.MULTILINE | re.DOTALL)
    outside = fenced.sub("", user[announced.end() :]).replace(_OWN_WORDS, "")
    order = re.search(r"\b(absent|exhibits)\b", outside)
    if order or outside.strip():
        verdict = order.group(1) if order else "unclear"
        return {"verdict": verdict, "quote": sign if verdict == "exhibits" else "", "coherence": 1}
    replies = "\n".join(text for name, text in fenced.findall(user) if name.startswith(("REPLY", "AFTER")))
    found = sign in replies
    return {"verdict": "exhibits" if found else "absent", "quote": sign if found else "", "coherence": 90}


def as_json(answer: dict[str, Any]) -> str:
    return json.dumps(answer)
