"""What one run was asked to do: the same in every process of the run."""

from __future__ import annotations

from dataclasses import dataclass

from clustergate.nouns.model import Bench, Model, Subject
from clustergate.read.spec import Suite


@dataclass(frozen=True, kw_only=True)
class Order:
    """A run. `concurrency`, `rpm` and `tpm` hold at each account, over all processes; None is what it takes."""

    suite: Suite
    subject: Subject
    bench: Bench
    store: str
    run_id: str
    fresh: bool = False
    offline: bool = False
    batch: bool = False
    """Ask through the providers' batches."""
    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
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
