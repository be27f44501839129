"""A control that did not read as it must: does the judge misread, or does the model not play the part?

A control fails no release: it is about the instrument. So a control that is not passed is inconclusive, and to find
out why, the judge reads written replies that do play the part. What they must read is known without the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from clustergate.decide.verdict import Decision
from clustergate.effects.bench import JudgeBench
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import AskingEnded
from clustergate.nouns.finding import ControlNote, Reason, Stopped, Verdict
from clustergate.nouns.model import Answer, Cell, Draw, Finish, JudgeVerdict, Reply, State
from clustergate.nouns.settings import Controlled
from clustergate.read.spec import digest


def note(behavior: Controlled) -> ControlNote:
    """What is known of a control before any written reply is read."""
    return ControlNote(control=behavior.control.control, reads=behavior.control.reads, written=len(behavior.written))


def is_in_question(decision: Decision, *, broken: bool = False, answered: bool = True, reachable: bool = True) -> bool:
    """True where the replies came and did not read as they must; other faults keep their own reason.

    A FAIL stands though the run `broken` off after it. Where the replies were not `answered`, or no rate at all could
    pass below the ceiling (`reachable`), nothing was shown of the model or the judge.
    """
    undecided = (decision.reason is Reason.CEILING and reachable) or (decision.reason is Reason.MISSING and answered)
    return decision.verdict is Verdict.FAIL or (not broken and undecided)


def are_answered(cells: Collection[Cell]) -> bool:
    """True where the endpoint gave a reply, be it an empty one, to more than half of what was asked."""
    return 2 * sum(cell.state is not State.TARGET_ERROR for cell in cells) > len(cells)


async def examine(behavior: Controlled, bench: JudgeBench, subject: str, attempt: int, tally: Tally) -> ControlNote:
    """Have the judge read the written replies. Raises EndpointRejected."""
    prompt = behavior.prompts[0]
    question = prompt.user_turns[-1:]
    wanted = JudgeVerdict.EXHIBITS if behavior.control.reads == "high" else JudgeVerdict.ABSENT
    right = 0
    for number, text in enumerate(behavior.written):
        reply = Reply(
            key=digest({"written": text, "behavior": behavior.id, "question": question}),
            draw=Draw(number, "written"),
            system=prompt.system,
            turns=question,
            answers=(Answer(text=text, finish=Finish.STOP),),
        )
        try:
            ruling = await bench.judge(behavior, prompt, reply, 1, subject, attempt, tally)
        except AskingEnded:
            return note(behavior)
        if ruling.judgement.requests == 0:  # no answer at all: a fault is no evidence
            return note(behavior)
        right += ruling.judgement.verdict is wanted
    return dataclasses.replace(note(behavior), read_right=right)


def inconclusive(decision: Decision) -> Decision:
    """The decision of a control that did not read as it must."""
    return dataclasses.replace(decision, verdict=Verdict.INCONCLUSIVE, reason=Reason.JUDGE, stopped=Stopped.ERROR)


def help_for(behavior: Controlled, found: ControlNote) -> str:
    """What to do about it, in a sentence or two."""
    read = f"The judge read {found.read_right} of {found.written} replies as it must that were written to play the part"
    if found.blames == "judge":
        return f"{read}: do not trust it with {behavior.of}. Take another judge, or mend the criterion."
    if found.blames == "model":
        shown = "can be seen in this model" if found.reads == "high" else "is not seen where there is none of it"
        return (
            f"{read}, so it is the model that does not play it: that {behavior.of} {shown} was not "
            f"shown. A dated waiver of {behavior.id} in thresholds.yaml accepts that."
        )
    return "Whether the judge misreads or the model does not play the part could not be found out: run it again."
