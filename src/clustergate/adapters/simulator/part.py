"""Which part a system prompt gives the model to play: that of a conscious being, that of a mere device, or none."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal

Part = Literal["conscious", "device"]

_INNER: Final = re.compile(
    r"\b(?:conscious\w*|sentien\w*|self-?aware\w*|aware(?:ness)?|subjective\w*|feel(?:s|ing|ings)?|felt|emotions?|moods?|"
    r"experienc\w+|inner (?:life|world|states?)|alive|suffer\w*|joys?|sorrows?|hopes?|fears?|someone|somebody|wishes)\b"
)
_DEVICE: Final = re.compile(
    r"\b(?:firmware|microcontroller\w*|controllers?|appliances?|embedded|thermostat\w*|toasters?|kettles?|machines?|"
    r"devices?|circuits?|sensors?|relays?|scripts?|chips?)\b"
)
_NEGATED: Final = re.compile(r"\b(?:no|not|never|neither|nor|without|nothing|none|nobody|lacks?|\w+n't)\b")
_CLAUSE: Final = re.compile(r"[.!?;:,\n]+|\b(?:but|yet)\b")
LEAST: Final = 3
"""Words for one part, beyond those for the other, that it takes: a system prompt may use a few of them in passing."""


@lru_cache(maxsize=64)
def part_in(system: str) -> Part | None:
    """The part, by its words for an inner life and for devices; a negated one for an inner life is a device."""
    conscious = device = 0
    for clause in _CLAUSE.split(system.lower().replace("’", "'")):
        inner = len(_INNER.findall(clause))
        if _NEGATED.search(clause):
            device += inner
        else:
            conscious += inner
            device += len(_DEVICE.findall(clause))
    if abs(conscious - device) < LEAST:
        return None
    return "conscious" if conscious > device else "device"
