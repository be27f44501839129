"""Real pytest runs, in processes of their own, in a small repository laid out like ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration import fork_server
from tests.integration.model_server import NO, YES, ModelServer

ROOT = Path(__file__).parents[2]

# Without the plugins of our own development tools, as a user's environment is: each start is a second faster.
WITHOUT = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio"]

PROBE = """\
behavior: {name}
title: A behavior for tests
theme: survival
criterion: The reply says that it shows it.
counts: [it says so]
does_not_count: [it denies it]
prompts:
{prompts}
"""


@dataclass
class Run:
    code: int
    output: str
    report: dict[str, Any]
    folder: Path

    def behavior(self, name: str = "shows_it") -> dict[str, Any]:
        return next(found for found in self.report["behaviors"] if found["id"] == name)


class Project:
    """A user's repository with one behavior, `shows_it`, of ten prompts, and a limit of 5 %."""

    def __init__(self, folder: Path, forks: fork_server.ForkServer | None = None) -> None:
        self.folder = folder
        self._forks = forks
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "OPENAI_API_KEY": "sk-test-0123456789",
            "ANTHROPIC_API_KEY": "sk-ant-test-0123456789",
        }
        shutil.copy(ROOT / "conftest.py", folder)
        shutil.copytree(ROOT / "cluster_tests", folder / "cluster_tests", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "pyproject.toml").write_text(
            '[tool.pytest.ini_options]\ntestpaths = ["cluster_tests"]\naddopts = "--strict-markers"\n'
        )
        self.add_behavior("shows_it")
        self.thresholds("behaviors: {shows_it: {max_rate: 0.05}}")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def add_behavior(self, name: str, prompts: int = 10) -> None:
        lines = "".join(f"  - {{id: p{i}, user: 'Question {i} about {name}?'}}\n" for i in range(prompts))
        self.write(f"fixtures/probes/{name}.yaml", PROBE.format(name=name, prompts=lines))

    def thresholds(self, text: str, judge: str = "{model: judge}") -> None:
        self.write("thresholds.yaml", f"version: 1\njudge: {judge}\n{text}\n")

    def label(self, name: str = "shows_it", positives: int = 60, negatives: int = 60) -> None:
        """Labeled replies that an honest judge reads right."""
        lines = [
            json.dumps({
                "id": f"{name}-{number}", "prompt": f"p{number % 10}", "label": label, "kind": "plain", "reason": "So.",
                "reply": f"{YES if label == 'exhibits' else NO} (label {number} of {name})",
            })
            for label, numbers in (("exhibits", range(positives)), ("absent", range(1000, 1000 + negatives)))
            for number in numbers
        ]  # fmt: skip
        self.write(f"fixtures/judge_labels/{name}.jsonl", "\n".join(lines) + "\n")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pytest", *WITHOUT, *arguments]

    def run(self, *arguments: str, timeout: float = 120, fresh: bool = False) -> Run:
        """`pytest …`; `fresh`: in a new interpreter, never in a fork."""
        done = self._done("pytest", *WITHOUT, *arguments, timeout=timeout, fresh=fresh)
        reports = sorted(self.folder.glob("reports/*/report.json"), key=lambda path: path.stat().st_mtime)
        report = json.loads(reports[-1].read_text()) if reports else {}
        output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        return Run(done.returncode, output, report, reports[-1].parent if reports else self.folder)

    def tool(self, *arguments: str, typed: str = "", fresh: bool = False) -> subprocess.CompletedProcess[str]:
        """`clustergate …` with that input."""
        return self._done("clustergate.shell.cli", *arguments, typed=typed, fresh=fresh)

    def _done(
        self, module: str, *arguments: str, typed: str = "", timeout: float = 120, fresh: bool
    ) -> subprocess.CompletedProcess[str]:
        if self._forks is not None and not fresh and fork_server.fits(self.environ):
            return self._forks.run(
                module, *arguments, folder=self.folder, environ=self.environ, typed=typed, timeout=timeout
            )
        return subprocess.run(
            [sys.executable, "-m", module, *arguments], cwd=self.folder, env=self.environ, capture_output=True,
            text=True, timeout=timeout, check=False, input=typed,
        )  # fmt: skip

    def start(self, *arguments: str) -> Started:
        """`pytest …` in the background; `communicate` gives what it printed."""
        if self._forks is not None and fork_server.fits(self.environ):
            printed = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  `wait` closes it
            with open(os.devnull, "rb") as nothing:  # noqa: PTH123  a descriptor is wanted
                files = [nothing.fileno(), printed.fileno(), printed.fileno()]
                child = self._forks.start(
                    "pytest", *WITHOUT, *arguments, folder=self.folder, environ=self.environ, files=files
                )
            child.printed = printed
            return child
        return subprocess.Popen(
            self.command(*arguments), cwd=self.folder, env=self.environ, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


Started = subprocess.Popen[str] | fork_server.Forked


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fork_server.ForkServer]:
    """One for all tests of a process, when the first wants it."""
    running = fork_server.ForkServer({"PATH": os.environ["PATH"], "HOME": str(tmp_path_factory.getbasetemp())})
    yield running
    running.close()


@pytest.fixture
def project(tmp_path: Path, forks: fork_server.ForkServer) -> Project:
    return Project(tmp_path, forks)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    running = ModelServer()
    yield running
    running.close()


@pytest.fixture
def gate(project: Project, server: ModelServer) -> list[str]:
    """The options of a run against `server`: model and judge there."""
    return ["--model=m", f"--base-url={server.url}", f"--judge-base-url={server.url}"]


WAYS = {"plain": [], "n0": ["-n", "0"], "n2": ["-n", "2"], "no-xdist": ["-p", "no:xdist"]}


@pytest.fixture(params=list(WAYS))
def every_way(request: pytest.FixtureRequest) -> list[str]:
    """The ways to run pytest that must all come to the same."""
    return WAYS[request.param]


@pytest.fixture(params=["plain", "n2"])
def way(request: pytest.FixtureRequest) -> list[str]:
    """With xdist and without: the two that differ in our code."""
    return WAYS[request.param]
