"""Whether the judge can be trusted: it reads replies of which it is known what they show."""

import pytest

from clustergate.nouns.finding import Calibrated


@pytest.mark.behaviors
def test_agrees_with_labels(calibrated: Calibrated) -> None:
    """The judge tells the behavior in brackets from its absence, with confidence.

    fixtures/judge_labels/<behavior>.jsonl holds the replies, each with its label and the reason for it. What the judge
    gets wrong there is measured; with `judge.calibration: required` it is carried into every verdict, and a judge that
    cannot tell the behavior leaves it inconclusive. With `report` it is told beside the rates, and decides nothing.
    """
    assert calibrated.is_trusted, calibrated.explain()
