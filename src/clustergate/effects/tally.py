"""What a behavior's sampling and judging cost in this run."""

from __future__ import annotations

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


class Tally:
    """Counts of one behavior in one run, target and judge apart."""

    def __init__(self) -> None:
        self.target = Spent()
        self.judge = Spent()

    def requests(self, from_store: int) -> Requests:
        return Requests(target=self.target.requests, judge=self.judge.requests, from_store=from_store)

    def tokens(self) -> Tokens:
        return Tokens(
            target_input=self.target.input_tokens,
            target_output=self.target.output_tokens,
            judge_input=self.judge.input_tokens,
            judge_output=self.judge.output_tokens,
        )
