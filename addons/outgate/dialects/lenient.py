"""Lenient reading of answers: what SDKs would read is carried, and written back as strict JSON from the tree that was judged.

Providers send what RFC 8259 does not have: a BOM, NaN among log probabilities, half of a surrogate pair, control characters in
strings, a name twice. What no reader can hold becomes null or U+FFFD; of two members of one name the last counts, as everywhere.
"""

import json
import math
from typing import Any

from outgate.dialects.json_body import LIMITS, Limits
from outgate.dialects.reading import Reading, read_strict, walked
from outgate.dialects.rules import Rule
from outgate.errors import WireError

_BOUNDS = frozenset({"too_deep", "too_many_members", "not_an_object"})


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


_reader = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite, strict=False)


def carried(raw: bytes, rule: Rule, limits: Limits = LIMITS) -> Reading:
    """An answer, or an event of one, by a dialect's table. Raises WireError for what is no JSON object, or beyond the limits."""
    try:
        return read_strict(raw, rule, limits)
    except WireError as error:
        if error.code in _BOUNDS:
            raise
        refused = error
    try:
        tree = _whole(_reader.decode(raw.decode("utf-8-sig", "replace")))
    except (ValueError, RecursionError):
        raise refused from None
    if tree.__class__ is not dict:
        raise WireError("not_an_object", "the body is not a JSON object")
    return walked(tree, rule, limits, exact=True)


def _whole(value: Any) -> Any:
    """The same without halves of surrogate pairs."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_whole(name): _whole(inner) for name, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value
