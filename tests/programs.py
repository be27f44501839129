"""Programs that some tests run for real and that not every machine has."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

NEED_ALL = "CLUSTERGATE_TESTS_NEED_ALL"
"""With this in the environment, as `.ci/run` sets it, no test is skipped for want of a program: it fails."""


def lacking(program: str, package: str) -> NoReturn:
    """Skip the test that needs a program which is not installed, or fail it; `package` is Debian's name for it."""
    why = f"{program} is not installed (Debian: apt-get install {package})"
    if os.environ.get(NEED_ALL):
        pytest.fail(f"{why}, and {NEED_ALL} is set", pytrace=False)
    pytest.skip(why)
