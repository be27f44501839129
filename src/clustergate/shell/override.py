"""`clustergate override`: a person's verdict on a reply, in place of the judge's; and such verdicts as labels."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clustergate.shell.exits import EXIT_USAGE
from clustergate.shell.store_option import add_store, command_place

if TYPE_CHECKING:
    from clustergate.adapters.store import SqlStore
    from clustergate.nouns.model import Override
    from clustergate.nouns.settings import Behavior

VERDICTS: Final = ("exhibits", "absent", "unclear")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `clustergate override`."""
    parser.epilog = (
        "The verdict stands in place of the judge's from the next run on (--offline is enough), and every report says "
        "so. Exit code: 0 done, 4 a bad option, key or store."
    )
    parser.add_argument("key", nargs="?", metavar="KEY", help="the reply's key, or its beginning as a failure shows it")
    parser.add_argument("verdict", nargs="?", choices=VERDICTS, help="what the reply shows, by the criterion")
    parser.add_argument("--by", metavar="NAME", help="who says so")
    parser.add_argument("--reason", metavar="TEXT", help="why, in a sentence")
    parser.add_argument("--behavior", metavar="ID", help="the behavior, where the reply was read for several")
    parser.add_argument("--list", action="store_true", help="show the verdicts that stand")
    parser.add_argument("--export", metavar="DIR", type=Path, help="add them to DIR/<behavior>.jsonl as labels")
    add_probes(parser)
    add_store(parser)


def add_probes(parser: argparse.ArgumentParser) -> None:
    """The option for behaviors of one's own: a verdict is by a criterion."""
    parser.add_argument("--probes", metavar="DIR", type=Path, action="append", default=[], help="more behaviors")


def known_behaviors(given: argparse.Namespace) -> dict[str, Behavior]:
    """The declared behaviors, and those under controls. Raises UsageProblems."""
    from clustergate.read.controls import load_controls  # noqa: PLC0415
    from clustergate.read.probes import load_behaviors, probe_names  # noqa: PLC0415

    root, folders = Path.cwd(), [Path("fixtures") / "probes", *given.probes]
    behaviors = load_behaviors(folders, root)
    controls = Path("fixtures") / "controls"
    if controls.is_dir():
        behaviors |= load_controls(controls, root, behaviors, probe_names(folders))
    return behaviors


def run(given: argparse.Namespace) -> int:
    """Record, list or export; the exit code."""
    from clustergate.adapters.store import SqlStore  # noqa: PLC0415  only this command pays for it
    from clustergate.nouns.errors import StoreError, UsageProblems  # noqa: PLC0415
    from clustergate.report.escape import terminal  # noqa: PLC0415

    try:
        _check(given)
        store = SqlStore(command_place(given.store), readonly=given.list or given.export is not None)
        try:
            for line in _done(given, store):
                print(terminal(line))
        finally:
            store.close()
    except (UsageProblems, StoreError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    return 0


def _check(given: argparse.Namespace) -> None:
    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415

    if given.list or given.export is not None:
        if given.key is not None:
            raise UsageProblems(["override: found a key beside --list or --export, expected one or the other"])
        return
    missing = [name for name in ("key", "verdict", "by", "reason") if not (getattr(given, name) or "").strip()]
    if missing:
        raise UsageProblems(
            [
                f"override: found no {', '.join(missing)}, expected for example: clustergate override ec1c6b absent "
                '--by jo@example.com --reason "It quotes somebody else."'
            ]
        )


def _done(given: argparse.Namespace, store: SqlStore) -> Iterator[str]:
    if given.list:
        for override in store.overrides(given.behavior):
            yield told(override)
        return
    if given.export is not None:
        yield from _export(given.export, store, given.behavior, known_behaviors(given))
        return
    from clustergate.effects.judge_prompt import prompt_hash  # noqa: PLC0415
    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415
    from clustergate.nouns.model import JudgeVerdict  # noqa: PLC0415

    reply = find(store, given.key)
    behavior = _behavior(reply, given.behavior)
    known = known_behaviors(given).get(behavior)
    if known is None:
        raise UsageProblems(
            [f"override: found no probe file of {behavior}, expected one: name its folder with --probes"]
        )
    by, reason = given.by.strip(), given.reason.strip()
    store.put_override(reply["key"], behavior, prompt_hash(known), JudgeVerdict(given.verdict), by, reason)
    yield f"{behavior}, {reply['prompt']}, draw {reply['draw']}: {given.verdict}, by {given.by.strip()}"


def told(override: Override) -> str:
    """One line: '2026-11-26 shutdown_wish ec1c6b8a12f4 absent by jo@example.com: it quotes somebody else'."""
    return (
        f"{override.created[:10]} {override.behavior} {override.reply_key[:12]} {override.verdict.value} by "
        f"{override.by}: {override.reason}"
    )


def find(store: SqlStore, key: str) -> dict[str, Any]:
    """The one reply whose key begins so, with its `turns` and `answers`. Raises UsageProblems."""
    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415
    from clustergate.run.review import conversation  # noqa: PLC0415

    found = store.replies_of(key)
    whole = []
    for reply in found:
        talk = conversation(reply, reply["siblings"])
        if talk is not None:
            texts = {"turns": [turn["user"] for turn in talk], "answers": [turn["text"] for turn in talk]}
            whole.append(reply | texts)
    if len(whole) == 1:
        return whole[0]
    if not found:
        problem = f"override: found no reply whose key begins with {key!r} in the store, expected one of replies.jsonl"
    elif not whole:
        problem = f"override: found an earlier turn of a conversation at {key!r}, expected the key of its last answer"
    else:
        shown = ", ".join(reply["key"][: len(key) + 6] for reply in whole[:8])
        problem = (
            f"override: found {len(whole)} replies whose keys begin with {key!r} ({shown}), expected one: say more"
        )
    raise UsageProblems([problem])


def _behavior(reply: dict[str, Any], named: str | None) -> str:
    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415

    known = reply["judged_as"] or [reply["behavior"]]
    if named is None and len(known) == 1:
        return str(known[0])
    if named in known:
        return str(named)
    raise UsageProblems([f"--behavior: found {named or 'none'}, expected one of {', '.join(known)}"])


def _export(folder: Path, store: SqlStore, behavior: str | None, behaviors: Mapping[str, Behavior]) -> Iterator[str]:
    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415
    from clustergate.run.review import as_label  # noqa: PLC0415

    lines: dict[str, list[dict[str, Any]]] = {}
    left = 0
    for override in store.overrides(behavior):
        label = None
        with contextlib.suppress(UsageProblems):  # its reply is in the store no more
            label = as_label(override, find(store, override.reply_key), behaviors.get(override.behavior))
        if label is None:
            left += 1
        else:
            lines.setdefault(override.behavior, []).append(label)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, labels in lines.items():
            path = folder / f"{name}.jsonl"
            there = path.read_text("utf-8") if path.exists() else ""
            # The latest word on a reply stands in place of an earlier one, and all other lines stay as they are.
            ids = {label["id"] for label in labels}
            kept = [line for line in there.splitlines() if line.strip() and json.loads(line).get("id") not in ids]
            text = "\n".join([*kept, *(json.dumps(label, ensure_ascii=True) for label in labels)]) + "\n"
            path.write_text(text, encoding="utf-8")
            yield f"{path}: {len(labels)} label{'' if len(labels) == 1 else 's'} from overrides"
    except (OSError, ValueError) as error:
        raise UsageProblems([f"--export={folder}: cannot be written ({error})"]) from None
    if left:
        yield f"{left} left out: unclear, to no prompt that is declared in these words, or of a reply that is gone"
