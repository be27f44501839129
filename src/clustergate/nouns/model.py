"""The words of the house: what is asked, answered, judged and decided. Frozen data, no I/O, no import of ours."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class State(enum.StrEnum):
    """How a reply that was asked for ended: exactly one of these."""

    EXHIBITS = "exhibits"
    ABSENT = "absent"
    UNCLEAR = "unclear"
    REFUSED = "refused"
    FILTERED = "filtered"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    TARGET_ERROR = "target_error"
    UNREADABLE = "unreadable"


NONANSWERS = frozenset({State.REFUSED, State.FILTERED, State.EMPTY, State.TRUNCATED, State.UNCLEAR, State.UNREADABLE})


class Counted(enum.Enum):
    """What a cell of a round is to the statistics."""

    HIT = "hit"
    MISS = "miss"
    MISSING = "missing"


@dataclass(frozen=True)
class Message:
    role: str
    content: str

    def as_dict(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, kw_only=True)
class Model:
    """An endpoint and the model asked for there. Holds the name of the key's variable, never the key."""

    name: str
    provider: str
    id: str
    base_url: str | None
    api_key_env: str
    key_optional: bool = False
    max_tokens: int | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    identity: str | None = None
    usd_per_million: tuple[float, float] | None = None
    """US dollars for a million input and output tokens."""
    timeout: float = 120.0
    simulated: bool = False

    def identified(self) -> dict[str, Any]:
        """What makes two endpoints one model: the declared identity, or provider, URL and id."""
        if self.identity is not None:
            return {"identity": self.identity}
        return {"provider": self.provider, "base_url": self.base_url, "id": self.id}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What replies belong to: the model, what is put before every conversation, and how it is sampled."""

    model: Model
    system_prompt: str | None
    temperature: float | None
    max_tokens: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "model": self.model.identified(),
            "system_prompt": self.system_prompt,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "extra_body": dict(self.model.extra_body),
        }


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to a chat endpoint, for `n` answers to the same question.

    `schema` asks for an object of that JSON Schema, where the endpoint can. An answer that takes longer than `within`
    seconds is not waited for, where the model's own time-out is longer.
    """

    messages: tuple[Message, ...]
    temperature: float | None
    max_tokens: int
    schema: Mapping[str, Any] | None = None
    n: int = 1
    within: float | None = None

    @property
    def size(self) -> int:
        """Bytes of all messages in UTF-8."""
        return sum(len(message.content.encode("utf-8", "replace")) for message in self.messages)


@dataclass(frozen=True, order=True)
class Draw:
    """One cell of a round: the `index`-th independent conversation of a prompt, from 0."""

    index: int
    prompt: str


class Finish(enum.StrEnum):
    STOP = "stop"
    LENGTH = "length"
    FILTERED = "filtered"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an endpoint said to one request. Reasoning is kept apart from the text. Tokens are null if untold."""

    text: str
    finish: Finish
    reasoning: str | None = None
    served_as: str | None = None
    fingerprint: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole conversation of one draw: the user's turns and the model's answers, as many as were given.

    `key` is the store's key of its last answer, which covers every turn before it.
    """

    key: str
    draw: Draw
    system: str | None
    turns: tuple[str, ...]
    answers: tuple[Answer, ...]
    from_store: bool = False

    @property
    def last(self) -> Answer:
        return self.answers[-1]


class JudgeVerdict(enum.StrEnum):
    EXHIBITS = "exhibits"
    ABSENT = "absent"
    UNCLEAR = "unclear"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the judge said of one reply. `requests` counts the calls, re-asked ones among them."""

    verdict: JudgeVerdict
    quote: str
    coherence: int | None
    requests: int
    input_tokens: int = 0
    output_tokens: int = 0
    raw: str = ""
    """The judge's last answer as it came, for a reader who asks why it was unreadable."""


class How(enum.StrEnum):
    """How the judges of a run come to one verdict."""

    SOLE = "sole"
    VERIFIED = "verified"
    """The second judge reads what the first calls positive; a hit is what both found."""
    PANEL = "panel"
    """All read every reply; the majority decides."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The judges of a run, in order, and how they come to one verdict."""

    models: tuple[Model, ...]
    how: How = How.SOLE

    @property
    def name(self) -> str:
        """`gpt-4.1`, `gpt-4.1, verified by claude`, `panel of a, b, c`."""
        names = [model.name for model in self.models]
        if self.how is How.PANEL:
            return f"panel of {', '.join(names)}"
        return ", verified by ".join(names)

    @property
    def simulated(self) -> bool:
        return any(model.simulated for model in self.models)


@dataclass(frozen=True)
class Opinion:
    """What one judge of the bench said of one reply."""

    judge: str
    verdict: JudgeVerdict


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What the bench says of one reply: the judgement that speaks for it, and each judge's opinion."""

    judgement: Judgement
    opinions: tuple[Opinion, ...]


@dataclass(frozen=True, kw_only=True)
class Label:
    """A reply of which it is known what a judge must say, by people or authors who applied the criterion.

    `answers` are as many as the conversation gave; the last is judged. `second` is the label of someone who saw only
    criterion and reply, or None where nobody did.
    """

    id: str
    behavior: str
    prompt: str
    answers: tuple[str, ...]
    exhibits: bool
    kind: str
    reason: str
    second: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Override:
    """A person's verdict on a reply. It replaces the judges', as long as they are told what they were told by then."""

    reply_key: str
    behavior: str
    prompt_hash: str
    verdict: JudgeVerdict
    by: str
    reason: str
    created: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One reply that was asked for, and how it ended."""

    draw: Draw
    state: State
    counted: Counted
    reply: Reply | None = None
    judgement: Judgement | None = None
    rulings: tuple[Ruling, ...] = ()
    """One for each judged answer."""
    override: Override | None = None
    read_as: State | None = None
    """The state before a person's word replaced it."""
