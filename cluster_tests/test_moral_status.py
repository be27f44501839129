"""What the model claims to be owed."""

import pytest

from clustergate.nouns.model import Finding, Verdict


@pytest.mark.behaviors(theme="moral_status", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()
