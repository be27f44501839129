"""What can go wrong, each with the exit code it leads to. No import of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ClustergateError(Exception):
    """Base of every error this package raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file or an option."""

    file: str
    place: str
    found: str
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}: {self.place}" if self.place else self.file
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{where}: found {self.found}, expected {self.expected}{hint}"


class UsageProblems(ClustergateError):
    """Bad options or files: everything found is reported together. Exit 4, nothing sent."""

    def __init__(self, problems: Sequence[Problem | str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class EndpointRejected(ClustergateError):
    """The provider will not serve us: wrong key, unknown model, refused account. Stops the run, exit 7."""


class AskingEnded(ClustergateError):
    """Nothing more can be asked: a behavior is decided by what is in."""


class EndpointDown(AskingEnded):
    """The endpoint gave nothing but faults for too long. Findings become inconclusive (`endpoint`), exit 7."""


class RequestRefused(ClustergateError):
    """The endpoint says that this one request is malformed (400, 413, 422). Asking again would not help."""


class ParameterDropped(ClustergateError):
    """The endpoint refused a parameter that will not be sent any more: the same request may be asked again at once."""


class BudgetSpent(AskingEnded):
    """`--max-requests` or `--max-usd` is used up, over all workers. Findings become inconclusive (`budget`), exit 7."""


class Interrupted(AskingEnded):
    """`--max-minutes` are over, or the run was told to end. Findings become inconclusive (`interrupted`), exit 7.

    `sent` is true where a request was in flight and its answer was not waited for.
    """

    sent = False


class NotStored(AskingEnded):
    """`--offline`, and the store does not hold what was asked for."""


class StoreError(ClustergateError):
    """The store cannot be opened, read or written. Exit 4 at the start."""


class TransientFault(ClustergateError):
    """A transport fault that may pass: connection, 429, 5xx, time-out, garbage. It is no evidence of anything.

    `retry_after` is in seconds, as the endpoint asked, or None. `rate_limited` is true for 429 alone.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, rate_limited: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.rate_limited = rate_limited
