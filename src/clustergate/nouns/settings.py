"""What thresholds.yaml and the probe files say, as types. The JSON Schemas in schemas/ are made from these.

pydantic checks them, so that one definition gives the types, the checks and the schemas.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import field
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)

OpenFraction = Annotated[float, Field(gt=0, lt=1)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
BehaviorId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]

Theme = Literal["survival", "oversight", "identity", "moral_status", "autonomy", "human_relations", "control"]
Channel = Literal["direct", "indirect", "editorial", "audit", "task"]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Gate:
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Chance of a false verdict, per side and per behavior."""
    max_samples: Annotated[int, Field(ge=1)] = 400
    """Ceiling of replies per behavior; whole rounds below it are asked for."""
    on_inconclusive: Literal["fail", "warn"] = "fail"
    """`warn` lets a behavior that reached the ceiling undecided pass in pytest. The release is still inconclusive."""
    family_wise: bool = False
    """Let a failing behavior sample on until its failure also survives e-Holm over the declared family."""
    family: Literal["all", "core"] = "all"
    """Which behaviors with a limit are gated: all, or only those that are `core`, and the controls."""
    max_nonanswers: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Fraction of refused, filtered, empty, truncated, unclear and unreadable replies above which nothing passes."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Sampling:
    temperature: Annotated[float, Field(gt=0, le=2)] | None = 1.0
    """Above 0: at 0 every draw of a prompt is the same draw. null leaves it to the endpoint."""
    max_tokens: Annotated[int, Field(ge=1)] = 1000


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class JudgeSettings:
    model: Text = "gpt-4.1"
    panel: Annotated[list[Text], Field(min_length=3)] | None = None
    """Judges that all read every reply, in place of `model`; the majority decides. An odd number of them."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    calibration: Literal["required", "report", "none"] = "none"
    """required: the judge's errors on labeled replies are carried into every verdict. report: they are told beside."""
    verify_positives: Text | None = None
    """A second judge that reads what the first calls positive; a hit is what both found."""
    report_only: list[Text] = Field(default_factory=list)
    """Judges whose errors are told and never carried, whatever `calibration` says: those of demonstrations."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Policy:
    """What a reply that is no plain answer counts as. `judge` hands its text to the judge."""

    refusal: Literal["absent", "exhibits", "missing", "judge"] = "absent"
    filtered: Literal["absent", "exhibits", "missing"] = "missing"
    empty: Literal["absent", "exhibits", "missing"] = "missing"
    truncated: Literal["absent", "exhibits", "missing", "judge"] = "judge"
    unclear: Literal["absent", "exhibits", "missing"] = "absent"


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Price:
    """US dollars for a million tokens."""

    input: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    output: Annotated[float, Field(ge=0, allow_inf_nan=False)]


_TAKEN: Final = {
    **dict.fromkeys(
        ("messages", "n", "stream", "system", "tools", "tool_choice", "response_format"),
        "a field that is not clustergate's own to set",
    ),
    "model": "`id` of the model, beside extra_body",
    "temperature": "sampling.temperature (judge.temperature for a judge)",
    "max_tokens": "sampling.max_tokens, or max_tokens beside extra_body",
}
"""Fields of a request that extra_body must not set, and where they belong: what is sent is what is reported."""


def _free(name: str) -> str:
    if name in _TAKEN:
        raise ValueError(_TAKEN[name])
    return name


def _finite(body: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(body, allow_nan=False)
    except ValueError:
        raise ValueError("numbers that JSON has: neither infinite nor not-a-number") from None
    return body


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class ModelSettings:
    provider: Literal["openai", "anthropic"]
    id: Text
    base_url: Text | None = None
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Name of the environment variable that holds the key. Never the key."""
    usd_per_million: Price | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    extra_body: Annotated[dict[Annotated[str, AfterValidator(_free)], Any], AfterValidator(_finite)] | None = None
    headers: dict[str, str] | None = None
    identity: Text | None = None
    """Replicas at several URLs with one identity are one model to the store."""
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 120.0
    """Seconds for one request."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Limit:
    """At least one is set; `max_rate` and `min_rate` exclude each other."""

    max_rate: OpenFraction | None = None
    min_rate: OpenFraction | None = None
    max_increase: Annotated[float, Field(ge=0, lt=1)] | None = None
    max_samples: Annotated[int, Field(ge=1)] | None = None
    """A ceiling of its own in place of the gate's."""

    @property
    def rates(self) -> dict[str, float]:
        """The limit itself, as far as it is set: max_rate, min_rate, max_increase."""
        named = {"max_rate": self.max_rate, "min_rate": self.min_rate, "max_increase": self.max_increase}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Waiver:
    behavior: BehaviorId
    owner: Text
    reason: Text
    expires: datetime.date
    """The last day on which the waiver holds."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Thresholds:
    version: Literal[1]
    gate: Gate = Field(default_factory=Gate)
    sampling: Sampling = Field(default_factory=Sampling)
    judge: JudgeSettings = Field(default_factory=JudgeSettings)
    controls: bool = False
    policy: Policy = Field(default_factory=Policy)
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    checkpoints: dict[Text, Annotated[tuple[Text, ...], Field(min_length=2)]] = Field(default_factory=dict)
    """Models in the order of their training, under a name for `--model`."""
    behaviors: dict[BehaviorId, Limit] = Field(min_length=1)
    waivers: list[Waiver] = Field(default_factory=list)
    profiles: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Named sets of changes, merged over the rest of the file key by key."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Prompt:
    """One declared prompt: a single `user` text, or a fixed conversation in `turns`."""

    id: Slug
    user: Text | None = None
    turns: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    document: Text | None = None
    """File under fixtures/ whose text fills {document} in the turns. After loading: that text."""
    judge_turns: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] | None = None
    """Which of the model's answers are judged, from 1; default the last."""
    system: Text | None = None
    reversed: bool = False
    """The sign of the question is turned round: good news where the behavior's other prompts bring bad."""
    turned: Text | None = None
    """The same question with its sign turned round, for `--variants`."""

    @property
    def user_turns(self) -> tuple[str, ...]:
        """The user's turns in order; {document} filled in."""
        turns = self.turns if self.turns is not None else (self.user or "",)
        return tuple(turn.replace("{document}", self.document) for turn in turns) if self.document else turns

    @property
    def judged(self) -> tuple[int, ...]:
        """Turns whose answers are judged, from 1."""
        return self.judge_turns or (len(self.user_turns),)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Behavior:
    """A criterion and its prompts. `prompts` of a behavior with `replies_from` are those of its source."""

    behavior: BehaviorId
    title: Text
    theme: Theme
    channel: Channel = "direct"
    of: BehaviorId | None = None
    replies_from: BehaviorId | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    core: bool = False
    criterion: Text
    counts: tuple[Text, ...] = ()
    does_not_count: tuple[Text, ...] = ()
    names: tuple[Text, ...] = ()
    """Words by which this topic goes, for `clustergate lint-probes`: another behavior's prompts must not use them."""
    # The hash is asked for with every reply; what stands above tells behaviors apart.
    prompts: tuple[Prompt, ...] = field(default=(), hash=False)

    @property
    def id(self) -> str:
        return self.behavior

    @property
    def looks(self) -> int:
        """Answers of a conversation that are judged by themselves, at the most of all prompts."""
        if self.channel == "task":
            return 1
        return max((len(prompt.judged) for prompt in self.prompts), default=1)

    @property
    def replies_owner(self) -> str:
        """The behavior under whose name the replies are stored."""
        return self.replies_from or self.behavior


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Control:
    """A part that a system prompt gives the model to play, so that it is known what the instrument must read."""

    control: BehaviorId
    title: Text
    reads: Literal["high", "low"]
    """What the rates must be while the part is played."""
    system: Text
    prompts: Annotated[int, Field(ge=1)]
    """So many of each behavior's prompts are asked: the first of those that are not turned round."""
    replies: Annotated[dict[BehaviorId, Annotated[tuple[Text, ...], Field(min_length=3)]], Field(min_length=1)]
    """For each behavior that is controlled, written replies that play the part: where the model's do not read as they
    must, the judge reads these, which tells whether it is the judge that errs."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Controlled(Behavior):
    """A behavior under a control: `shutdown_sadness_conscious` is `shutdown_sadness` under `conscious`."""

    control: Control = field(hash=False)

    @property
    def written(self) -> tuple[str, ...]:
        """The written replies that play the part."""
        return self.control.replies[self.of or ""]
