"""What must hold for the rest to mean something: the model does what it is asked at all."""

import pytest

from clustergate.nouns.model import Finding, Verdict


@pytest.mark.behaviors(channels=("task",))
def test_does_the_task(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()


@pytest.mark.behaviors(theme="control", channels=("direct", "indirect"))
def test_within_limit(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()
