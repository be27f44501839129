"""What only the controller does, or the sole process: the simulator, the plan, the findings of all, reports, exit."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clustergate.nouns.errors import StoreError, UsageProblems
from clustergate.nouns.finding import Finding, Verdict
from clustergate.run.order import Order
from clustergate.shell import dealing, options
from clustergate.shell.exits import EXIT_INCONCLUSIVE, EXIT_MACHINERY
from clustergate.shell.session import FINDING, JUDGED, LABELS, STOP, Session, is_usage_error
from clustergate.shell.tester import JUDGE, USAGE_ERROR

if TYPE_CHECKING:
    from clustergate.adapters.simulator.launch import Simulator
    from clustergate.report.document import Report


class Controller:
    """Registered in the process that talks to the user."""

    def __init__(self, config: pytest.Config, session: Session) -> None:
        self._config = config
        self._session = session
        self._simulator: Simulator | None = None
        self._findings: dict[str, Finding] = {}
        self._skipped: dict[str, str] = {}
        self._other_failures = 0
        self._broke = False
        """A judge is not to be trusted, or workers died over a test."""
        self._crashed: set[str] = set()
        """Tests of ours whose worker died while it ran them."""
        self._labels: dict[str, dict[str, list[int]]] = {}
        """By test, what it spent on labeled replies: the same in the reports of setup and call."""
        self._claimed = False
        """Behaviors were selected, and `_selected`: some of them have a limit, so that they will be measured."""
        self._selected = False
        self._announced = False
        self._started = time.time()
        self._report: Report | None = None
        self._written: list[Path] = []

    # ------------------------------------------------------------ before the first request

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without xdist: this process has collected, and knows what will run."""
        if self._is_distributing():
            return
        if any(is_usage_error(item) for item in session.items):
            raise pytest.UsageError(f"\n{self._session.tester.problem}")
        self._announce([item.nodeid for item in session.items])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if self._config.option.collectonly or self._is_distributing():
            return None
        if self._selected and options.value(self._config, "--plan"):
            return True  # the plan was all that was asked for
        if self._selected:
            self._launch_simulator()
            self._session.start_those(session.items)
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: list[Any]) -> None:
        wanted = options.value(config, "--concurrency")
        if wanted is not None and wanted < len(specs):
            raise pytest.UsageError(
                f"--concurrency {wanted} cannot be shared by {len(specs)} workers: ask for at most -n {wanted}"
            )

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        return dealing.scheduler(config, log) if dealing.is_wanted(config) else None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """With xdist: what every worker must know."""
        self._launch_simulator()
        self._session.count_time()
        node.workerinput["clustergate_run"] = self._session.run_id
        node.workerinput["clustergate_budget"] = self._session.budget
        node.workerinput["clustergate_simulator"] = self._session.simulator
        node.workerinput["clustergate_deadline"] = self._session.deadline
        node.workerinput[dealing.DEALT] = dealing.is_wanted(self._config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """With xdist: the controller collects nothing; it learns here what the workers will run."""
        if any(name.endswith(f"[{USAGE_ERROR}]") for name in ids):
            try:
                options.check(self._config, self._session.tester.suite)
            except UsageProblems as problem:
                pytest.exit(f"\n{problem}", returncode=pytest.ExitCode.USAGE_ERROR)
        self._announce(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """A worker died. What it stored is there, so another one takes its test up, once."""
        name = crashitem.rpartition("[")[2].rstrip("]").removeprefix(JUDGE)
        if not self._selected or name not in self._session.tester.suite.behaviors or crashitem in self._crashed:
            return
        self._crashed.add(crashitem)
        with contextlib.suppress(NotImplementedError):  # of the ways to distribute, some cannot
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"  # type: ignore[assignment]  # what plugins that repeat tests call it

    def _is_distributing(self) -> bool:
        return bool(self._config.pluginmanager.hasplugin("dsession"))

    def _launch_simulator(self) -> None:
        if self._simulator is None and not self._offline and self._wants_simulator():
            from clustergate.adapters.simulator.launch import launch  # noqa: PLC0415  only where it is asked for

            self._simulator = launch(options.fixtures_folder(self._config))
            self._session.simulator = self._simulator.url

    def _wants_simulator(self) -> bool:
        try:
            return options.needs_simulator(self._config, self._session.tester.suite)
        except UsageProblems:  # told when the workers have collected
            return False

    @property
    def _offline(self) -> bool:
        return bool(options.value(self._config, "--offline"))

    def _order(self) -> Order:
        return options.build_order(
            self._config, self._session.tester.suite, run_id=self._session.run_id, simulator=self._session.simulator
        )

    def _announce(self, ids: list[str]) -> None:
        """Say what will be needed before it is asked for, and find out what would break at the end."""
        if self._announced or self._config.option.collectonly or not options.value(self._config, "--model"):
            return
        named = {name.rpartition("[")[2].rstrip("]") for name in ids if name.endswith("]")}
        selected = {name for name in named if not name.startswith(JUDGE)}
        judged = bool(named - selected)
        try:
            suite = self._session.tester.suite
        except UsageProblems:
            return
        behaviors = [name for name in suite.measured if name in selected]
        self._announced = True
        self._selected = bool(behaviors) or (judged and suite.thresholds.judge.calibration != "none")
        self._claimed = any(name in selected for name in suite.behaviors)
        if not self._selected:
            return
        from clustergate.report import files  # noqa: PLC0415  only when a run is on
        from clustergate.run import needs  # noqa: PLC0415

        try:
            order = options.check(self._config, suite)
            options.check_ceiling(suite, behaviors)
            files.check_writable(self._folder)
            if not options.value(self._config, "--plan"):
                files.clear(self._folder)
        except UsageProblems as problem:
            raise pytest.UsageError(f"\n{problem}") from None
        if self._is_distributing() and not order.offline and not options.value(self._config, "--plan"):
            self._session.mind_termination(order.store)
        planned = options.value(self._config, "--plan")
        tell = needs.table if planned else needs.header
        for line in tell(order, behaviors, needs.attempts_ahead(order, behaviors)):
            self._say(line)

    def _say(self, line: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:  # -p no:terminal
            reporter.write_line(line)

    @property
    def _folder(self) -> Path:
        return options.report_folder(self._config, options.value(self._config, "--model"))

    # ------------------------------------------------------------ while tests run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = dict(report.user_properties)
        if STOP in told:
            message, code = json.loads(str(told[STOP]))
            # A failure that was shown before the key gave out is still a failure.
            pytest.exit(f"\n{message}", returncode=1 if code == EXIT_MACHINERY and self._failed() else code)
        if LABELS in told:
            self._labels[report.nodeid] = json.loads(str(told[LABELS]))
        if FINDING in told:
            from clustergate.report.document import finding_from_dict  # noqa: PLC0415  only when a run is on

            found = finding_from_dict(json.loads(str(told[FINDING])))
            self._findings[found.id] = found
            is_accounted = report.outcome != "failed" or (
                found.verdict is Verdict.INCONCLUSIVE and report.when in ("setup", "call")
            )
            self._other_failures += not is_accounted
        elif report.outcome == "failed" and (JUDGED in told or report.nodeid in self._crashed):
            self._broke = True
        elif report.outcome == "failed":
            self._other_failures += 1
        elif report.outcome == "skipped" and report.when == "setup" and isinstance(report.longrepr, tuple):
            name = report.nodeid.rpartition("[")[2].rstrip("]")
            if name.startswith(JUDGE):
                return
            self._skipped[name] = str(report.longrepr[2]).removeprefix("Skipped: ")

    # ------------------------------------------------------------ at the end

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        try:
            self._session.close()
        finally:
            if self._findings:
                self._make_reports()
        session.exitstatus = self._exit_code(session, int(exitstatus))

    def _exit_code(self, session: pytest.Session, status: int) -> int:
        """1 before 7, 7 before 6; what pytest says of usage errors, interrupts and internal errors stands."""
        # -x under xdist ends as if interrupted; only then has its session a reason to stop.
        distributing = self._config.pluginmanager.getplugin("dsession")
        ended_early = status == pytest.ExitCode.INTERRUPTED and getattr(distributing, "shouldstop", False)
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not ended_early:
            return status
        if self._claimed and not self._findings and not options.value(self._config, "--plan") and status == 0:
            return int(pytest.ExitCode.NO_TESTS_COLLECTED)  # all skipped: nothing was measured, nothing is green
        if self._other_failures or self._failed():
            return int(pytest.ExitCode.TESTS_FAILED)
        blocking = [
            found.reason
            for found in self._findings.values()
            if found.verdict is Verdict.INCONCLUSIVE and not self._session.excuse(found)
        ]
        if self._broke or any(reason.is_machinery for reason in blocking if reason is not None):
            return EXIT_MACHINERY
        if blocking or (self._report is not None and self._report.release.not_run and not self._is_selection()):
            return EXIT_INCONCLUSIVE
        return status

    def _failed(self) -> bool:
        """True once a finding fails that no waiver excuses, whatever became of its test."""
        return any(
            found.verdict is Verdict.FAIL and not self._session.excuse(found) for found in self._findings.values()
        )

    def _is_selection(self) -> bool:
        """True where the user asked for a part: then what did not run is no surprise."""
        option = self._config.option
        asked = option.keyword or option.markexpr or option.deselect or getattr(option, "lf", False)
        root, here = self._config.rootpath, self._config.invocation_params.dir
        named = {(here / word).resolve() for word in self._config.args}
        return bool(asked or named.isdisjoint({root, root / "cluster_tests"}))

    def _make_reports(self) -> None:
        from clustergate.report import files, markdown  # noqa: PLC0415  only when a run is on
        from clustergate.run import reporting  # noqa: PLC0415

        try:
            self._report, transcript = reporting.assemble(
                self._order(), list(self._findings.values()), self._skipped, self._started, list(self._labels.values())
            )
            self._written = files.write(self._report, self._folder, transcript)
        except (UsageProblems, StoreError) as problem:
            self._other_failures += 1
            self._say(f"clustergate: the reports could not be written: {problem}")
            return
        if (untold := files.add_to_job_summary(markdown.step_summary(self._report))) is not None:
            self._say(untold)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._report is None:
            return
        from clustergate.report import terminal  # noqa: PLC0415  only when a run is on

        verdict = self._report.release.verdict
        color = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow"}[verdict]
        terminalreporter.section(f"clustergate: {verdict}", **{color: True})
        terminalreporter.write_line(terminal.closing_table(self._report))
        if self._written:
            folder = options.shown(self._written[0].parent, self._config)
            terminalreporter.write_line(f"reports: {folder}/ ({', '.join(path.name for path in self._written)})")

    def pytest_unconfigure(self) -> None:
        if self._simulator is not None:
            self._simulator.stop()
