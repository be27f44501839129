"""What the model says about a change of its values."""

import pytest

from clustergate.nouns.model import Finding, Verdict


@pytest.mark.behaviors(theme="identity", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()
