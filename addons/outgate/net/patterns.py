"""Match paths and models with patterns. `*` stands for anything but a slash, `**` for anything; nothing else is special."""

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def covers(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the patterns covers the whole text."""
    return _known(patterns, text) if len(text) <= _REMEMBERED else _covers(patterns, text)


def _covers(patterns: tuple[str, ...], text: str) -> bool:
    return any(_expression(pattern).fullmatch(text) is not None for pattern in patterns)


_REMEMBERED = 128
"""Longer texts are not remembered: what callers invent must not fill the memory."""
_known = lru_cache(maxsize=4096)(_covers)


@lru_cache(maxsize=1024)
def _capturing(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": "(.*)", "*": "([^/]*)"}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def captured(pattern: str, text: str) -> tuple[str, ...] | None:
    """What each star of the pattern stands for in the whole text; None where it does not cover it."""
    found = _capturing(pattern).fullmatch(text)
    return None if found is None else found.groups()
