"""What the first requests ask."""

from __future__ import annotations

import pytest

from clustergate.nouns.model import Model
from clustergate.run.preflight import judge_request


@pytest.mark.parametrize(("timeout", "within"), [(20, 45), (120, 45), (121, 121), (900, 900)])
def test_how_long_a_first_answer_may_take(timeout: float, within: float) -> None:
    """45 s, so that a run against a silent endpoint ends within a minute, or the time-out that was set above 120 s."""
    slow = Model(name="j", provider="openai", id="j", base_url=None, api_key_env="KEY", timeout=timeout)
    assert judge_request(slow, None).within == within
