"""Reject JSON members whose name differs from a known one only in case, wherever the table knows names.

Servers written in Go match names of members without regard to case, by Unicode's folding, and take the last (encoding/json,
Unmarshal): `{"type": "text", "Type": "image_url"}` would be judged as one part and served as another. So it is in a body, its
messages, their parts, tool calls and tool definitions. Names that only a caller knows (properties of a schema, arguments of a
tool, metadata) have no known spelling: each of them is judged as it stands.
"""

from collections.abc import Iterable

from outgate.errors import WireError


def folded(known: Iterable[str]) -> frozenset[str]:
    """The known names, as a reader sees them who ignores case."""
    return frozenset(name.casefold() for name in known)


def refuse_other_case(name: str, known: frozenset[str]) -> None:
    """Refuses a name that is not known as it stands, but is among the `folded` ones in another case. Raises WireError."""
    if name.casefold() in known:
        raise WireError("ambiguous_name", "the name of a member differs from a known one only in case")
