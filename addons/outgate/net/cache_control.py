"""Cache-Control of a request (RFC 9111 section 5.2.1), as far as a cache that never revalidates can follow it."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_DIRECTIVE = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s,;\"]*))?[^,]*(?:,|\Z)")
_READ = 1000
"""Characters that are read of a field. Nobody needs a longer one, and what would stand beyond may be `no-store`."""
_LONGEST = 10
"""Digits of a number of seconds: more are as good as for ever."""


class CacheControl(NamedTuple):
    """Wishes of a caller. `max_age` and `min_fresh` are seconds."""

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    min_fresh: float = 0.0

    def accepts(self, age: float, lifetime: float) -> bool:
        """Whether the caller takes an answer of this age, which may be given for `lifetime` seconds in all."""
        return not self.no_cache and (self.max_age is None or age <= self.max_age) and age + self.min_fresh < lifetime


NO_WISHES = CacheControl()


def cache_control(values: Iterable[str]) -> CacheControl:
    """The wishes that these field values state; of two that differ the stricter one, and of a number that is none the strictest."""
    text = ",".join(values)
    if not text:
        return NO_WISHES
    if len(text) > _READ:
        return CacheControl(no_store=True, no_cache=True)
    named: dict[str, list[str]] = {}
    for found in _DIRECTIVE.finditer(text):
        named.setdefault(found[1].lower(), []).append((found[2] or "").strip('"'))
    ages = [_seconds(each, worst=0.0) for each in named.get("max-age", ())]
    fresh = [_seconds(each, worst=float("inf")) for each in named.get("min-fresh", ())]
    return CacheControl(
        no_store="no-store" in named,
        no_cache="no-cache" in named,
        only_if_cached="only-if-cached" in named,
        max_age=min(ages, default=None),
        min_fresh=max(fresh, default=0.0),
    )


def _seconds(text: str, *, worst: float) -> float:
    if not (text.isascii() and text.isdigit()):
        return worst
    return float(text) if len(text) <= _LONGEST else float("inf")
