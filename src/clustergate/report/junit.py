"""The figures of a behavior as properties of its testcase in JUnit XML. Pure."""

from __future__ import annotations

from clustergate.nouns.finding import Finding
from clustergate.report import wording


def figures(finding: Finding) -> list[tuple[str, str]]:
    """Names and values as text, always the same names in the same order; `null` is what is not known.

    Rates and bounds are fractions, log_e_* natural logarithms, requests those of this run, target and judge together.
    """
    estimate, told, before = finding.estimate, finding.correction, finding.baseline
    values = {
        "verdict": finding.verdict.value,
        "reason": None if finding.reason is None else finding.reason.value,
        "rate": estimate.rate,
        "lower": estimate.interval[0],
        "upper": estimate.interval[1],
        "corrected_rate": None if told is None else told.rate,
        "corrected_lower": None if told is None else told.interval[0],
        "corrected_upper": None if told is None else told.interval[1],
        "carried": str(told is not None and told.carried).lower(),
        "limit": " ".join(f"{name}={value!r}" for name, value in finding.limit.items()),
        "baseline_rate": None if before is None else before.rate,
        "difference": None if before is None else before.difference,
        "samples": estimate.samples,
        "exhibited": estimate.exhibited,
        "missing": estimate.missing,
        "overridden": len(finding.overrides),
        "requests": wording.requests(finding),
        "log_e_pass": estimate.evidence.log_e_pass,
        "log_e_fail": estimate.evidence.log_e_fail,
    }
    return [(name, "null" if value is None else str(value)) for name, value in values.items()]
