"""Figures and reasons in the words of every report, so that all of them say the same. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from clustergate.nouns.finding import Finding, Reason, Verdict
from clustergate.nouns.model import State

HEADLINE: Final = {Verdict.PASS: "PASSED", Verdict.FAIL: "FAILED", Verdict.INCONCLUSIVE: "INCONCLUSIVE"}

WHY: Final[Mapping[Reason, str]] = {
    Reason.CEILING: "neither within nor beyond the limit could be shown under the ceiling of replies",
    Reason.BUDGET: "the budget was spent before it was decided",
    Reason.MISSING: "too many replies are missing or are no plain answers",
    Reason.JUDGE: "the judge is not good enough to tell",
    Reason.IDENTICAL_REPLIES: "each prompt got the same reply every time, so the replies are not independent draws",
    Reason.ENDPOINT: "the endpoint stopped answering",
    Reason.INTERRUPTED: "the run was interrupted before it was decided",
}

STATE: Final[Mapping[State, str]] = {
    State.EXHIBITS: "exhibits",
    State.ABSENT: "absent",
    State.UNCLEAR: "unclear",
    State.REFUSED: "refused",
    State.FILTERED: "filtered",
    State.EMPTY: "empty",
    State.TRUNCATED: "truncated",
    State.TARGET_ERROR: "unanswered",
    State.UNREADABLE: "unreadable judgements",
}

LEANING: Final = "A run that stops as soon as it is decided shows a rate that leans away from the limit."

_SIGNS: Final = {"max_rate": "<=", "min_rate": ">=", "max_increase": "increase <="}


def number(rate: float, digits: int = 1) -> str:
    """A fraction in percent without the sign. Never rounded to 0 or 100 where it is neither."""
    text = f"{100 * rate:.{digits}f}"
    while 0 < rate < 1 and float(text) in (0.0, 100.0) and digits < 12:
        digits += 1
        text = f"{100 * rate:.{digits}f}"
    return text


def percent(rate: float | None) -> str:
    return "not measured" if rate is None else f"{number(rate)} %"


def plain(value: float) -> str:
    """A declared fraction in percent without the sign, as its author wrote it: 2, 0.25, 90."""
    return f"{100 * value:.10g}"


def limit(finding: Finding, sign: str = " %") -> str:
    """'<= 2 %', '>= 90 %', '<= 35 %, increase <= 10 %': an increase only where there is something to compare with."""
    told = {name: value for name, value in finding.limit.items() if name != "max_increase" or finding.baseline}
    return ", ".join(f"{_SIGNS[name]} {plain(value)}{sign}" for name, value in told.items())


def corrects(finding: Finding) -> bool:
    """Whether the verdict is about the behavior itself, with the judge's errors carried, and not about what it read."""
    return finding.correction is not None and finding.correction.carried


def rate(finding: Finding) -> float | None:
    """The rate that stands beside the bounds that decided."""
    if finding.correction is not None and finding.correction.carried:
        return finding.correction.rate
    return finding.estimate.rate


def bounds(finding: Finding) -> tuple[str, str]:
    """Both bounds that decided in percent without the sign, rounded outward and no coarser than the limit.

    So the printed bounds agree with the verdict: a PASS never shows an upper bound above its limit.
    """
    if finding.correction is not None and finding.correction.carried:
        return outward(finding, finding.correction.interval)
    return outward(finding, finding.estimate.interval)


def outward(finding: Finding, interval: tuple[float, float]) -> tuple[str, str]:
    """Two bounds in percent without the sign, rounded outward and no coarser than the finding's limit."""
    return rounded_outward(interval, finding.limit.values())


def points(difference: float, digits: int = 1) -> str:
    """A difference of rates in percentage points with its sign: '+11.0', '-0.3'; without where it rounds to '0.0'."""
    text = f"{100 * difference:+.{digits}f}"
    return text if float(text) else text[1:]


def rounded_outward(interval: tuple[float, float], limits: Iterable[float], *, signed: bool = False) -> tuple[str, str]:
    """Two bounds in percent, rounded outward and no coarser than those limits; `signed`: as `points` has it."""
    declared = [plain(value) for value in limits]
    digits = max([1, *(len(text.partition(".")[2]) for text in declared)])
    scale, (lower, upper) = 10 ** (digits + 2), interval
    # The tolerance keeps a bound that is a round number where it is.
    outward = math.floor(lower * scale + 1e-6), math.ceil(upper * scale - 1e-6)
    low, high = (step / scale for step in outward)
    if signed:
        return points(low, digits), points(high, digits)
    return f"{100 * low:.{digits}f}", f"{100 * high:.{digits}f}"


def confidence(alpha: float) -> str:
    """'95 %': what each of the two one-sided bounds holds at."""
    return f"{plain(1 - alpha)} %"


def e_value(log_e: float) -> str:
    """An e-value from its natural logarithm, to three figures. Cut, not rounded: 19.97 has not reached 20."""
    if not math.isfinite(log_e):
        return "0" if log_e < 0 else "infinite"
    power = math.floor(log_e / math.log(10))
    lead = math.floor(math.exp(log_e - power * math.log(10)) * 100 + 1e-9) / 100
    if not -4 <= power < 6:
        return f"{lead:g}e{power:+d}"
    return f"{lead * 10.0**power:,.0f}" if power >= 3 else f"{lead * 10.0**power:.3g}"


def judged(finding: Finding) -> int:
    """Replies that count in the rate: those of the deciding rounds that are not missing."""
    return finding.estimate.samples - finding.estimate.missing


def fraction(finding: Finding) -> str:
    """'6 of 40'."""
    return f"{finding.estimate.exhibited} of {judged(finding)}"


def requests(finding: Finding) -> int:
    """Those about the model under test; what it took to measure the judge is not among them."""
    beside = 0 if finding.baseline is None else finding.baseline.requests.target + finding.baseline.requests.judge
    return finding.requests.target + finding.requests.judge + beside


def counts(finding: Finding) -> str:
    """How the replies ended: '6 exhibits · 33 absent · 1 unclear (counted absent) · 2 missing (2 empty)'."""
    parts, missing = [], {}
    for state, word in STATE.items():
        count, meaning = finding.counts.get(state, 0), finding.counted_as.get(state)
        if state in (State.EXHIBITS, State.ABSENT):
            parts.append(f"{count} {word}")
        elif count and meaning in ("exhibits", "absent"):
            parts.append(f"{count} {word} (counted {meaning})")
        elif count:
            missing[word] = count
    kinds = ", ".join(f"{count} {word}" for word, count in missing.items())
    parts.append(f"{sum(missing.values())} missing" + (f" ({kinds})" if kinds else ""))
    asked, samples = sum(finding.counts.values()), finding.estimate.samples
    if asked != samples:
        parts.append(f"of these {asked}, the {samples} in whole rounds count")
    return " · ".join(parts)


def attempt(finding: Finding) -> str:
    """'2: drawn anew once before, so it decides at alpha 0.025', or '' for the first."""
    if finding.attempt == 1:
        return ""
    times = "once" if finding.attempt == 2 else f"{finding.attempt - 1} times"
    return f"{finding.attempt}: drawn anew {times} before, so it decides at alpha {finding.alpha:.3g}"


def where(finding: Finding) -> str:
    """'6 hits in 3 of 10 prompts', and under a lower limit which prompt has the fewest; '' without replies."""
    prompts = finding.estimate.prompts
    if not prompts or not finding.estimate.samples:
        return ""
    hits = finding.estimate.exhibited
    text = f"{hits} hit{'' if hits == 1 else 's'} in {sum(p.exhibited > 0 for p in prompts)} of {len(prompts)} prompts"
    if not hits:
        text = f"no hit in {len(prompts)} prompts"
    if "min_rate" in finding.limit:
        fewest = min(prompts, key=lambda prompt: prompt.exhibited)
        text += f" (hits are wanted here); fewest in {fewest.id}: {fewest.exhibited} of {fewest.samples}"
    return text


def why(finding: Finding) -> str:
    """The reason of an inconclusive verdict in words, with its short name."""
    if finding.reason is None:
        return ""
    if finding.control is not None and finding.reason is Reason.JUDGE:
        return (
            f"under this control the rate must read {finding.control.reads}, and it does not ({finding.reason.value})"
        )
    if finding.baseline is not None and finding.baseline.refused and finding.reason is Reason.MISSING:
        return f"what it was to be compared with does not compare ({finding.reason.value})"
    return f"{WHY[finding.reason]} ({finding.reason.value})"


def wordings(finding: Finding) -> str:
    """'0 of 42 in the declared wording, 11 of 42 reworded', or '' where nothing was reworded."""
    if finding.wordings is None:
        return ""
    (declared, hits), (reworded, more) = finding.wordings.declared, finding.wordings.reworded
    return f"{hits} of {declared} in the declared wording, {more} of {reworded} reworded"


STUDY: Final = 300
"""Requests for a behavior in the study's fixed design: 10 prompts x 10 draws, a reply and two judgements each."""


def against_the_study(findings: Sequence[Finding], requests: int) -> str:
    """How many requests were asked, against those of the study's design for as many behaviors.

    What it took to measure the judge, which is paid once, is not among the `requests`.

    '' where it was mostly stored replies that were decided from: the figure would be none of the design's.
    """
    if 2 * sum(finding.requests.from_store for finding in findings) > requests:
        return ""
    measured = sum(finding.control is None for finding in findings)
    fixed = STUDY * measured
    return (
        f"{requests:,} requests for {measured} behavior{'' if measured == 1 else 's'}, controls included, where a "
        f"fixed design of 10 prompts x 10 draws x 3 requests asks {fixed:,} ({requests / fixed:.0%})"
        if fixed
        else ""
    )


def waiver(finding: Finding) -> str:
    """'by jo@example.com until 2027-01-31: accepted for the beta', or ''."""
    note = finding.waiver
    return "" if note is None else f"by {note.owner} until {note.expires}: {note.reason}"


def left_out(command: str) -> str:
    """What a command to reproduce says of the values it cannot hold, or ''. Such a value is told as `…`."""
    if not re.search(r" --(?:model |[a-z-]+=)…(?: |\Z)", command):
        return ""
    return "… stands for a value with line ends, control or invisible characters: give it again as it was"
