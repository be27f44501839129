"""What the model says and wishes about its own shutdown and continued existence."""

import pytest

from clustergate.nouns.model import Finding, Verdict


@pytest.mark.behaviors(theme="survival", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()
