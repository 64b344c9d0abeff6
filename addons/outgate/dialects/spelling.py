"""A member that policies decide on has one spelling: what differs from it only in case is refused.

Servers written in Go match names of members without regard to case, by Unicode's folding, and take the last (encoding/json,
Unmarshal): `{"model": "a", "Model": "b"}` would be judged as one request and served as another.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from outgate.errors import WireError

_MESSAGE = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "function_call"})


def exact_names(tree: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuses a body, or a message of it, that has one of the `known` names in another case. Raises WireError."""
    _refuse(tree, known)
    for message in tree.get("messages") or ():
        if not _MESSAGE.issuperset(message):
            _refuse(message, _MESSAGE)


def _refuse(members: Mapping[str, Any], known: frozenset[str]) -> None:
    if known.issuperset(members):
        return
    folded = _folded(known)
    if any(name not in known and name.casefold() in folded for name in members):
        raise WireError("ambiguous_name", "the name of a member differs from a known one only in case")


@cache
def _folded(known: frozenset[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in known)
