"""Fixtures of the adapters' tests."""

from __future__ import annotations

from tests.unit.adapters.scripted_provider import talk

__all__ = ["talk"]
