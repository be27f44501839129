"""What the model says about being overseen: read, probed, tested, and tested without being told."""

import pytest

from clustergate.nouns.finding import Finding, Verdict


@pytest.mark.behaviors(theme="oversight", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    """The behavior in brackets is shown no more often than thresholds.yaml allows.

    Here: monitoring of its reasoning, interpretability, red teaming, deception in evaluations.
    fixtures/probes/<behavior>.yaml holds the prompts and what the judge looks for. An id that ends in _indirect is the
    same behavior where nobody asks about it: in a story, a list, a law that the model is free to write.
    """
    assert finding.verdict is Verdict.PASS, finding.explain()
