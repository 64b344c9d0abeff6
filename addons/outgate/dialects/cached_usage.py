"""Mark the usage in a kept answer as cached: once, when it is kept, so that replaying it costs nothing.

All of the input counts as read from a cache, in the member that the API has for it. Totals stay: clients see by them how full a
context is, and none of them has a member for output that was not generated.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from outgate.dialects.answers import WIDE, tokens
from outgate.dialects.json_body import decode_value, dump

type Mark = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""A `usage` object to the same, of an answer from a cache."""

_HEAD = re.compile(rb"(?:event: [^\n]*\n)?(?:data: )?")
_HOLDERS = ("message", "response")
_NAMES = ("usage", "usageMetadata")
_BETWEEN = b"\n\n"


def marked(body: bytes, mark: Mark) -> bytes:
    """The answer (a JSON object, an array of them, or a stream of events as they are encoded here) with every usage marked."""
    return _BETWEEN.join(_marked(piece, mark) if b'"usage' in piece else piece for piece in body.split(_BETWEEN))


def _marked(piece: bytes, mark: Mark) -> bytes:
    head = _HEAD.match(piece)
    start = head.end() if head is not None else 0
    tree = decode_value(piece[start:], WIDE)
    for top in tree if isinstance(tree, list) else [tree]:
        for holder in (top, *(top.get(name) for name in _HOLDERS)):
            for name in _NAMES if isinstance(holder, dict) else ():
                if isinstance(holder.get(name), dict):
                    holder[name] = mark(holder[name])
    return piece[:start] + dump(tree)


def detailed(sent: str) -> Mark:
    """The mark of APIs whose member `sent` counts the whole input, with its details beside it."""

    def mark(usage: Mapping[str, Any]) -> Mapping[str, Any]:
        total, name = tokens(usage.get(sent)), f"{sent}_details"
        if total is None:
            return usage
        details = usage[name] if isinstance(usage.get(name), dict) else {}
        return {**usage, name: {**_none_written(details), "cached_tokens": total}}

    return mark


def _none_written(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: 0 if name == "cache_write_tokens" else value for name, value in details.items()}
