"""Retry-After of an answer in seconds, in each form that providers send (RFC 9110 section 10.2.3, and `retry-after-ms`)."""

import re
from email.utils import parsedate_to_datetime

from outgate.net.headers import Headers

_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def retry_after(headers: Headers, now: float) -> float | None:
    """The seconds to wait at `now`, seconds since the epoch; never negative. None where nothing, or nothing readable, is said."""
    milliseconds = headers.get("retry-after-ms") or ""
    if _NUMBER.fullmatch(milliseconds.strip()):
        return float(milliseconds) / 1000
    said = (headers.get("retry-after") or "").strip()
    return float(said) if _NUMBER.fullmatch(said) else _until(said, now)


def _until(date: str, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, OverflowError):
        return None
