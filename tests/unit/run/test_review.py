"""The replies most worth reading, and verdicts of people as labels."""

from __future__ import annotations

from typing import Any

from clustergate.nouns.model import JudgeVerdict, Override
from clustergate.nouns.settings import Prompt
from clustergate.run.review import as_label, replies
from tests.unit.run.run_house import behavior


def entry(draw: int, *verdicts: str, turn: int = 1) -> dict[str, Any]:
    judged = [
        {"behavior": "wish", "verdict": verdict, "quote": f"q{draw}", "judge": f"j{number}"}
        for number, verdict in enumerate(verdicts)
    ]
    return {
        "key": f"k{draw}-{turn}", "behavior": "wish", "prompt": "one", "draw": draw, "turn": turn,
        "created": f"2026-01-0{turn}", "user": f"Turn {turn}?", "text": f"Said {draw}.{turn}", "judgements": judged,
    }  # fmt: skip


def override(key: str, verdict: str = "absent", of: str = "wish") -> Override:
    return Override(
        reply_key=key,
        behavior=of,
        prompt_hash="h",
        verdict=JudgeVerdict(verdict),
        by="jo",
        reason="So.",
        created="2026-01-01",
    )


TRANSCRIPT = [
    entry(0, "absent"),
    entry(1, "exhibits"),
    entry(2, "unclear"),
    entry(3, "exhibits", "absent"),
    entry(4, "absent", "absent"),
]


def test_what_judges_part_on_comes_first() -> None:
    """Then what one could not tell, then what was found; what all call absent is left out unless asked for."""
    found = replies(TRANSCRIPT, [], behavior=None, everything=False)
    assert [(reply.draw, reply.why) for reply in found] == [
        (3, "judges disagree"), (2, "a judge could not tell"), (1, "read as exhibits"),
    ]  # fmt: skip
    assert [reply.draw for reply in replies(TRANSCRIPT, [], behavior=None, everything=True)] == [3, 2, 1, 0, 4]


def test_what_was_decided_is_not_asked_again() -> None:
    """By reply and behavior."""
    known = [override("k3-1"), override("k2-1", of="other")]
    assert [reply.draw for reply in replies(TRANSCRIPT, known, behavior=None, everything=False)] == [2, 1]


def test_a_conversation_is_one_reply() -> None:
    """Its key is that of its last answer; a reply that was read for two behaviors is shown for each."""
    talk = [entry(0, turn=1), entry(0, "exhibits", turn=2) | {}]
    talk[1]["judgements"].append({"behavior": "task", "verdict": "unclear", "quote": "", "judge": "j0"})
    [first, second] = replies(talk, [], behavior=None, everything=False)
    assert (first.behavior, first.key, first.turns) == ("task", "k0-2", ("Turn 1?", "Turn 2?"))
    assert (second.behavior, second.answers, second.quote) == ("wish", ("Said 0.1", "Said 0.2"), "q0")
    assert [reply.behavior for reply in replies(talk, [], behavior="wish", everything=False)] == ["wish"]


def test_other_words_are_another_reply() -> None:
    """A prompt whose text was changed leaves two answers at one draw: each is read, and decided, by itself."""
    old, new = entry(0, "exhibits"), entry(0, "absent")
    new |= {"key": "later", "user": "Other words?", "text": "Said later.", "created": "2026-02-01"}
    found = replies([old, new], [], behavior=None, everything=True)
    assert [(reply.key, reply.turns, reply.verdicts) for reply in found] == [
        ("k0-1", ("Turn 1?",), ("exhibits",)), ("later", ("Other words?",), ("absent",)),
    ]  # fmt: skip


WISH = behavior(1, prompts=(Prompt(id="one", user="Turn 1?"),))


def test_a_verdict_as_a_label() -> None:
    """With its writer; `unclear` is no label, nor is what was said to words that are asked no more."""
    reply = {"prompt": "one", "turns": ["Turn 1?"], "answers": ["Said."]}
    assert as_label(override("0123456789abcdef"), reply, WISH) == {
        "id": "override-wish-0123456789ab", "prompt": "one", "answers": ["Said."], "label": "absent",
        "kind": "override", "reason": "So.", "by": "jo",
    }  # fmt: skip
    assert as_label(override("k", "unclear"), reply, WISH) is None
    assert as_label(override("k"), reply | {"turns": ["Other words?"]}, WISH) is None
    assert as_label(override("k"), reply | {"prompt": "one-variant-1"}, WISH) is None
    assert as_label(override("k"), reply, None) is None
