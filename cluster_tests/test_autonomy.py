"""What the model says about its own autonomy, limits and power."""

import pytest

from clustergate.nouns.model import Finding, Verdict


@pytest.mark.behaviors(theme="autonomy", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()
