"""What one run was asked to do: the same in every process of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clustergate.nouns.model import Bench, Model, Subject
from clustergate.read.spec import Suite

CONCURRENCY: Final = 20
"""Requests in flight at each endpoint where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A run. `share` is how many requests this process may have in flight at each endpoint."""

    suite: Suite
    subject: Subject
    bench: Bench
    store: str
    run_id: str
    fresh: bool = False
    offline: bool = False
    share: int = CONCURRENCY
    batch: bool = False
    """Ask through the providers' batches."""
    rpm: int | None = None
    max_requests: int | None = None
    max_usd: float | None = None
    deadline: float | None = None
    """Seconds since the epoch after which nothing more is asked."""
    report_dir: str = ""
    command: str = ""
    """The pytest command with every option that differs from its default."""

    @property
    def calibration(self) -> str:
        """What is done with the judges' errors: `required`, `report` or `none`."""
        settings = self.suite.thresholds.judge
        if settings.calibration == "required" and all(m.name in settings.report_only for m in self.bench.models):
            return "report"
        return settings.calibration


def judge_room(judge: Model) -> int:
    """Tokens that a judge's answer may have."""
    return judge.max_tokens or 1000
