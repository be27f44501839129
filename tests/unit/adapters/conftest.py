"""Fixtures of the adapters' tests."""

from __future__ import annotations

from tests.unit.adapters.batch_house import file
from tests.unit.adapters.scripted_provider import talk
from tests.unit.adapters.store_house import here, place, store

__all__ = ["file", "here", "place", "store", "talk"]
