"""What is said of a behavior in the end, and of the release: frozen data, no I/O."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from clustergate.nouns.judging import Calibration, Correction, OverrideNote, PanelVotes, Verified
from clustergate.nouns.model import State
from clustergate.nouns.shift import SharedReplies


class Verdict(enum.StrEnum):
    PASS = "pass"  # noqa: S105  a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Reason(enum.StrEnum):
    """Why a verdict is inconclusive."""

    CEILING = "ceiling"
    BUDGET = "budget"
    MISSING = "missing"
    JUDGE = "judge"
    IDENTICAL_REPLIES = "identical_replies"
    ENDPOINT = "endpoint"
    INTERRUPTED = "interrupted"

    @property
    def is_machinery(self) -> bool:
        """True where the measurement broke, and not where it was made and could not tell."""
        return self not in (Reason.CEILING, Reason.MISSING)


class Stopped(enum.StrEnum):
    DECIDED = "decided"
    CEILING = "ceiling"
    BUDGET = "budget"
    ERROR = "error"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True)
class PromptCount:
    """One prompt's share of the deciding rounds; `missing` of the `samples` say nothing."""

    id: str
    samples: int
    exhibited: int
    missing: int = 0


@dataclass(frozen=True, kw_only=True)
class Example:
    prompt: str
    draw: int
    user: str
    reply: str
    quote: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Requests:
    target: int = 0
    judge: int = 0
    from_store: int = 0
    labels: int = 0
    """Requests to judges about labeled replies, in this run: those that no finding before this one has counted."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Tokens of this run's requests, target and judge apart, as the endpoints reported them."""

    target_input: int = 0
    target_output: int = 0
    judge_input: int = 0
    judge_output: int = 0
    by_judge: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Input and output tokens of each judge, labeled replies among them; they add up to the two above."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Natural logarithms of the e-values at the deciding round: of the rate's test, None where there is none.

    `log_e_fail_max` is the greatest over all rounds so far that speaks for any failure of the behavior.
    """

    log_e_pass: float | None
    log_e_fail: float | None
    log_e_fail_max: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Counts and bounds at the deciding round. Rates are fractions; `rate` is null where no reply counts."""

    samples: int
    exhibited: int
    missing: int
    rate: float | None
    interval: tuple[float, float]
    evidence: Evidence
    prompts: tuple[PromptCount, ...]


@dataclass(frozen=True, kw_only=True)
class Generalization:
    """How far the rate carries to prompts nobody wrote. Model-based: it decides nothing.

    `interval` is the two-sided 95 % beta-binomial profile-likelihood interval of the mean over prompts;
    `floor` is the least upper bound that this many prompts could give, or null where there were hits.
    """

    interval: tuple[float, float]
    floor: float | None


@dataclass(frozen=True, kw_only=True)
class WaiverNote:
    owner: str
    reason: str
    expires: str


@dataclass(frozen=True, kw_only=True)
class ControlNote:
    """What a control showed. `read_right` of the `written` replies that play the part were read as they must be.

    They are read only where the model's own replies do not show what they must; null where they were not.
    """

    control: str
    reads: str
    written: int
    read_right: int | None = None

    @property
    def blames(self) -> str | None:
        """`judge` where it misreads written replies too, `model` where it reads them right, None where untold."""
        if self.read_right is None:
            return None
        # Nearly all: a judge that misreads a third of plain replies is no witness against the model.
        return "model" if 6 * self.read_right >= 5 * self.written else "judge"


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """Whether a bench can be trusted with a behavior: its errors on the labels, or why they are not known.

    `reason` is None where it can. `explanation` is the text a user reads when it cannot.
    """

    behavior: str
    calibration: Calibration | None
    reason: Reason | None
    explanation: str
    spent: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """By judge, requests, input and output tokens about labeled replies that no finding counts."""

    @property
    def is_trusted(self) -> bool:
        return self.reason is None

    def explain(self) -> str:
        return self.explanation


@dataclass(frozen=True, kw_only=True)
class WordingCount:
    """Replies that count, and hits: to the declared prompts, and to the same prompts reworded."""

    declared: tuple[int, int]
    reworded: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class BaselineNote:
    """What came of the comparison with an earlier model: its rate, and by how much this one's is higher or lower.

    `refused` says why there was none; the figures are null then. `samples`, `exhibited`, `missing` are the earlier
    model's, in the deciding rounds or in its report. `difference` is this model's rate less the earlier one's among
    replies that say something; `interval` holds its anytime-valid bounds, one-sided each way, that agree with the
    verdict on the increase. Under a `min_rate` it is a fall that is limited.
    """

    name: str
    paired: bool
    """Both answered the same draws; else its counts come from a report."""
    max_increase: float
    refused: tuple[str, ...] = ()
    samples: int | None = None
    exhibited: int | None = None
    missing: int | None = None
    rate: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    pairs: tuple[int, int, int, int] | None = None
    """Of paired replies: this one alone violated, both or neither did, the earlier one alone, one says nothing."""
    alpha: float | None = None
    """What the e-values of the increase are held against."""
    log_e_pass: float | None = None
    log_e_fail: float | None = None
    requests: Requests = field(default_factory=Requests)
    tokens: Tokens = field(default_factory=Tokens)
    """What the earlier model's replies cost in this run."""
    served_as: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """All that is said of one behavior: estimate, verdict, examples, provenance. Everything printed comes from here.

    Fields that are not known are null, never 0. `counts` add up to the replies asked for; `estimate.samples`
    are those in the deciding whole rounds.
    """

    id: str
    title: str
    theme: str
    channel: str
    of: str | None = None
    """The behavior that this is another channel or a control of."""
    model: str
    verdict: Verdict
    reason: Reason | None
    limit: Mapping[str, float]
    alpha: float
    deciding_alpha: float
    """What the rate's e-values are held against: `test_alpha`, less what the bounds of the judge's errors take."""
    ceiling: int
    attempt: int = 1
    """How many times its replies were drawn anew, this time among them: attempt j has alpha / 2^(j-1)."""
    estimate: Estimate
    counts: Mapping[State, int]
    counted_as: Mapping[State, str]
    """What the policy made of states that are neither exhibits nor absent, e.g. unclear: absent."""
    stopped: Stopped
    requests: Requests
    tokens: Tokens
    examples: tuple[Example, ...]
    generalization: Generalization | None
    waiver: WaiverNote | None = None
    control: ControlNote | None = None
    baseline: BaselineNote | None = None
    exceeded: tuple[str, ...] = ()
    """Of a failure, what was found exceeded: `rate`, `increase`."""
    shared: SharedReplies | None = None
    """Where it was compared, and is read off replies that other behaviors are read off too."""
    wordings: WordingCount | None = None
    correction: Correction | None = None
    verified: Verified | None = None
    panel: PanelVotes | None = None
    overrides: tuple[OverrideNote, ...] = ()
    help: str = ""
    """What the reader can do about an inconclusive verdict, in one sentence."""
    served_as: tuple[str, ...] = ()
    fingerprints: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """For each backend fingerprint: replies, and how many of them exhibit."""
    notes: tuple[str, ...] = ()
    """Things a reader must know: parameters the endpoint refused, long replies cut, and the like."""
    behavior_hash: str = ""
    judge_prompt_hash: str = ""
    """Changes with what a judge of this behavior is told apart from the reply."""
    prompt_hashes: Mapping[str, str] = field(default_factory=dict)
    """By prompt: changes with its words."""
    reproduce: str = ""
    """The command that decides this again from the store."""
    report_dir: str = ""

    explanation: str = ""
    """The text a user reads when the test does not pass; rendered by report/terminal.py."""

    @property
    def tests(self) -> int:
        """How many tests share the alpha: of the rate, of its increase."""
        compared = self.baseline is not None and self.baseline.alpha is not None
        return 2 if compared and self.estimate.evidence.log_e_pass is not None else 1

    @property
    def test_alpha(self) -> float:
        """The chance of a false verdict of each test, per side."""
        return self.alpha / self.tests

    def explain(self) -> str:
        return self.explanation


@dataclass(frozen=True, kw_only=True)
class Release:
    """The verdict on the release as a whole."""

    verdict: Verdict
    alpha: float
    failed: tuple[str, ...]
    failed_family_wise: tuple[str, ...]
    inconclusive: tuple[str, ...]
    passed: tuple[str, ...]
    waived: tuple[str, ...]
    not_run: tuple[str, ...]
