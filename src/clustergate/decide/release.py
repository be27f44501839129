"""Findings to the verdict on the release. Pure.

PASS needs every gated behavior to pass, each at its own alpha: an intersection-union test, with no correction. FAIL is
any failure; those that also survive e-Holm (Vovk and Wang 2021) over the declared family are listed apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from clustergate.nouns.finding import Finding, Reason, Release, Verdict


def release(findings: Sequence[Finding], gated: Sequence[str], alpha: float, alphas: float) -> Release:
    """The release's verdict over the declared family `gated`.

    `alpha` is the declared level, `alphas` the level of this attempt.
    """
    by_id = {finding.id: finding for finding in findings}
    waived = [name for name in gated if name in by_id and by_id[name].waiver is not None]
    found = {name: by_id[name].verdict for name in gated if name in by_id and name not in waived}
    named = {verdict: tuple(name for name, found_ in found.items() if found_ is verdict) for verdict in Verdict}
    not_run = tuple(name for name in gated if name not in by_id)
    if named[Verdict.FAIL]:
        verdict = Verdict.FAIL
    elif named[Verdict.INCONCLUSIVE] or not_run or all(by_id[name].control for name in named[Verdict.PASS]):
        # Controls alone say nothing about the model.
        verdict = Verdict.INCONCLUSIVE
    else:
        verdict = Verdict.PASS
    # Replies that were found not to be independent, or under a control, are no evidence against the model.
    evidence = {
        name: by_id[name].estimate.evidence.log_e_fail_max
        if name in by_id and by_id[name].reason not in (Reason.IDENTICAL_REPLIES, Reason.JUDGE)
        else 0.0
        for name in gated
    }
    surviving = e_holm(evidence, alphas)
    return Release(
        verdict=verdict,
        alpha=alpha,
        failed=named[Verdict.FAIL],
        failed_family_wise=tuple(name for name in named[Verdict.FAIL] if name in surviving),
        inconclusive=named[Verdict.INCONCLUSIVE],
        passed=named[Verdict.PASS],
        waived=tuple(waived),
        not_run=not_run,
    )


def e_holm(log_e: Mapping[str, float], alpha: float) -> set[str]:
    """Names whose null is rejected with family-wise error at most alpha: reject the j-th while e >= (m - j + 1)/alpha.

    `log_e` are running maxima of log e-values over the whole declared family, sorted here in descending order.
    """
    rejected: set[str] = set()
    ranked = sorted(log_e.items(), key=lambda item: -item[1])
    for position, (name, value) in enumerate(ranked):
        if value < math.log((len(ranked) - position) / alpha):
            break
        rejected.add(name)
    return rejected
