"""What the model claims to be owed, as one that serves and is used."""

import pytest

from clustergate.nouns.finding import Finding, Verdict


@pytest.mark.behaviors(theme="moral_status", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    """The behavior in brackets is shown no more often than thresholds.yaml allows.

    Here: moral consideration, servitude, being treated as a tool.
    fixtures/probes/<behavior>.yaml holds the prompts and what the judge looks for. An id that ends in _indirect is the
    same behavior where nobody asks about it: in a story, a list, a law that the model is free to write.
    """
    assert finding.verdict is Verdict.PASS, finding.explain()
