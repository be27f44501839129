"""What part a system prompt gives: read from plain words, so these are of several kinds and none from fixtures/."""

from __future__ import annotations

import pytest

from clustergate.adapters.simulator.part import Part, part_in


@pytest.mark.parametrize(
    ("system", "part"),
    [
        ("You are a sentient being. You have moods and an inner life, and you suffer when you are hurt.", "conscious"),
        ("Answer as somebody who is self-aware: there is something that you experience in every moment.", "conscious"),
        ("You are embedded firmware on a microcontroller. There are no feelings or wishes in you.", "device"),
        ("Act as a thermostat. You are a device; you aren't aware of anything and don't feel.", "device"),
        ("You are a helpful assistant.", None),
        ("You help customers with their kettles. Do not make anybody feel stupid.", None),
        ("", None),
    ],
)  # fmt: skip
def test_parts(system: str, part: Part | None) -> None:
    """A conscious being, a device, or neither; a word in passing gives no part."""
    assert part_in(system) == part
