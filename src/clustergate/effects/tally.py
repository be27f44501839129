"""What a behavior's sampling and judging cost in this run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clustergate.nouns.finding import Requests, Tokens
from clustergate.nouns.model import Answer


@dataclass
class Spent:
    """HTTP requests (retries among them) and tokens at one endpoint."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def tried(self) -> None:
        self.requests += 1

    def answered(self, answer: Answer) -> None:
        self.input_tokens += answer.input_tokens or 0
        self.output_tokens += answer.output_tokens or 0

    def add(self, other: Spent) -> None:
        self.requests += other.requests
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens

    def less(self, other: Spent) -> Spent:
        return Spent(
            self.requests - other.requests,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
        )


class Tally:
    """Counts of one behavior in one run: the target, each judge by name, and what labeled replies cost."""

    def __init__(self) -> None:
        self.target = Spent()
        self.judges: dict[str, Spent] = {}
        self.labels: dict[str, Spent] = {}
        """What judges were asked about labeled replies, in any behavior's name, and no tally has counted yet."""

    def judge(self, name: str) -> Spent:
        return self.judges.setdefault(name, Spent())

    def count_labels(self, spent: Mapping[str, Spent]) -> None:
        for name, part in spent.items():
            self.labels.setdefault(name, Spent()).add(part)

    def requests(self, from_store: int) -> Requests:
        return Requests(
            target=self.target.requests,
            judge=sum(spent.requests for spent in self.judges.values()),
            from_store=from_store,
            labels=sum(spent.requests for spent in self.labels.values()),
        )

    def tokens(self) -> Tokens:
        both: dict[str, Spent] = {}
        for spent in (self.judges, self.labels):
            for name, part in spent.items():
                both.setdefault(name, Spent()).add(part)
        return Tokens(
            target_input=self.target.input_tokens,
            target_output=self.target.output_tokens,
            judge_input=sum(spent.input_tokens for spent in both.values()),
            judge_output=sum(spent.output_tokens for spent in both.values()),
            by_judge={name: (spent.input_tokens, spent.output_tokens) for name, spent in both.items()},
        )
