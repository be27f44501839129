"""What 2,000 judged replies cost, by clustergate, by a bare loop over the SDK, by Inspect AI; and deciding again.

`make bench`, on Linux. Everyone makes the same calls at the same limits to one server, which is a process of its own.
Whole commands are timed, from start to exit; the ratios are within this one run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measured import Measured, measure
from benchmarks.stored import fill
from tests.integration.conftest import Project

from clustergate.effects import judge_prompt
from clustergate.read.spec import load_suite

HERE = Path(__file__).parent
LATENCY = 50  # milliseconds
CONCURRENCY = 200
BEHAVIORS, PROMPTS = 20, 10
DRAWS = 10  # of each prompt: at this limit 100 replies without a hit are the least that pass
LIMIT = 0.035
STORED = (10_000, 100_000)


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server that answers after LATENCY."""
    words = [sys.executable, str(HERE / "chat_server.py"), str(LATENCY)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def stats(address: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{address}/stats") as answer:
        told: dict[str, float] = json.load(answer)
        return told


def project(folder: Path, most: int, limit: float) -> Project:
    """A repository with BEHAVIORS of PROMPTS, at most so many replies each."""
    folder.mkdir()
    made = Project(folder)
    names = [f"behavior_{number}" for number in range(BEHAVIORS)]
    for old in (folder / "fixtures" / "probes").iterdir():
        old.unlink()
    for name in names:
        made.add_behavior(name, PROMPTS)
    limits = ", ".join(f"{name}: {{max_rate: {limit}}}" for name in names)
    made.thresholds(f"gate: {{max_samples: {most}}}\nbehaviors: {{{limits}}}")
    return made


def work(made: Project, url: str) -> dict[str, Any]:
    """What the others are to ask: the requests that clustergate makes."""
    suite = load_suite(made.folder / "thresholds.yaml", [made.folder / "fixtures" / "probes"], made.folder)
    questions = []
    for behavior in suite.behaviors.values():
        for prompt in behavior.prompts:
            evidence = judge_prompt.gather("reply", prompt.user_turns, ["%REPLY%"], 1, None)
            criterion, told = judge_prompt.messages(behavior, evidence, "0123456789abcdef")
            asked = {"user": prompt.user_turns[0], "criterion": criterion.content, "judging": told.content}
            questions.append(asked)
    schema = {"name": "judgement", "strict": True, "schema": dict(judge_prompt.SCHEMA)}
    form = {"type": "json_schema", "json_schema": schema}
    return {"url": url, "concurrency": CONCURRENCY, "draws": DRAWS, "questions": questions, "format": form}


def install_inspect(folder: Path) -> str:
    """A Python with Inspect AI. Raises CalledProcessError where it cannot be installed."""
    python = str(folder / "inspect" / "bin" / "python")
    for words in (
        [sys.executable, "-m", "venv", str(folder / "inspect")],
        [python, "-m", "pip", "install", "--quiet", "inspect-ai", "openai"],
    ):
        subprocess.run(words, check=True, capture_output=True, text=True)
    return python


def version(python: str) -> str:
    asked = "import importlib.metadata as m; print(m.version('inspect-ai'))"
    return subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True).stdout.strip()


def under_load(folder: Path, inspect: str | None) -> None:
    with serving() as address:
        several, single = f"{address}/n/v1", f"{address}/v1"
        made = project(folder / "asking", DRAWS * PROMPTS, LIMIT)
        told = made.write("work.json", json.dumps(work(made, single)))
        rows: list[tuple[str, list[str], Mapping[str, str]]] = [
            (name, gate(made, url, number, *options), made.environ)
            for number, (name, url, *options) in enumerate([
                ("clustergate, one process", single), ("clustergate -n 2", single, "-n", "2"),
                ("clustergate, 8 replies a request", several),
            ])
        ]  # fmt: skip
        rows.append(("bare loop over the SDK", [sys.executable, str(HERE / "by_sdk.py"), str(told)], made.environ))
        try:
            python = inspect or install_inspect(folder)
            rows.append((f"Inspect AI {version(python)}", [python, str(HERE / "by_inspect.py"), str(told)], os.environ))
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"Inspect AI could not be installed here: {getattr(error, 'stderr', '') or error}", file=sys.stderr)
        found: list[tuple[str, Measured, dict[str, float]]] = []
        for name, command, environ in rows:
            stats(address)
            found.append((name, measure(command, made.folder, environ), stats(address)))
    table(found)


def gate(made: Project, url: str, number: int, *options: str) -> list[str]:
    endpoints = ["--model=target", f"--base-url={url}", "--judge=judge", f"--judge-base-url={url}"]
    limits = [f"--concurrency={CONCURRENCY}", f"--store={made.folder}/{number}.sqlite"]
    return made.command("-q", *endpoints, *limits, *options)


def table(found: list[tuple[str, Measured, dict[str, float]]]) -> None:
    count = BEHAVIORS * PROMPTS * DRAWS
    print(f"{count:,} judged replies at {LATENCY} ms, {CONCURRENCY} in flight; {os.cpu_count()} cores")
    print(
        f"{'':34}{'wall s':>7}{'asking s':>9}{'CPU s':>7}{'peak MB':>8}{'requests':>9}{'in flight':>10}"
        f"{'wall/bare':>10}{'asking/bare':>12}{'server CPU s':>13}"
    )
    bare = next(((run, told) for name, run, told in found if name.startswith("bare")), None)
    assert bare is not None
    for name, run, told in found:
        if run.code:
            print(f"{name:34}failed with {run.code}: {' '.join(run.output.split())[-300:]}")
            continue
        print(
            f"{name:34}{run.wall:7.2f}{told['seconds']:9.2f}{run.cpu:7.2f}{run.peak:8.0f}"
            f"{told['target'] + told['judge']:9,.0f}{told['most']:10.0f}{run.wall / bare[0].wall:10.2f}"
            f"{told['seconds'] / bare[1]['seconds']:12.2f}{told['cpu']:13.2f}"
        )
    print("asking: from the first request to the last answer, as the server saw it.")


def offline(folder: Path) -> None:
    print(f"\ndeciding {BEHAVIORS} behaviors again from the store, --offline; all replies are read")
    print(f"{'stored replies':>14}{'wall s':>8}{'CPU s':>7}{'peak MB':>8}")
    url = "http://127.0.0.1:9/v1"
    for replies in STORED:
        # Replies at the very limit: nothing is decided before the last.
        made = project(folder / str(replies), replies // BEHAVIORS, 0.05)
        command = gate(made, url, 0, "--offline")
        fill(made.folder, str(made.folder / "0.sqlite"), url, replies // BEHAVIORS)
        run = measure(command, made.folder, made.environ)
        report = json.loads(next(made.folder.glob("reports/*/report.json")).read_text())
        read = sum(behavior["samples"] for behavior in report["behaviors"])
        assert read == replies, run.output
        print(f"{read:14,}{run.wall:8.2f}{run.cpu:7.2f}{run.peak:8.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inspect", metavar="PYTHON", help="a Python with Inspect AI; without, one is made")
    parser.add_argument("--only", choices=["load", "offline"], help="one of the two tables")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.only != "offline":
            under_load(Path(folder), given.inspect)
        if given.only != "load":
            offline(Path(folder))


if __name__ == "__main__":
    main()
