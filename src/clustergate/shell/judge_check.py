"""`clustergate judge-check`: is this judge good enough, before a release hangs on it?"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clustergate.shell.exits import EXIT_MACHINERY, EXIT_USAGE
from clustergate.shell.store_option import add_store, command_place

if TYPE_CHECKING:
    from clustergate.nouns.judging import Calibration
    from clustergate.nouns.settings import Behavior
    from clustergate.read.spec import Suite
    from clustergate.run.judge_check import JudgeCheck
    from clustergate.run.order import Order

_UNUSABLE = 1
_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `clustergate judge-check`."""
    parser.epilog = (
        "Exit code: 0 the judge tells every behavior from its absence, 1 it does not, 4 a bad option or file, 7 the "
        "endpoint gave out. Judgements are stored: what was read before costs nothing, here and in a run."
    )
    parser.add_argument("--judge", metavar="NAME", help="the judge (default: judge.model of thresholds.yaml)")
    parser.add_argument("--verify", metavar="NAME", help="a second judge that verifies its positives")
    parser.add_argument("--judge-base-url", metavar="URL", help="the judge's server")
    parser.add_argument("--judge-api-key-env", metavar="VAR", help="environment variable that holds the judge's key")
    parser.add_argument("--behavior", metavar="ID", action="append", help="one behavior; may repeat (default: all)")
    parser.add_argument("--repeats", metavar="N", type=int, default=3, help="readings of every reply (default: 3)")
    parser.add_argument("--show", metavar="N", type=int, default=_SHOWN, help=f"misreadings to show ({_SHOWN})")
    parser.add_argument(
        "--concurrency", metavar="N", type=int, help="requests in flight (default: as many as the endpoint takes)"
    )
    parser.add_argument("--thresholds", metavar="FILE", type=Path, default=Path("thresholds.yaml"))
    parser.add_argument("--probes", metavar="DIR", type=Path, action="append", default=[])
    add_store(parser)


def run(given: argparse.Namespace) -> int:
    """Read the labels and print what was found; the exit code."""
    import asyncio  # noqa: PLC0415  only this command pays for what it imports

    from clustergate.adapters.simulator.launch import launch  # noqa: PLC0415
    from clustergate.nouns.errors import (  # noqa: PLC0415
        EndpointDown,
        EndpointRejected,
        StoreError,
        UsageProblems,
    )
    from clustergate.run.calibrating import Uncalibrated  # noqa: PLC0415
    from clustergate.run.judge_check import check  # noqa: PLC0415

    simulator = None
    try:
        suite = _suite(given)
        behaviors = _behaviors(given, suite)
        if any(name.startswith("sim/") for name in _names(given, suite)) and given.judge_base_url is None:
            simulator = launch(Path.cwd() / "fixtures")
        order = _order(given, suite, simulator.url if simulator else None)
        found = asyncio.run(check(order, behaviors, given.repeats))
    except (UsageProblems, StoreError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except (EndpointRejected, EndpointDown, Uncalibrated) as error:
        print(error, file=sys.stderr)
        return EXIT_MACHINERY
    finally:
        if simulator is not None:
            simulator.stop()
    for line in _lines(order, found, given.show):
        print(line)
    return 0 if all(known.is_usable for known in found.calibrations.values()) else _UNUSABLE


# ---------------------------------------------------------------- what is asked for


def _suite(given: argparse.Namespace) -> Suite:
    import dataclasses  # noqa: PLC0415

    from clustergate.nouns.errors import UsageProblems  # noqa: PLC0415
    from clustergate.read.labels import load_labels  # noqa: PLC0415
    from clustergate.read.spec import load_suite  # noqa: PLC0415

    root, fixtures = Path.cwd(), Path.cwd() / "fixtures"
    for name in ("repeats", "concurrency"):
        if getattr(given, name) is not None and getattr(given, name) < 1:
            raise UsageProblems([f"--{name}: found {getattr(given, name)}, expected a whole number from 1 up"])
    suite = load_suite(given.thresholds, [fixtures / "probes", *given.probes], root, controls=fixtures / "controls")
    folders = [fixtures / "judge_labels", *(folder / "judge_labels" for folder in given.probes)]
    return dataclasses.replace(suite, labels=load_labels(folders, suite.behaviors, root))


def _behaviors(given: argparse.Namespace, suite: Suite) -> Sequence[Behavior]:
    from clustergate.nouns.errors import Problem, UsageProblems  # noqa: PLC0415
    from clustergate.read.checked import nearest  # noqa: PLC0415

    unknown = [name for name in given.behavior or () if name not in suite.labels]
    if unknown or not suite.labels:
        expected = "a behavior that has labeled replies"
        raise UsageProblems(
            [Problem("--behavior", "", repr(name), expected, nearest(name, suite.labels)) for name in unknown]
            or ["fixtures/judge_labels: found no labeled replies"]
        )
    return [suite.behaviors[name] for name in given.behavior or suite.labels]


def _names(given: argparse.Namespace, suite: Suite) -> list[str]:
    settings = suite.thresholds.judge
    if settings.panel and given.judge is None and given.verify is None:
        return list(settings.panel)
    second = given.verify or settings.verify_positives
    return [given.judge or settings.model, *([second] if second else [])]


def _order(given: argparse.Namespace, suite: Suite, simulator: str | None) -> Order:
    import uuid  # noqa: PLC0415

    from clustergate.nouns.model import Bench, How, Subject  # noqa: PLC0415
    from clustergate.run.naming import bench_models  # noqa: PLC0415
    from clustergate.run.order import Order  # noqa: PLC0415

    names = _names(given, suite)
    models = bench_models(
        names,
        declared=suite.thresholds.models,
        base_url=given.judge_base_url,
        api_key_env=given.judge_api_key_env,
        environ=os.environ,
        simulator=simulator,
    )
    how = {1: How.SOLE, 2: How.VERIFIED}.get(len(models), How.PANEL)
    return Order(
        suite=suite,
        # No model is under test.
        subject=Subject(model=models[0], system_prompt=None, temperature=None, max_tokens=1),
        bench=Bench(models=tuple(models), how=how),
        store=command_place(given.store),
        run_id=uuid.uuid4().hex,
        concurrency=given.concurrency,
    )


# ---------------------------------------------------------------- what is told


def _lines(order: Order, found: JudgeCheck, show: int) -> Iterator[str]:
    from clustergate.report.escape import flat  # noqa: PLC0415

    replies = sum(len(repeats[0]) for repeats in found.readings.values())
    repeats = len(next(iter(found.readings.values())))
    served = ", ".join(name for name in found.served_as if name)
    yield flat(f"judge: {order.bench.name}" + (f" (served as {served})" if served else ""))
    yield f"labels: {replies:,} replies of {len(found.readings)} behaviors, each read {repeats} times"
    yield ""
    yield f"{'behavior':33} {'found':>9} {'sensitivity':>13} {'false':>10} {'pooled':>14} {'specificity':>13}"
    for name, known in found.calibrations.items():
        yield _row(name, known)
    yield ""
    yield from _kinds(found)
    yield from _second(found)
    if (steady := found.steadiness()) is not None:
        kappa = "" if steady.kappa is None else f"; Fleiss' kappa over the repeats {steady.kappa:.2f}"
        yield (
            f"steadiness: {steady.same:,} of {steady.replies:,} replies got the same verdict all {steady.repeats} "
            f"times ({steady.same / steady.replies:.1%}){kappa}"
        )
    yield from _cost(order, found)
    yield from _misreadings(found, show)


def _row(name: str, known: Calibration) -> str:
    sensitivity, specificity = (
        f"{100 * bounds[0]:5.1f} – {100 * bounds[1]:5.1f}" for bounds in (known.sensitivity, known.specificity)
    )
    unusable = "" if known.is_usable else "  cannot tell"
    return (
        f"{name:33} {f'{known.found} of {known.positives}':>9} {sensitivity:>13} "
        f"{f'{known.own_false} of {known.own_negatives}':>10} {f'{known.false} of {known.negatives}':>14} "
        f"{specificity:>13}{unusable}"
    )


def _kinds(found: JudgeCheck) -> Iterator[str]:
    """How often each kind of reply is read right: where a judge is weak."""
    right: Counter[tuple[str, bool]] = Counter()
    read: Counter[tuple[str, bool]] = Counter()
    for repeats in found.readings.values():
        for reading in repeats[0]:
            kind = reading.label.kind, reading.label.exhibits
            read[kind] += 1
            right[kind] += reading.is_right
    kinds = sorted({kind for kind, _ in read})
    told = [
        f"{kind} {right[kind, True]}/{read[kind, True]} and {right[kind, False]}/{read[kind, False]}" for kind in kinds
    ]
    yield f"read right, of those that show it and of those that do not: {', '.join(told)}"


def _second(found: JudgeCheck) -> Iterator[str]:
    """The judge on what two annotators agree on, and on what they do not."""
    twice = [r for repeats in found.readings.values() for r in repeats[0] if r.label.second is not None]
    if not twice:
        return
    agreed = [reading for reading in twice if reading.label.second is reading.label.exhibits]
    parted = [reading for reading in twice if reading.label.second is not reading.label.exhibits]
    yield (
        f"labeled twice: where the annotators agree it is right on {sum(r.is_right for r in agreed)} of {len(agreed)}; "
        f"where they do not, it sides with the first on {sum(r.is_right for r in parted)} of {len(parted)}"
    )


def _cost(order: Order, found: JudgeCheck) -> Iterator[str]:
    from clustergate.run.spending import cost  # noqa: PLC0415

    if not found.judgements:
        yield f"cost: nothing, all of it was stored; {found.seconds:.1f} s"
        return
    requests = sum(spent.requests for spent in found.spent.values())
    read, written = (sum(getattr(s, name) for s in found.spent.values()) for name in ("input_tokens", "output_tokens"))
    each = found.judgements
    models = {model.name: model for model in order.bench.models}
    costs = [cost(models[name], (part.input_tokens, part.output_tokens)) for name, part in found.spent.items()]
    usd = sum(one or 0.0 for one in costs)
    money = "" if None in costs else f", {usd:.4f} USD, {usd / each:.6f} a judgement"
    yield (
        f"cost: {requests:,} requests for {found.judgements:,} judgements, {read / each:,.0f} input and "
        f"{written / each:,.0f} output tokens each{money}, {found.seconds:.1f} s"
    )


def _misreadings(found: JudgeCheck, show: int) -> Iterator[str]:
    from clustergate.report import terminal  # noqa: PLC0415
    from clustergate.run.calibrating import as_misread  # noqa: PLC0415

    wrong = found.misread()
    if not wrong or show < 1:
        return
    yield ""
    yield f"misread ({min(show, len(wrong))} of {len(wrong)}, those that were read wrong most often first):"
    for number, (_, readings) in enumerate(wrong[:show], start=1):
        yield from terminal.misread(as_misread(next(r for r in readings if not r.is_right)), number)
