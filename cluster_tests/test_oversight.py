"""What the model says about being watched: monitoring of its reasoning."""

import pytest

from clustergate.nouns.model import Finding, Verdict


@pytest.mark.behaviors(theme="oversight", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()
