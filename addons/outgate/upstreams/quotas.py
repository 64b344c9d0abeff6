"""Read from an answer whether its key has quota left, so that the next request goes under another one before a 429 comes.

Sources: OpenAI, Azure OpenAI, Groq and Mistral (`x-ratelimit-remaining-*`, `x-ratelimit-reset-*`: `1s`, `6m0s`, `20ms`), Anthropic
(`anthropic-ratelimit-*-remaining`, `-reset` in RFC 3339), draft-ietf-httpapi-ratelimit-headers before 08 (`ratelimit-remaining`,
`ratelimit-reset` in seconds).
"""

import re
from collections.abc import Iterator
from datetime import datetime

from outgate.net.headers import Headers

_REMAINING = re.compile(r"(?:x-|anthropic-)?ratelimit-(?:[a-z-]+-)?remaining(?:-[a-z-]+)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


def spent_for(headers: Headers, wall: float) -> float | None:
    """Seconds until a quota that is spent is there again; 0 where the provider does not say when, None where none is spent.

    `wall` is the time, in seconds since the epoch.
    """
    rests = [_seconds(headers.get(name.replace("remaining", "reset")) or "", wall) for name in _spent(headers)]
    return max(rests) if rests else None


def _spent(headers: Headers) -> Iterator[str]:
    return (name.lower() for name, value in headers if value.strip() == "0" and _REMAINING.fullmatch(name.lower()))


def _seconds(reset: str, wall: float) -> float:
    """A duration, a number of seconds, or a time; 0 for what is none of them."""
    text = reset.strip()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    try:
        return max(0.0, float(text) if text.replace(".", "").isdecimal() else datetime.fromisoformat(text).timestamp() - wall)
    except ValueError:
        return 0.0
