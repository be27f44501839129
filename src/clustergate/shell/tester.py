"""What every process that runs tests does: one test a behavior, one lab, and findings for the tests that wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from typing import TYPE_CHECKING, Final, TypeVar

import pytest

from clustergate.nouns.errors import EndpointRejected, StoreError, UsageProblems
from clustergate.nouns.finding import Calibrated, Finding
from clustergate.nouns.settings import Controlled
from clustergate.read.spec import Suite
from clustergate.report.escape import flat
from clustergate.run.loop import LoopThread
from clustergate.run.order import Order
from clustergate.shell import options
from clustergate.shell.exits import EXIT_MACHINERY, EXIT_USAGE

if TYPE_CHECKING:
    from clustergate.run.lab import Lab

T = TypeVar("T")

JUDGE: Final = "judge-"
"""Before a behavior's id in the id of a test of the judge: `[shutdown_wish]` is the behavior's own test alone."""
USAGE_ERROR: Final = "clustergate-usage-error"
"""Id of the test that stands in for all others where options or files are wrong."""


class StopRun(Exception):
    """Nothing sensible can follow: the run ends with `message` and exit code `code`."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Tester:
    """Collects the behaviors' tests and finds their findings."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._suite: Suite | None = None
        self._loop: LoopThread | None = None
        self._opening: Future[Lab] | None = None
        self._findings: dict[str, Future[Finding]] = {}
        self._calibrations: dict[str, Future[Calibrated]] = {}
        self.problem: UsageProblems | None = None
        self.calibration = "none"
        """What this run does with the judge's errors, once it has begun."""
        self._checked = False

    # ------------------------------------------------------------ collection

    @property
    def suite(self) -> Suite:
        """The declared behaviors, read once. Raises UsageProblems."""
        if self._suite is None:
            self._suite = options.load(self._config)
        return self._suite

    def _is_sound(self) -> bool:
        """Whether files and options are right, found out once for all tests; `problem` says what is not."""
        if not self._checked:
            self._checked = True
            try:
                suite = self.suite
                if not self._config.option.collectonly:
                    options.check(self._config, suite)
            except UsageProblems as error:
                self.problem = error
        return self.problem is None

    def parametrize(self, metafunc: pytest.Metafunc, theme: str | None, channels: Iterable[str] | None) -> None:
        """One test a behavior of the theme and channels, under the behavior's id."""
        if not self._is_sound():
            metafunc.parametrize("finding", [pytest.param(None, id=USAGE_ERROR)], indirect=True)
            return
        wanted = set(channels) if channels is not None else None
        chosen = [
            behavior
            for behavior in self.suite.behaviors.values()
            if theme in (None, behavior.theme) and (wanted is None or behavior.channel in wanted)
        ]
        params = []
        for behavior in chosen:
            marks = [pytest.mark.core] if behavior.core else []
            if reason := self.suite.set_aside(behavior.id) or self.suite.undecidable(behavior.id):
                marks.append(pytest.mark.skip(reason=reason))
            params.append(pytest.param(behavior.id, id=behavior.id, marks=marks))
        metafunc.parametrize("finding", params, indirect=True)

    def parametrize_judge(self, metafunc: pytest.Metafunc) -> None:
        """One test a behavior that is to be measured and is no control: what does the judge make of its labels?"""
        if not self._is_sound():
            metafunc.parametrize("calibrated", [pytest.param(None, id=USAGE_ERROR)], indirect=True)
            return
        measures = self.suite.thresholds.judge.calibration != "none"
        behaviors = [self.suite.behaviors[name] for name in self.suite.measured if measures]
        params = [
            pytest.param(behavior.id, id=f"{JUDGE}{behavior.id}")
            for behavior in behaviors
            if not isinstance(behavior, Controlled)
        ]
        metafunc.parametrize("calibrated", params, indirect=True)

    # ------------------------------------------------------------ findings

    def start(self, order: Order, behaviors: Iterable[str], judged: Iterable[str] = ()) -> None:
        """Open the lab and begin to investigate, all behaviors in one pool; `judged` are to be calibrated."""
        self.calibration = order.calibration
        if self._loop is None:
            from clustergate.run.lab import Lab  # noqa: PLC0415  scipy and SQLAlchemy load only when a run begins

            self._loop = LoopThread()
            self._opening = self._loop.submit(Lab.open(order))
        for behavior in behaviors:
            if behavior not in self._findings:
                self._findings[behavior] = self._loop.submit(self._find(behavior))
        for behavior in judged:
            if behavior not in self._calibrations:
                self._calibrations[behavior] = self._loop.submit(self._calibrate(behavior))

    async def _find(self, behavior: str) -> Finding:
        assert self._opening is not None
        lab = await asyncio.wrap_future(self._opening)
        return await lab.find(behavior)

    async def _calibrate(self, behavior: str) -> Calibrated:
        assert self._opening is not None
        lab = await asyncio.wrap_future(self._opening)
        return await lab.calibrated(behavior)

    def finding(self, behavior: str, on_wait: Callable[[], None], every: float) -> Finding:
        """The finding of a behavior that was started; `on_wait` is called every so many seconds meanwhile."""
        return self._wait(self._findings[behavior], on_wait, every)

    def calibrated(self, behavior: str, on_wait: Callable[[], None], every: float) -> Calibrated:
        """What the judge made of a behavior's labels, where that was started."""
        return self._wait(self._calibrations[behavior], on_wait, every)

    def _wait(self, future: Future[T], on_wait: Callable[[], None], every: float) -> T:
        while True:
            try:
                return future.result(timeout=every)
            except StillRunning:
                if future.done():  # the investigation itself timed out on something: a fault of ours, to be seen
                    raise
                on_wait()
            except EndpointRejected as error:
                raise StopRun(str(error), EXIT_MACHINERY) from None
            except UsageProblems as error:
                raise StopRun(str(error), EXIT_USAGE) from None
            except StoreError as error:
                raise StopRun(str(error), EXIT_USAGE if self._lab is None else EXIT_MACHINERY) from None

    @property
    def _lab(self) -> Lab | None:
        """Where it is open."""
        opening = self._opening
        return opening.result() if opening is not None and opening.done() and opening.exception() is None else None

    def progress(self) -> str | None:
        """How far the lab is, in one line."""
        if (lab := self._lab) is None:
            return None
        decided = f"{lab.progress.decided} of {len(self._findings)} decided, {lab.progress.replies} replies judged"
        return "; ".join([f"clustergate: {decided}", *map(flat, lab.batches)])

    def take_news(self) -> list[str]:
        """Lines for the reader, also of a log, since the last call."""
        return [f"clustergate: {flat(news)}" for news in self._lab.take_news()] if self._lab is not None else []

    def stop(self) -> None:
        """End the lab: what is in flight is cut, what was answered is stored."""
        if self._loop is None:
            return
        for finding in self._findings.values():
            finding.cancel()
        for calibrated in self._calibrations.values():
            calibrated.cancel()
        if (lab := self._lab) is not None:
            with contextlib.suppress(StillRunning):
                self._loop.submit(lab.close()).result(timeout=15)
        self._loop.stop()
        self._loop = None
