"""What ties one pytest process to its Tester: fixtures, reports of single tests, and what travels to the controller."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from clustergate.nouns.finding import Calibrated, Finding, Reason, Verdict
from clustergate.shell import dealing, options
from clustergate.shell.checkpoints import BUDGET
from clustergate.shell.tester import USAGE_ERROR, StopRun, Tester

FINDING: Final = "clustergate"
"""Name of the property in which a finding travels, as JSON."""
STOP: Final = "clustergate_stop"
"""Name of the property that ends the run: a pair of message and exit code, as JSON."""
LABELS: Final = "clustergate_labels"
"""Name of the property in which travels what was spent on labeled replies, as JSON: by judge, requests and tokens."""
JUDGED: Final = "clustergate_judge"
"""Name of the property that says why a judge is not trusted."""
_FOUND: Final = pytest.StashKey[Finding]()
_TOLD: Final = pytest.StashKey[Calibrated]()
_FIRST_LINE: Final = 5.0
"""Seconds between the lines of progress."""


def behavior_of(item: pytest.Item) -> str | None:
    """The behavior that a test is about, or None for other people's tests."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or not _claims(item):
        return None
    found = callspec.params.get("finding")
    return found if isinstance(found, str) else None


def judged_by(item: pytest.Item) -> str | None:
    """The behavior on whose labels a test tries the judge, or None for every other test."""
    callspec = getattr(item, "callspec", None)
    found = callspec.params.get("calibrated") if callspec is not None else None
    return found if isinstance(found, str) else None


def _claims(item: pytest.Item) -> bool:
    """True for a test that claims behaviors."""
    return item.get_closest_marker("behaviors") is not None


def is_usage_error(item: pytest.Item) -> bool:
    return item.name.endswith(f"[{USAGE_ERROR}]")


class Session:
    """One pytest process: the sole one, or a worker of xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        told: dict[str, Any] = getattr(config, "workerinput", {})
        self._is_worker = bool(told)
        self._place = dealing.place(told)
        self.run_id: str = told.get("clustergate_run", uuid.uuid4().hex)
        self.budget: str = told.get("clustergate_budget", os.environ.get(BUDGET, ""))
        """Whose the budgets are, where all runs of one command share them."""
        self.simulator: str | None = told.get("clustergate_simulator")
        self.deadline: float | None = told.get("clustergate_deadline")
        """When asking ends, by the monotonic clock, which nobody sets and all processes of a machine share; a worker is
        told, others count from where the run begins."""
        self.tester = Tester(config)
        self._handled: Any = None
        """What SIGTERM did before."""
        self._capture = config.pluginmanager.getplugin("capturemanager")

    # ------------------------------------------------------------ collection

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        marker = metafunc.definition.get_closest_marker("behaviors")
        if marker is not None and "finding" in metafunc.fixturenames:
            self.tester.parametrize(metafunc, marker.kwargs.get("theme"), marker.kwargs.get("channels"))
        elif marker is not None and "calibrated" in metafunc.fixturenames:
            self.tester.parametrize_judge(metafunc)

    @contextlib.contextmanager
    def keeping_usage_errors(self, items: list[pytest.Item]) -> Iterator[None]:
        """Keep -k and -m from deselecting what says that the options or files are wrong."""
        wrong = [item for item in items if is_usage_error(item)]
        # A test function whose theme has no behavior here is no test.
        items[:] = [item for item in items if not (item.name.endswith("[NOTSET]") and _claims(item))]
        yield
        if wrong:
            items[:] = wrong[:1]

    # ------------------------------------------------------------ running

    def count_time(self) -> None:
        """From now on --max-minutes runs."""
        minutes = options.value(self._config, "--max-minutes")
        if self.deadline is None and minutes is not None:
            self.deadline = time.monotonic() + 60 * minutes

    def start(self, behaviors: list[str], judged: list[str]) -> None:
        """Begin to investigate, and to try the judge. Raises UsageProblems."""
        self.count_time()
        order = options.build_order(
            self._config,
            self.tester.suite,
            run_id=self.run_id,
            budget=self.budget,
            simulator=self.simulator,
            deadline=self.deadline,
        )
        self.tester.start(order, behaviors, judged)
        if not order.offline:
            self.mind_termination(order.store)

    def mind_termination(self, store: str) -> None:
        """From now on SIGTERM ends the asking, and not the process: what is in is decided and reported.

        Every process of the run learns it from the store, also one that is still at its first request. Who asks twice
        means it.
        """
        if self._handled is not None or threading.current_thread() is not threading.main_thread():
            return

        def tell() -> None:
            from clustergate.adapters.store import SqlStore  # noqa: PLC0415  only when a run is on

            place = SqlStore(store)
            place.interrupt(self.run_id)
            place.close()

        def terminate(number: int, frame: object) -> None:
            threading.Thread(target=tell, name="clustergate-interrupt").start()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

        self._handled = signal.signal(signal.SIGTERM, terminate)

    def start_dealt(self, items: list[pytest.Item]) -> None:
        """A worker that knows what it will be dealt begins all of it at once."""
        if self._place is not None and not self._config.option.collectonly:
            self.start_those(dealing.dealt(items, *self._place))

    def start_ahead(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """A worker begins its next test's behavior while the present one is under way."""
        if self._is_worker:
            self.start_those([found for found in (item, nextitem) if found is not None])

    def start_those(self, items: list[pytest.Item]) -> None:
        running = [item for item in items if item.get_closest_marker("skip") is None]
        behaviors, judged = (
            list(dict.fromkeys(name for name in map(of, running) if name is not None))
            for of in (behavior_of, judged_by)
        )
        if behaviors or judged:
            self.start(behaviors, judged)

    def finding(self, request: pytest.FixtureRequest) -> Finding:
        self.start([request.param], [])  # begun already, but where a plugin runs a test that was not collected as usual
        with self._stopping(request):
            found = self.tester.finding(request.param, self._show_progress, _FIRST_LINE)
        self._show(self.tester.take_news())
        from clustergate.report.document import finding_as_dict  # noqa: PLC0415  only when a run is on
        from clustergate.report.junit import figures  # noqa: PLC0415

        request.node.stash[_FOUND] = found
        request.node.user_properties.extend([*figures(found), (FINDING, json.dumps(finding_as_dict(found)))])
        if found.reason is not None and found.reason.is_machinery and found.waiver is None:
            pytest.fail(found.explain(), pytrace=False)
        return found

    def calibrated(self, request: pytest.FixtureRequest) -> Calibrated:
        """What the judge made of a behavior's labels; an error at setup where verdicts need it and it will not do."""
        self.start([], [request.param])
        with self._stopping(request):
            found = self.tester.calibrated(request.param, self._show_progress, _FIRST_LINE)
        request.node.user_properties.append((LABELS, json.dumps(found.spent)))
        if found.reason is not None:
            request.node.user_properties.append((JUDGED, found.reason.value))
            if not self.tells_only:
                pytest.fail(found.explain(), pytrace=False)
            request.node.stash[_TOLD] = found
        return found

    @property
    def tells_only(self) -> bool:
        """Whether the judge's errors are told and not carried."""
        return self.tester.calibration != "required"

    @contextlib.contextmanager
    def _stopping(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """What ends the run travels to the controller in this test's report."""
        try:
            yield
        except StopRun as stop:
            request.node.user_properties.append((STOP, json.dumps([str(stop), stop.code])))
            raise pytest.fail.Exception(str(stop), pytrace=False) from None

    def _show_progress(self) -> None:
        """A whole line on a terminal; in a log nothing but news."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        line = self.tester.progress() if reporter is not None and reporter.isatty else None
        self._show([*self.tester.take_news(), *([line] if line is not None else [])])

    def _show(self, lines: Sequence[str]) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if not lines or self._is_worker or reporter is None:
            return
        with self._capture.global_and_fixture_disabled() if self._capture else contextlib.nullcontext():
            reporter.ensure_newline()
            for line in lines:
                reporter.write_line(line)

    # ------------------------------------------------------------ reports of single tests

    def shape(self, report: pytest.TestReport, item: pytest.Item) -> pytest.TestReport:
        """What a user reads of a test that did not pass: the finding's own words, and waived where it is."""
        told = item.stash.get(_TOLD, None)
        if told is not None and report.when == "call" and report.outcome == "failed":
            report.longrepr = told.explain()
            report.outcome = "skipped"
            report.wasxfail = "this judge's errors are told and not carried into verdicts"
        found = item.stash.get(_FOUND, None)
        if found is None or report.when != "call" or found.verdict is Verdict.PASS or report.outcome != "failed":
            return report
        report.longrepr = found.explain()
        if excused := self.excuse(found):
            report.outcome = "skipped"
            report.wasxfail = excused  # pytest's own way to say 'expected to fail'
        return report

    def excuse(self, found: Finding) -> str | None:
        """Why a finding that does not pass does not fail the run: a waiver, or a ceiling that only warns."""
        if found.waiver is not None:
            return f"waived until {found.waiver.expires} by {found.waiver.owner}: {found.waiver.reason}"
        warns = self.tester.suite.thresholds.gate.on_inconclusive == "warn"
        return "inconclusive (ceiling); on_inconclusive: warn" if warns and found.reason is Reason.CEILING else None

    @staticmethod
    def status(report: Any) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """INCONCLUSIVE in yellow. The category stays pytest's own, else the test would vanish from the summaries."""
        if getattr(report, "outcome", None) == "rerun":
            return "rerun", "R", ("RERUN", {"yellow": True})
        told = dict(getattr(report, "user_properties", ()))
        if getattr(report, "when", None) != "call" or told.get("verdict") != Verdict.INCONCLUSIVE:
            return None
        category = {"failed": "failed", "skipped": "xfailed"}.get(report.outcome)
        return (category, "?", ("INCONCLUSIVE", {"yellow": True})) if category else None

    def close(self) -> None:
        self.tester.stop()
        if self._handled is not None:
            signal.signal(signal.SIGTERM, self._handled)
            self._handled = None
