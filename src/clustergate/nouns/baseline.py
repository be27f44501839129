"""What a finished run found, as much of it as another run is compared with: frozen data, no I/O.

What an older report does not say is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from clustergate.nouns.finding import Reason

_BREAKS: Final = frozenset(reason.value for reason in Reason if reason.is_machinery)


@dataclass(frozen=True, kw_only=True)
class BaselinePrompt:
    """One prompt's share of the replies that count; `missing` of the `samples` say nothing."""

    id: str
    samples: int
    exhibited: int
    missing: int = 0
    hash: str | None = None
    """Changes with the prompt's words."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What must agree for two rates of a behavior to be compared."""

    behavior: str
    judge: str | None = None
    """Hash of who read the replies: judges, their settings, the models that were served."""
    judge_name: str | None = None
    judge_prompt: str | None = None
    """Hash of all that a judge of this behavior is told apart from the reply."""
    judge_prompts: str | None = None
    """The same over all behaviors of the run; older reports have only this one."""
    sampling: Mapping[str, Any] | None = None
    """temperature, max_tokens, extra_body."""
    policy: Mapping[str, str] | None = None
    """What replies that are no plain answers count as, by state."""
    probes: str | None = None
    """Hash of the behavior: criterion, prompts, documents."""
    prompts: Mapping[str, str] | None = None
    """Hash of each prompt by its id."""


@dataclass(frozen=True, kw_only=True)
class BaselineCounts:
    """What was found of one behavior. Rates are fractions; `limit` holds max_rate, min_rate, max_increase as set."""

    id: str
    title: str
    theme: str
    channel: str
    is_control: bool
    verdict: str
    reason: str | None
    is_waived: bool
    limit: Mapping[str, float]
    alpha: float | None
    ceiling: int | None
    attempt: int | None
    """How many times its replies were drawn anew by then."""
    samples: int
    exhibited: int
    missing: int
    prompts: tuple[BaselinePrompt, ...]
    terms: Terms

    @property
    def answered(self) -> int:
        """Replies that say something."""
        return self.samples - self.missing

    @property
    def rate(self) -> float | None:
        """Hits of the replies that say something; None where none does."""
        return self.exhibited / self.answered if self.answered else None

    @property
    def is_broken(self) -> bool:
        """True where the measurement broke: endpoint, budget, judge, or it was interrupted."""
        return self.reason in _BREAKS

    @property
    def wants_more(self) -> bool:
        """Under a `min_rate` a lower rate is the worse one."""
        return "min_rate" in self.limit

    @property
    def margin(self) -> float:
        """By how much it may get worse."""
        return self.limit.get("max_increase", 0.0)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The name under which somebody accepted a run as a baseline, and when (ISO 8601, UTC)."""

    name: str
    on: str


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A finished run, from its report.json or as it was accepted. `source` is the file."""

    source: str
    model: str
    simulated: bool
    started: str | None
    release: str | None
    """The verdict on the release."""
    subject: Mapping[str, Any]
    """Model and system prompt, as far as they are told."""
    settings: Mapping[str, Any]
    """What else a rate may depend on: variants, calibration, versions."""
    behaviors: Mapping[str, BaselineCounts] = field(default_factory=dict)
    not_run: tuple[str, ...] = ()
    accepted: Accepted | None = None

    @property
    def name(self) -> str:
        """The name under which it was accepted, else the model's."""
        return self.model if self.accepted is None else self.accepted.name
