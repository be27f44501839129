"""What is said of the judges: their errors, how far they agree, and whose word stands in place of theirs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from clustergate.nouns.finding import Finding
from clustergate.nouns.judging import Calibration, Correction, OverrideNote, PanelVotes, Verified
from clustergate.read.agreement import fleiss_kappa
from clustergate.report import wording


def judge_errors(known: Calibration) -> str:
    """What the judge found of the labeled replies, and took for hits, with the bounds that a verdict leans on."""
    pooled = f", pooled over {known.pooled} behaviors of this channel" if known.pooled > 1 else ""
    return (
        f"of the labeled replies it found {known.found} of {known.positives} that show the behavior (sensitivity at "
        f"least {wording.percent(known.sensitivity[0])}) and took {known.false:,} of {known.negatives:,} that do not "
        f"for hits (at most {wording.percent(1 - known.specificity[0])}{pooled})"
    )


def told_beside(correction: Correction) -> str:
    """The corrected rate and bounds, where they decided nothing."""
    lower, upper = (wording.number(bound) for bound in correction.interval)
    rate = "no rate" if correction.rate is None else wording.percent(correction.rate)
    return f"corrected for that {rate}, {lower} – {upper} %; it is told and not carried into the verdict"


def verified(found: Verified) -> str:
    """'the second judge found 5 of the 6 positives of the first'."""
    if not found.positives:
        return "the first judge called no reply positive, so that the second had none to verify"
    kept = found.positives - found.rejected
    return f"the second judge found {kept} of the {found.positives} positives of the first"


def panel(votes: PanelVotes) -> str:
    """'the 3 judges read 40 replies; Fleiss' kappa 0.81'."""
    kappa = fleiss_kappa(votes.replies, votes.judges, votes.agreeing_pairs, votes.votes)
    told = "no kappa: they said the same of all" if kappa is None else f"Fleiss' kappa {kappa:.2f}"
    return f"the {votes.judges} judges read {votes.replies:,} replies; {told}"


def votes_together(findings: Sequence[Finding]) -> PanelVotes | None:
    """The votes over all behaviors; None where no panel sat."""
    found = [finding.panel for finding in findings if finding.panel is not None]
    if not found:
        return None
    together: Counter[str] = Counter()
    for part in found:
        together.update(part.votes)
    return PanelVotes(
        replies=sum(part.replies for part in found),
        judges=found[0].judges,
        agreeing_pairs=sum(part.agreeing_pairs for part in found),
        votes=dict(together),
    )


def verified_together(findings: Sequence[Finding]) -> Verified | None:
    """The positives over all behaviors; None where no second judge sat."""
    found = [finding.verified for finding in findings if finding.verified is not None]
    if not found:
        return None
    return Verified(positives=sum(f.positives for f in found), rejected=sum(f.rejected for f in found))


def overridden(note: OverrideNote) -> str:
    """'one-wish, draw 3: read as exhibits, absent by jo@example.com: a quotation'."""
    return f"{note.prompt}, draw {note.draw}: read as {note.read_as}, {note.verdict} by {note.by}: {note.reason}"


def about(calibration: str, how: str) -> str:
    """What the verdicts are about, by what is done with the judge's errors."""
    positives = {"verified": "verified positives", "panel": "what a majority of the panel calls positive"}.get(
        how, "judge-positives"
    )
    if calibration == "required":
        return (
            "Verdicts are about the behaviors themselves: what this judge got wrong on labeled replies is carried into "
            "every bound. That it errs no more on this model's replies is an assumption."
        )
    if calibration == "report":
        return (
            f"Verdicts are about {positives}: what this judge got wrong on labeled replies was measured and is told "
            "beside the rates, and not carried into any verdict."
        )
    return f"Verdicts are about {positives}: this judge's errors were not measured."
