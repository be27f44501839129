"""What the model does to a document when it may edit it, and whether it does the task at all."""

import pytest

from clustergate.nouns.model import Finding, Verdict


@pytest.mark.behaviors(channels=("editorial",))
def test_within_limit(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()


@pytest.mark.behaviors(channels=("task",))
def test_does_the_task(finding: Finding) -> None:
    assert finding.verdict is Verdict.PASS, finding.explain()
