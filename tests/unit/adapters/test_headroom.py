"""What providers tell of an account's limits with every answer, and how long one waits for room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.adapters.endpoints.headroom import headrooms
from clustergate.nouns.headroom import Headroom

NOW = 1_774_000_000.0  # 2026-03-20T09:46:40Z


def test_openai() -> None:
    """Requests and tokens, with spans of time as OpenAI writes them."""
    told = {
        "x-ratelimit-limit-requests": "60", "X-RateLimit-Remaining-Requests": "59", "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000", "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    }  # fmt: skip
    assert headrooms(told, NOW) == (
        Headroom("requests", 60, 59, 1.0), Headroom("tokens", 150000, 149984, 360.0),
    )  # fmt: skip


def test_anthropic() -> None:
    """Three kinds, with the moment of the reset in RFC 3339."""
    told = {
        "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-03-20T09:47:00Z",
        "anthropic-ratelimit-input-tokens-limit": "40000", "anthropic-ratelimit-input-tokens-remaining": "39000",
        "anthropic-ratelimit-input-tokens-reset": "2026-03-20T09:46:41Z",
    }  # fmt: skip
    assert headrooms(told, NOW) == (Headroom("requests", 50, 0, 20.0), Headroom("tokens", 40000, 39000, 1.0))


def _requests(remaining: str, reset: str) -> dict[str, str]:
    named = {"remaining": remaining, "limit": "9", "reset": reset}
    return {f"x-ratelimit-{name}-requests": value for name, value in named.items()}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"x-ratelimit-remaining-requests": "5"},
        {
            "x-ratelimit-remaining-requests": "many",
            "x-ratelimit-limit-requests": "9",
            "x-ratelimit-reset-requests": "1s",
        },
        {
            "x-ratelimit-remaining-requests": "5",
            "x-ratelimit-limit-requests": "9",
            "x-ratelimit-reset-requests": "soon",
        },
        {"x-ratelimit-remaining-requests": "²", "x-ratelimit-limit-requests": "9", "x-ratelimit-reset-requests": "1s"},
    ],
)
def test_what_is_not_told_whole(told: dict[str, str]) -> None:
    """Nothing is concluded from a part, or from what is no number."""
    assert headrooms(told, NOW) == ()


def test_room_for_one_more() -> None:
    """60 requests come back in 60 s, one a second: with none left and two in flight, the third from now is ours."""
    spent = Headroom("requests", 60, 0, 60.0)
    assert spent.wait(2, None) == 3.0
    assert Headroom("requests", 60, 4, 56.0).wait(3, None) == 0.0
    assert Headroom("requests", 60, 3, 57.0).wait(3, None) == 1.0


def test_tokens_are_told_by_their_average() -> None:
    """Without an average nothing can be said; with one, what is in flight will take it."""
    low = Headroom("tokens", 60_000, 1_000, 59.0)
    assert low.wait(0, None) == 0.0
    assert low.wait(1, 500.0) == 0.0
    assert low.wait(2, 500.0) == pytest.approx(0.5)


@given(
    kind=st.sampled_from(["requests", "tokens"]), limit=st.floats(0, 1e9), remaining=st.floats(0, 1e9),
    reset=st.floats(0, 1e6), pending=st.integers(0, 10**6), each=st.none() | st.floats(0, 1e6),
)  # fmt: skip
def test_bounded(kind: str, limit: float, remaining: float, reset: float, pending: int, each: float | None) -> None:
    """Whatever is told, a wait is a minute at most, and never longer than the reset."""
    assert 0 <= Headroom(kind, limit, remaining, reset).wait(pending, each) <= min(60, reset)
