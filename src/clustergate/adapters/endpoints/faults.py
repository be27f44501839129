"""What an HTTP answer that is no answer means: which error, and the one sentence that says it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from clustergate.adapters.endpoints.retry_after import retry_after
from clustergate.adapters.endpoints.source import Source
from clustergate.nouns.errors import ClustergateError, EndpointRejected, RequestRefused, TransientFault

_SAID: Final = 300
"""Characters of the provider's own message that are repeated."""
_SHOWN: Final = 80
"""Characters of an unreadable body that are shown."""

_UNPAID: Final = frozenset(
    {
        "insufficient_quota",
        "billing_not_active",
        "billing_hard_limit_reached",
        "billing_error",
        "access_terminated",
    }
)
# Not 'check your plan and billing details': Google says that for a limit by the minute too.
_UNPAID_WORDS: Final = ("credit balance is too low", "insufficient balance", "insufficient credits")
_FILTERED: Final = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
_FILTERED_WORDS: Final = (
    "content filtering policy",
    "content management policy",
    "contentpolicyviolationerror",
    "input was flagged",
)


def fault(
    status: int, headers: Mapping[str, str], body_text: str, source: Source, *, now: float | None = None
) -> ClustergateError:
    """The error that an HTTP status of 300 or more stands for; `now` (seconds since the epoch) is for HTTP dates."""
    said = source.clean(provider_message(body_text), _SAID)

    def words(hint: str) -> str:
        what = f"answered {status}" + (f" ({hint})" if hint else "")
        return source.sentence(f"{what}: {said}" if said else what)

    if status == 402 or (status in (400, 403, 429) and _is_unpaid(body_text)):
        return EndpointRejected(words("the account has no quota or credit left"))
    if status in (401, 403):
        return EndpointRejected(words(f"the key in {source.key_env} was not accepted"))
    if status in (404, 405, 410) or status < 400:
        return EndpointRejected(words("unknown model or wrong URL"))
    if status == 429:
        return TransientFault(words("rate limited"), retry_after=retry_after(headers, now), rate_limited=True)
    if status >= 500 or status in (408, 409, 425, 499):
        # Resets of a rate limit that was not met say nothing of when a broken server is back.
        own = {name: value for name, value in headers.items() if name.lower().startswith("retry-after")}
        return TransientFault(words(""), retry_after=retry_after(own, now))
    return RequestRefused(words("the request was refused"))


def garbage(body_text: str, why: str, source: Source) -> TransientFault:
    """A 200 that cannot be read. `why` says what is wrong with it."""
    start = body_text.lstrip("\ufeff \r\n\t")[:200].lower()
    kind = "HTML in place of JSON" if start.startswith(("<!doctype", "<html")) else source.clean(why, _SAID)
    shown = source.clean(body_text, _SHOWN)
    return TransientFault(source.sentence(f"answered 200 with {kind}: {shown!r}" if shown else f"answered 200: {kind}"))


def is_filtered(status: int, body_text: str) -> bool:
    """True where a content filter stopped the prompt or the answer: that is an answer, and no fault."""
    if status not in (400, 403):
        return False
    if _codes(body_text) & _FILTERED:
        return True
    message = provider_message(body_text).lower()
    return any(words in message for words in _FILTERED_WORDS)


def provider_message(body_text: str) -> str:
    """What the provider wrote to be read, in any of the shapes they use; else the body as it is."""
    body = _parsed(body_text)
    for holder in (_error(body), body):
        if isinstance(holder, str):
            return holder
        if isinstance(holder, dict):
            for name in ("message", "detail", "msg"):
                if holder.get(name):
                    told = holder[name]
                    return told if isinstance(told, str) else json.dumps(told)
    title = re.search(r"<title>(.*?)</title>", body_text, re.IGNORECASE | re.DOTALL)
    return title.group(1) if title else body_text


def refused_name(body_text: str) -> str:
    """The parameter that the provider names in a field of its own (`param`), or ''."""
    error = _error(_parsed(body_text))
    param = error.get("param") if isinstance(error, dict) else None
    return param if isinstance(param, str) else ""


def _is_unpaid(body_text: str) -> bool:
    message = provider_message(body_text).lower()
    return bool(_codes(body_text) & _UNPAID) or any(words in message for words in _UNPAID_WORDS)


def _parsed(body_text: str) -> Any:
    try:
        body = json.loads(body_text)
    except (ValueError, RecursionError):
        return None
    # Google's OpenAI front door wraps the one error in a list.
    return body[0] if isinstance(body, list) and body else body


def _error(body: Any) -> Any:
    return body.get("error", body) if isinstance(body, dict) else None


def _codes(body_text: str) -> set[str]:
    error = _error(_parsed(body_text))
    if not isinstance(error, dict):
        return set()
    inner = error.get("innererror")
    told = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None]
    return {code.lower() for code in told if isinstance(code, str)}
