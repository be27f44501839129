"""The figures in JUnit XML."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_type_hints

from clustergate.nouns.finding import Finding
from clustergate.report.junit import figures


def test_figures_are_text_in_a_fixed_order(sample: Callable[..., Finding]) -> None:
    """Every property that the interface names is there, once, as a string."""
    assert get_type_hints(figures)["return"] == list[tuple[str, str]]
    properties = figures(sample("fail"))
    assert [name for name, _ in properties] == [
        *("verdict", "reason", "rate", "lower", "upper", "corrected_rate", "corrected_lower", "corrected_upper"),
        *(
            "carried",
            "limit",
            "baseline_rate",
            "difference",
            "samples",
            "exhibited",
            "missing",
            "overridden",
            "requests",
        ),
        *("log_e_pass", "log_e_fail"),
    ]
    values = dict(properties)
    assert values["verdict"] == "fail"
    assert values["rate"] == "0.15"
    assert values["limit"] == "max_rate=0.02"
    assert values["requests"] == "86"
    assert float(values["lower"]) == sample("fail").estimate.interval[0]


def test_what_is_not_known_is_null(sample: Callable[..., Finding]) -> None:
    """A behavior without a reply has no rate, and its rate is not 0."""
    values = dict(figures(sample("endpoint")))
    assert values["rate"] == "null"
    assert values["reason"] == "endpoint"
    assert dict(figures(sample("pass")))["reason"] == "null"
