"""What must agree for two rates of a behavior to be compared, and does not, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clustergate.nouns.baseline import Terms
from clustergate.run.differences import differences


def disagreements(earlier: Terms, later: Terms) -> tuple[str, ...]:
    """A phrase for each thing that differs, or of which one of them does not tell; empty where the rates compare."""
    return tuple(_found(earlier, later))


def _found(earlier: Terms, later: Terms) -> Iterator[str]:
    yield from _judge(earlier, later)
    yield from _judge_prompt(earlier, later)
    yield from _mapped("sampling", earlier.sampling, later.sampling)
    yield from _mapped("policy", earlier.policy, later.policy)
    yield from _probes(earlier, later)


def _untold(what: str) -> str:
    return f"whether {what} is the same is not told"


def _judge(earlier: Terms, later: Terms) -> Iterator[str]:
    if earlier.judge is None or later.judge is None:
        yield _untold("the judge")
    elif earlier.judge != later.judge:
        if earlier.judge_name == later.judge_name:
            yield f"the judge changed: {later.judge_name or 'it'} under other settings, or another model was served"
        else:
            yield f"the judge changed: it was {earlier.judge_name}, is {later.judge_name}"


def _judge_prompt(earlier: Terms, later: Terms) -> Iterator[str]:
    own = earlier.judge_prompt is not None and later.judge_prompt is not None
    old = earlier.judge_prompt if own else earlier.judge_prompts
    new = later.judge_prompt if own else later.judge_prompts
    if old is None or new is None:
        yield _untold("the judge prompt")
    elif old != new and not own:
        yield "the judge prompt changed, for this behavior or for others: that is not told"
    elif old != new and earlier.probes == later.probes:
        yield "the judge prompt changed"
    elif old != new:
        yield f"the criterion of {later.behavior} changed, or the judge prompt did"


def _mapped(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[str]:
    if old is None or new is None:
        yield _untold(f"the {name}")
    elif old != new and (differing := differences(old, new)):
        yield f"the {name} changed: {', '.join(differing)}"


def _probes(earlier: Terms, later: Terms) -> Iterator[str]:
    if earlier.probes is None or later.probes is None:
        yield _untold(f"what {later.behavior} asks")
        return
    if earlier.probes == later.probes:
        return
    if earlier.prompts is None or later.prompts is None:
        yield f"{later.behavior} changed: its prompts or its criterion"
        return
    old, new = earlier.prompts, later.prompts
    changed = sum(new[prompt] != old[prompt] for prompt in old.keys() & new.keys())
    for count, verb in (
        (changed, "changed"),
        (len(new.keys() - old.keys()), "new"),
        (len(old.keys() - new.keys()), "gone"),
    ):
        if count:
            are = "" if verb == "changed" else "is " if count == 1 else "are "
            yield f"{count} prompt{'' if count == 1 else 's'} of {later.behavior} {are}{verb}"
    if old == new and earlier.judge_prompt == later.judge_prompt:
        yield f"{later.behavior} changed: not in its prompts"
