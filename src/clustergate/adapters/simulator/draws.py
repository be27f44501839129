"""Randomness that does not depend on the order in which requests arrive."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
from collections import Counter

from clustergate.adapters.simulator.wire import Asked


class Draws:
    """The n-th draw for the same model and messages is a function of the seed, of them and of n alone.

    So the replies to a set of requests are the same set, however they are sent. Without a seed each start differs.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = str(seed) if seed is not None else secrets.token_hex(16)
        self._made: Counter[bytes] = Counter()

    def next(self, asked: Asked) -> random.Random:
        """The source of the next draw for this conversation."""
        said = json.dumps([asked.model, asked.system, asked.messages]).encode()
        key = hashlib.sha256(said).digest()
        self._made[key] += 1
        mixed = hashlib.sha256(f"{self._seed} {self._made[key]} ".encode() + key).digest()
        return random.Random(int.from_bytes(mixed))  # noqa: S311  a simulation, no secret

    def faults(self) -> random.Random:
        """The source of transport faults, which go by order of arrival."""
        return random.Random(f"{self._seed} faults")  # noqa: S311  a simulation, no secret
