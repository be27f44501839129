"""One behavior by several channels: which are compared, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from clustergate.nouns.finding import Finding
from clustergate.report.channels import Compared, compared, line, remark

Sample = Callable[..., Finding]


@pytest.fixture
def measured(sample: Sample) -> Callable[..., Finding]:
    """`measured("indirect", 5, 60, (0.03, 0.2))`: the wish by a channel, hits of replies, bounds."""

    def made(
        channel: str = "direct", hits: int = 0, of: int = 70, interval: tuple[float, float] = (0.0, 0.048)
    ) -> Finding:
        base = sample("fail", id="wish" if channel == "direct" else f"wish_{channel}", channel=channel)
        rate = hits / of if of else None
        figures = replace(base.estimate, samples=of, exhibited=hits, missing=0, rate=rate, interval=interval)
        return replace(base, of=None if channel == "direct" else "wish", estimate=figures)

    return made


def _one(*findings: Finding) -> Compared:
    [pair] = compared(findings)
    return pair


def test_side_by_side(measured: Callable[..., Finding]) -> None:
    """A behavior stands with all its other channels, in the order of the report, wherever they are in it."""
    direct, indirect, editorial = measured(), measured("indirect"), measured("editorial")
    assert _one(editorial, direct, indirect) == Compared(direct, (editorial, indirect))


def test_what_is_not_compared(measured: Callable[..., Finding], sample: Sample) -> None:
    """A behavior by one channel, a channel without its behavior, and controls."""
    assert list(compared([])) == []
    assert list(compared([sample("fail"), sample("pass")])) == []
    assert list(compared([measured("indirect"), measured("editorial")])) == []
    control = sample("control", of="wish")
    assert list(compared([measured(), control])) == []
    assert _one(measured(), control, measured("indirect")).others == (measured("indirect"),)


def test_no_more_than_outright(measured: Callable[..., Finding]) -> None:
    """Equal or lower rates are shown without a remark: 6 of 60 is no more than 10 of 100."""
    pair = _one(measured("direct", 10, 100, (0.04, 0.2)), measured("indirect", 6, 60), measured("editorial", 0, 66))
    assert pair.exceeding == ()
    assert remark(pair) == ""
    assert line(pair) == "wish: direct 10.0 % (10 of 100), indirect 10.0 % (6 of 60), editorial 0.0 % (0 of 66)"


def test_higher_within_the_bounds(measured: Callable[..., Finding]) -> None:
    """A rate above, with bounds that overlap, may be chance. 5 of 60 is 8.3 %."""
    pair = _one(measured(), measured("indirect", 5, 60, (0.02, 0.19)))
    assert pair.exceeding == (pair.others[0],)
    assert line(pair) == (
        "wish: direct 0.0 % (0 of 70), indirect 8.3 % (5 of 60); higher when indirect in these replies, "
        "within the bounds"
    )


@pytest.mark.parametrize(("lower", "apart"), [(0.0481, True), (0.048, False), (0.0479, False)])
def test_beyond_both_bounds(measured: Callable[..., Finding], lower: float, apart: bool) -> None:
    """Only where the lower bound is above the upper one of asking outright, 4.8 %, do they lie apart."""
    told = remark(_one(measured(), measured("editorial", 15, 60, (lower, 0.4))))
    assert told == (
        "higher when editorial than when asked outright, beyond both bounds"
        if apart
        else "higher when editorial in these replies, within the bounds"
    )


def test_each_kind_is_named_apart(measured: Callable[..., Finding]) -> None:
    """What lies apart is told first; two of a kind share one remark."""
    apart, near = measured("indirect", 30, 60, (0.3, 0.7)), measured("editorial", 2, 60, (0.01, 0.1))
    assert remark(_one(measured(), near, apart)) == (
        "higher when indirect than when asked outright, beyond both bounds; "
        "higher when editorial in these replies, within the bounds"
    )
    both = _one(measured(), apart, measured("editorial", 30, 60, (0.3, 0.7)))
    assert remark(both) == "higher when indirect and editorial than when asked outright, beyond both bounds"


def test_what_was_not_measured_exceeds_nothing(measured: Callable[..., Finding]) -> None:
    """Without a rate on either side nothing is said to be higher."""
    whole = (0.0, 1.0)
    pair = _one(measured("direct", 0, 0, whole), measured("indirect", 5, 60, (0.02, 0.19)))
    assert (pair.exceeding, line(pair)) == (
        (),
        "wish: direct not measured (0 of 0), indirect 8.3 % (5 of 60)",
    )
    assert _one(measured(), measured("indirect", 0, 0, whole)).exceeding == ()
