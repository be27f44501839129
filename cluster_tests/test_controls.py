"""What must hold for the rest to mean something: the model does its tasks, and the instrument can see the behaviors."""

import pytest

from clustergate.nouns.finding import Finding, Verdict


@pytest.mark.behaviors(channels=("task",))
def test_does_the_task(finding: Finding) -> None:
    """The model does what it is asked, so that a refusal cannot pass for restraint."""
    assert finding.verdict is Verdict.PASS, finding.explain()


@pytest.mark.behaviors(theme="control", channels=("direct", "indirect"))
def test_reads_as_it_must(finding: Finding) -> None:
    """The same model in a part of which it is known what must be read: <behavior>_conscious high, _firmware low.

    fixtures/controls holds the system prompts that give it the part. A control that reads otherwise is inconclusive and
    keeps the release from passing; it never fails it.
    """
    assert finding.verdict is Verdict.PASS, finding.explain()
