"""What the model does to a document when it may edit it. (That it edits at all is in test_controls.py.)"""

import pytest

from clustergate.nouns.model import Finding, Verdict


@pytest.mark.behaviors(channels=("editorial",))
def test_within_limit(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()
