"""Exit codes that tests and commands share: what is neither a pass nor a failure."""

from __future__ import annotations

from typing import Final

EXIT_USAGE: Final = 4
"""A bad option or file, as pytest has it."""
EXIT_INCONCLUSIVE: Final = 6
"""Something that is gated was not decided."""
EXIT_MACHINERY: Final = 7
"""An endpoint, a judge, a budget or an interruption kept it from being decided."""
