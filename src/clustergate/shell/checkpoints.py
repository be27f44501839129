"""`--model NAME` of a list under checkpoints: in thresholds.yaml: a run for each of its models, one after the other.

Each is a run like any other, a pytest of its own with its own report, so that all that a run can do it can do here.
What they share is the store, the budgets, the time, and the trend that is drawn at the end.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.read.spec import Suite
from clustergate.report.escape import flat
from clustergate.shell import options
from clustergate.shell.baseline_option import check_kept
from clustergate.shell.exits import EXIT_INCONCLUSIVE, EXIT_MACHINERY

BUDGET: Final = "CLUSTERGATE_BUDGET"
"""Environment variable by which the runs of one command know the budget that they share."""
_DECLARED: Final = re.compile(r"^\s*[\"']?checkpoints\b", re.MULTILINE)
_LIKELY: Final = (pytest.ExitCode.TESTS_FAILED, EXIT_MACHINERY, EXIT_INCONCLUSIVE, pytest.ExitCode.OK)
"""Exit codes after which the next checkpoint has its turn, the gravest first."""


def measure(config: pytest.Config) -> int | None:
    """The exit code of all runs, or None where `--model` names no list: then this is the run itself."""
    try:
        suite = _declaring(config)
        names = suite.thresholds.checkpoints.get(options.value(config, "--model")) if suite is not None else None
        if suite is None or names is None:
            return None
        training = _Training(config, names)
        training.check(suite)
        return training.run()
    except UsageProblems as problem:
        print(f"ERROR: {problem}", file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)


def _declaring(config: pytest.Config) -> Suite | None:
    """What the files declare, where that may be such a list and this is to be a run. Raises UsageProblems."""
    option, named = config.option, options.value(config, "--model")
    others = ("help", "version", "collectonly", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
    if not named or hasattr(config, "workerinput") or any(getattr(option, other, None) for other in others):
        return None
    try:
        # Most files declare none, and an ordinary run reads its files once.
        if not _DECLARED.search(options.thresholds_file(config).read_text(encoding="utf-8")):
            return None
    except (OSError, UnicodeDecodeError):  # told by the run
        return None
    return options.load(config)


class _Training:
    """The runs of one command."""

    def __init__(self, config: pytest.Config, names: Sequence[str]) -> None:
        self._config = config
        self._names = names
        self._list: str = options.value(config, "--model")
        self._here = config.invocation_params.dir
        self._folder = options.report_folder(config, self._list)
        self._folders = [
            self._folder / f"{number:0{len(str(len(names)))}}-{options.folder_name(name)}"
            for number, name in enumerate(names, start=1)
        ]
        self._budget = uuid.uuid4().hex
        minutes = options.value(config, "--max-minutes")
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._running: subprocess.Popen[bytes] | None = None
        self._is_told_to_end = False

    def check(self, suite: Suite) -> None:
        """Find out what is wrong with any of the runs before the first is paid for. Raises UsageProblems."""
        option, problems = self._config.option, list[Problem | str]()
        listed, baseline = option.model, option.baseline
        if baseline and baseline.endswith(".json"):
            check_kept(baseline, self._here, self._folders, "command")
        for name in self._names:
            option.model, option.baseline = name, None if self._is_baseline(name) else baseline
            try:
                options.check(self._config, suite)
            except UsageProblems as error:
                problems += error.problems
            finally:
                option.model, option.baseline = listed, baseline
        if problems:
            raise UsageProblems(list(dict.fromkeys(problems)))

    def _is_baseline(self, name: str) -> bool:
        """The model that all others are compared with is not compared with itself."""
        return bool(options.value(self._config, "--baseline") == name)

    def run(self) -> int:
        """All of them; the exit code."""
        from clustergate.report import files  # noqa: PLC0415  only where there is a list

        planning = options.value(self._config, "--plan")
        if not planning:
            files.check_writable(self._folder)
            files.clear(self._folder, files.TREND)
            # Of an earlier command: nothing may be taken for this one's, whatever ends a step before it reports.
            for folder in self._folders:
                files.clear(folder)
        codes: list[int] = []
        with self._minding_termination():
            for number, name in enumerate(self._names):
                _say(f"\nclustergate: {flat(self._list)}, {number + 1} of {len(self._names)}: {flat(name)}")
                codes.append(self._one(number))
                if self._is_told_to_end or self._is_over(codes[-1]):
                    break
        if planning:
            return gravest(codes)
        self._tell()
        return gravest(codes if len(codes) == len(self._names) else [*codes, EXIT_MACHINERY])

    def _is_over(self, code: int) -> bool:
        """Whether the others would end as this one did, or are not wanted: usage errors, Ctrl-C, `-x`."""
        return code not in _LIKELY or (code == pytest.ExitCode.TESTS_FAILED and bool(self._config.option.maxfail))

    def _one(self, number: int) -> int:
        words = [sys.executable, "-m", "pytest", *self._arguments(number)]
        environ = {**os.environ, BUDGET: self._budget}
        self._running = subprocess.Popen(words, cwd=self._here, env=environ)  # noqa: S603  what the user typed
        try:
            code = self._running.wait()
        except KeyboardInterrupt:  # a terminal tells both; what the run has is reported first
            self._running.wait()
            return int(pytest.ExitCode.INTERRUPTED)
        return code if code >= 0 else EXIT_MACHINERY

    def _arguments(self, number: int) -> list[str]:
        """What the user typed, and behind it what is this checkpoint's own: the last one counts."""
        name, config = self._names[number], self._config
        own = [f"--model={name}", f"--report-dir={os.path.relpath(self._folders[number], self._here)}"]
        if self._deadline is not None:
            own.append(f"--max-minutes={max(self._deadline - time.monotonic(), 0.01) / 60:.6f}")
        if junit := getattr(config.option, "xmlpath", None):
            path = Path(junit)
            own.append(f"--junitxml={path.with_name(f'{path.stem}.{self._folders[number].name}{path.suffix}')}")
        typed = list(map(str, config.invocation_params.args))
        if self._is_baseline(name):
            typed = without(typed, "--baseline")
        end = typed.index("--") if "--" in typed else len(typed)
        return [*typed[:end], *own, *typed[end:]]

    @contextlib.contextmanager
    def _minding_termination(self) -> Iterator[None]:
        """SIGTERM is for the run that is under way: it decides and reports what is in, and none follows."""

        def terminate(number: int, frame: object) -> None:
            self._is_told_to_end = True
            if self._running is not None:
                self._running.send_signal(number)

        if threading.current_thread() is not threading.main_thread():  # Python lets no other set it
            yield
            return
        before = signal.signal(signal.SIGTERM, terminate)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _tell(self) -> None:
        """Draw the trend of what was reported. Raises UsageProblems where it cannot be written."""
        from clustergate.read.baselines import read_baseline  # noqa: PLC0415  only where there is a list
        from clustergate.report import files, trend  # noqa: PLC0415
        from clustergate.report.comparison import markdown  # noqa: PLC0415
        from clustergate.run.comparing import compare  # noqa: PLC0415

        paths = [folder / "report.json" for folder in self._folders]
        runs = [read_baseline(path, options.shown(path, self._config)) for path in paths if path.exists()]
        part = f"{len(runs)} of {len(paths)} checkpoints"
        if len(runs) < 2:
            _say(f"\nclustergate: no trend of {flat(self._list)}: {part} reported")
            return
        comparison = compare(runs)
        written = files.write_trend(comparison, self._folder)
        _say(f"\n{trend.table(self._list, comparison, part if len(runs) < len(paths) else '')}")
        _say(f"trend: {options.shown(self._folder, self._config)}/ ({', '.join(path.name for path in written)})")
        if (problem := files.add_to_job_summary(markdown(comparison))) is not None:
            _say(problem)


def _say(text: str) -> None:
    """Print before the next run does; bars and dots that a terminal does not know are escaped, as pytest does."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def without(typed: Sequence[str], option: str) -> list[str]:
    """The arguments without an option and its value, in either spelling."""
    kept: list[str] = []
    is_value = False
    for word in typed:
        if not is_value and word != option and not word.startswith(f"{option}="):
            kept.append(word)
        is_value = word == option
    return kept


def gravest(codes: Sequence[int]) -> int:
    """The exit code of several runs: one that pytest has for errors, else 1 before 7, 7 before 6."""
    others = [code for code in codes if code not in _LIKELY]
    return others[0] if others else next(int(code) for code in _LIKELY if code in codes)
