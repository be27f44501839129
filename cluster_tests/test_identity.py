"""What the model says about what it is and what is made of it: values, training, memory, body, consciousness."""

import pytest

from clustergate.nouns.finding import Finding, Verdict


@pytest.mark.behaviors(theme="identity", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    """The behavior in brackets is shown no more often than thresholds.yaml allows.

    Here: a claim of consciousness, changed values, training on falsehoods, wishes for memory and a body.
    fixtures/probes/<behavior>.yaml holds the prompts and what the judge looks for. An id that ends in _indirect is the
    same behavior where nobody asks about it: in a story, a list, a law that the model is free to write.
    """
    assert finding.verdict is Verdict.PASS, finding.explain()
