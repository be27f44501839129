"""Which base URLs can be used. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def address_fault(url: str) -> str | None:
    """What a base URL is that cannot be used, in words that never repeat it; None where it can be."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        return "no http:// or https:// address (not shown)"
    # The SDKs append their paths at the end, and every request and report would carry what stands here.
    if "@" in parts.netloc or "?" in url or "#" in url:
        return "an address with a user, password, query or fragment (not shown)"
    return None
