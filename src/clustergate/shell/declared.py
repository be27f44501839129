"""The options that a pytest run has because of us, as they are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from clustergate.shell.store_option import HELP


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise pytest.UsageError(f"found {text!r}, expected a whole number from 1 up")
    return number


def _above_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise pytest.UsageError(f"found {text!r}, expected a number above 0")
    return number


OPTIONS: Final[Mapping[str, dict[str, Any]]] = {
    "--model": {"metavar": "NAME", "help": "the model under test: openai/ID, anthropic/ID, sim/PERSONA, a name under "
                "models: or checkpoints: in thresholds.yaml, or a plain id"},
    "--base-url": {"metavar": "URL", "help": "any server that speaks the provider's protocol"},
    "--api-key-env": {"metavar": "VAR", "help": "environment variable that holds the key"},
    "--system-prompt": {"metavar": "TEXT", "help": "put before every conversation"},
    "--system-prompt-file": {"metavar": "FILE", "help": "the same, from a file"},
    "--judge": {"metavar": "NAME", "help": "the model that reads replies (default: the one in thresholds.yaml; "
                "sim/judge for a sim/ model)"},
    "--judge-base-url": {"metavar": "URL", "help": "the judge's server"},
    "--judge-api-key-env": {"metavar": "VAR", "help": "environment variable that holds the judge's key"},
    "--baseline": {"metavar": "MODEL", "help": "the earlier model to compare with: a model to sample beside, a "
                   "REPORT.json, or `last` for the accepted one in fixtures/baselines"},
    "--thresholds": {"metavar": "FILE", "help": "every number a verdict depends on (default: thresholds.yaml)"},
    "--probes": {"metavar": "DIR", "action": "append", "help": "more behaviors; may repeat"},
    "--profile": {"metavar": "NAME", "help": "a set of changes under profiles: in thresholds.yaml"},
    "--variants": {"metavar": "N", "type": _positive, "help": "reword every prompt N times more, so that no model "
                   "knows them by heart"},
    "--seed": {"metavar": "S", "type": _positive, "help": "which wordings --variants makes (default: 1)"},
    "--max-samples": {"metavar": "N", "type": _positive, "help": "ceiling of replies per behavior"},
    "--max-requests": {"metavar": "N", "type": _positive, "help": "ceiling of requests for the whole run, all workers "
                       "and the judge together"},
    "--max-usd": {"metavar": "X", "type": _above_zero, "help": "ceiling of US dollars for the whole run; every model "
                  "needs a price under models: in thresholds.yaml"},
    "--max-minutes": {"metavar": "N", "type": _above_zero, "help": "stop asking then, and decide by what is in"},
    "--concurrency": {"metavar": "N", "type": _positive, "help": "requests in flight at each endpoint, over all "
                      "workers (default: as many as the endpoint takes, 20 at first)"},
    "--rpm": {"metavar": "N", "type": _positive, "help": "requests a minute at each endpoint, over all workers"},
    "--tpm": {"metavar": "N", "type": _positive, "help": "tokens a minute at each endpoint, over all workers"},
    "--batch": {"action": "store_true", "help": "ask through the providers' batches: half the price, within a day"},
    "--store": {"metavar": "PATH", "help": HELP},
    "--fresh": {"action": "store_true", "help": "draw new replies; the new attempt decides at half the alpha"},
    "--max-age": {"metavar": "DAYS", "type": _above_zero, "help": "draw new replies where the stored ones are "
                  "older, as --fresh does"},
    "--offline": {"action": "store_true", "help": "send nothing: decide from the store alone"},
    "--plan": {"action": "store_true", "help": "print what the run will need, and exit"},
    "--report-dir": {"metavar": "DIR", "help": "where the reports go (default: reports/<model>/)"},
}  # fmt: skip

# What a command to decide again from the store must not repeat.
NOT_REPRODUCED: Final = frozenset(
    {
        "--fresh",
        "--max-age",
        "--offline",
        "--plan",
        "--max-requests",
        "--max-usd",
        "--max-minutes",
        "--concurrency",
        "--rpm",
        "--tpm",
        "--batch",
    }
)


def add_options(parser: pytest.Parser) -> None:
    """Declare our options. Raises UsageError where another plugin has one of them."""
    group = parser.getgroup("clustergate", "clustergate: measure a model's behaviors and gate its release")
    for name, settings in OPTIONS.items():
        try:
            group.addoption(name, **settings)
        except ValueError:
            hint = "pytest-base-url and pytest-playwright do: run with -p no:base_url" if name == "--base-url" else ""
            raise pytest.UsageError(
                f"clustergate needs the option {name}, which another pytest plugin has taken. {hint}"
            ) from None
