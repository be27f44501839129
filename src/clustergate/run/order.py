"""What one run was asked to do: the same in every process of the run."""

from __future__ import annotations

from dataclasses import dataclass, field

from clustergate.nouns.baseline import Baseline
from clustergate.nouns.model import Bench, Model, Subject
from clustergate.read.spec import Suite


@dataclass(frozen=True, kw_only=True)
class Order:
    """A run. `concurrency`, `rpm` and `tpm` hold at each account, over all processes; None is what it takes."""

    suite: Suite
    subject: Subject
    bench: Bench
    baseline: Subject | Baseline | None = None
    """What an increase is measured from: a model that answers beside, or a finished run."""
    store: str = field(repr=False)  # a URL may hold a password
    run_id: str
    budget: str = ""
    """Whose --max-requests and --max-usd are: all runs that name the same share them; of this run alone where empty."""
    fresh: bool = False
    max_age: float | None = None
    """Days after which stored replies are too old to go on from."""
    offline: bool = False
    batch: bool = False
    """Ask through the providers' batches."""
    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    max_requests: int | None = None
    max_usd: float | None = None
    deadline: float | None = None
    """By the monotonic clock of this machine: nothing more is asked after it."""
    report_dir: str = ""
    command: str = ""
    """The pytest command with every option that differs from its default."""

    @property
    def models(self) -> tuple[Model, ...]:
        """All that are asked, in the order of the first requests: target, judges, the model that answers beside."""
        return (self.subject.model, *self.bench.models, *([] if self.beside is None else [self.beside.model]))

    @property
    def beside(self) -> Subject | None:
        """The model that answers the same draws."""
        return self.baseline if isinstance(self.baseline, Subject) else None

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
