"""What one run was asked to do: the same in every process of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clustergate.nouns.model import Model, Subject
from clustergate.read.spec import Suite

CONCURRENCY: Final = 20
"""Requests in flight at each endpoint where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A run. `share` is how many requests this process may have in flight at each endpoint."""

    suite: Suite
    subject: Subject
    judge: Model
    store: str
    run_id: str
    fresh: bool = False
    offline: bool = False
    share: int = CONCURRENCY
    rpm: int | None = None
    max_requests: int | None = None
    report_dir: str = ""
    command: str = ""
    """The pytest command with every option that differs from its default."""

    @property
    def judge_max_tokens(self) -> int:
        return self.judge.max_tokens or 1000
