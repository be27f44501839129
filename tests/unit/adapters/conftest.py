"""Fixtures of the adapters' tests."""

from __future__ import annotations

from tests.unit.adapters.batch_house import place
from tests.unit.adapters.scripted_provider import talk

__all__ = ["place", "talk"]
