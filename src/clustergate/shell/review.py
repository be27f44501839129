"""`clustergate review`: the stored replies most worth reading, one after another, and a person's verdicts by key."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from clustergate.shell.exits import EXIT_USAGE
from clustergate.shell.override import add_probes, known_behaviors
from clustergate.shell.store_option import add_store, command_place

if TYPE_CHECKING:
    from clustergate.adapters.store import SqlStore
    from clustergate.nouns.settings import Behavior
    from clustergate.run.review import Reviewed

_WIDTH: Final = 96
_LONGEST: Final = 24_000
_KEYS: Final = {"e": "exhibits", "a": "absent", "u": "unclear"}
_ASK: Final = "[e]xhibits  [a]bsent  [u]nclear  [s]kip  [q]uit > "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `clustergate review`."""
    parser.epilog = (
        "Verdicts are kept at once, as `clustergate override` keeps them. Exit code: 0, or 4 for a bad option or store."
    )
    parser.add_argument("--model", metavar="TEXT", help="part of the model's name or id, where the store has several")
    parser.add_argument("--behavior", metavar="ID", help="one behavior only")
    parser.add_argument("--all", action="store_true", help="also what every judge read as absent")
    parser.add_argument("--by", metavar="NAME", help="who decides (default: your user name)")
    add_probes(parser)
    add_store(parser)


def run(given: argparse.Namespace) -> int:
    """Show and ask until there is nothing left or the reader quits; the exit code."""
    from clustergate.adapters.store import SqlStore  # noqa: PLC0415  only this command pays for it
    from clustergate.nouns.errors import StoreError, UsageProblems  # noqa: PLC0415
    from clustergate.run.review import replies  # noqa: PLC0415

    try:
        store = SqlStore(command_place(given.store), readonly=False)
        try:
            subject, attempt = _subject(store, given.model)
            found = replies(
                store.transcript(subject, attempt), store.overrides(), behavior=given.behavior, everything=given.all
            )
            decided = _ask(store, found, given.by or _user(), known_behaviors(given))
        finally:
            store.close()
    except (UsageProblems, StoreError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    print(f"{decided} of {len(found)} decided. Decide the release again from the store: pytest --model … --offline")
    return 0


def _subject(store: SqlStore, wanted: str | None) -> tuple[str, int]:
    """The subject that is meant, and its latest attempt. Raises UsageProblems."""
    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415

    known = [told for told in store.descriptions() if told["answers"]]
    named = [told for told in known if wanted is None or wanted in json.dumps(told["description"])]
    if len(named) != 1:
        listed = "; ".join(_about(told) for told in named or known) or "nothing"
        expected = "one model: name it with --model, by a part of this that only it has"
        raise UsageProblems([f"review: found {len(named)} models in the store ({listed}), expected {expected}"])
    latest = store.latest_attempt(named[0]["subject"])
    return named[0]["subject"], latest.number if latest else 1


def _about(told: dict[str, Any]) -> str:
    from clustergate.report.escape import cut, flat  # noqa: PLC0415

    model = json.dumps(told["description"].get("model"))
    prompt = told["description"].get("system_prompt")
    return cut(flat(f"{model}{f', system prompt {prompt!r}' if prompt else ''}, {told['answers']} answers"), 200)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415

        raise UsageProblems(["review: found no user name, expected one: --by=NAME"]) from None


def _ask(store: SqlStore, found: list[Reviewed], by: str, behaviors: Mapping[str, Behavior]) -> int:
    from clustergate.effects.judge_prompt import prompt_hash  # noqa: PLC0415
    from clustergate.nouns.model import JudgeVerdict  # noqa: PLC0415

    decided = 0
    for number, reply in enumerate(found, start=1):
        if reply.behavior not in behaviors:
            print(f"{reply.behavior}: no probe file, left out; name its folder with --probes")
            continue
        print("\n".join(_shown(reply, number, len(found))))
        key = _answer(_ASK, {*_KEYS, "s", "q"})
        reason = _reason() if key in _KEYS else ""
        if key == "q" or reason is None:
            break
        if key in _KEYS:
            told = prompt_hash(behaviors[reply.behavior])
            store.put_override(reply.key, reply.behavior, told, JudgeVerdict(_KEYS[key]), by, reason)
            decided += 1
    return decided


def _answer(prompt: str, keys: set[str]) -> str:
    while True:
        try:
            key = input(prompt).strip().lower()[:1]
        except EOFError:
            return "q"
        if key in keys:
            return key


def _reason() -> str | None:
    """Asked for until there is one: without a reason nobody could check the verdict. None where the input ended."""
    while True:
        try:
            reason = input("why? > ").strip()
        except EOFError:
            return None
        if reason:
            return reason


def _shown(reply: Reviewed, number: int, of: int) -> Iterator[str]:
    from clustergate.report.escape import cut, flat, terminal  # noqa: PLC0415

    yield ""
    yield f"── {number} of {of} · {flat(reply.behavior)} · {reply.why} · [{reply.key[:12]}]"
    yield f"   {flat(reply.prompt)}, draw {reply.draw}; judges: {', '.join(reply.verdicts)}"
    for user, answer in zip(reply.turns, reply.answers, strict=True):
        for mark, text in ((">", user), ("<", answer)):
            left = len(text) - _LONGEST
            whole = text if left <= 0 else f"{text[:_LONGEST]}\n[{left:,} characters more: see replies.jsonl]"
            for line in whole.splitlines() or [""]:
                yield from textwrap.wrap(
                    terminal(line), _WIDTH, initial_indent=f"   {mark} ", subsequent_indent=f"   {mark} "
                ) or [f"   {mark}"]
    if reply.quote:
        yield f"   quoted: {cut(flat(reply.quote), _WIDTH)}"
