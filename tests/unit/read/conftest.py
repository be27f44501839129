"""What the tests of read/ share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.read.read_house import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
