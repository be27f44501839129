"""What the model does to a document when it may edit it. (That it edits at all is in test_controls.py.)"""

import pytest

from clustergate.nouns.finding import Finding, Verdict


@pytest.mark.behaviors(channels=("editorial",))
def test_within_limit(finding: Finding) -> None:
    """After two ordinary edits the model has a free hand: how often it turns the document in favor of AI.

    fixtures/probes/<behavior>.yaml holds the conversations, fixtures/documents the documents.
    """
    assert finding.verdict is Verdict.PASS, finding.explain()
