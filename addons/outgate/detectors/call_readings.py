"""Readings of a tool call that a lenient client may take: the one normal form of names, members and values for rules that deny.

Clients trim names, drop what stands before them, ignore case, and take numbers and JSON out of text. A rule that denies applies
where it is about one of these readings; a rule that allows goes by what was told, and by nothing that can be read otherwise.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from outgate.detectors.normalise import unescape

_WITHIN = re.compile(r"[./:]+|__+")
"""Between the parts of a name: `functions.wipe`, `mcp__server__wipe`, `server/wipe`, `default_api:wipe`."""
_LAYERS = 3
"""JSON in text in JSON: so deep is it looked for."""


def plain(text: str) -> str:
    """The text in one case, without look-alikes, invisible characters, escapes and more than one blank at a time."""
    return " ".join(unescape(text).split()).casefold()


def plain_name(name: str) -> str:
    """The name of a tool or member, as a reader takes it who is not particular."""
    return "".join(plain(name).split()).replace("-", "_")


def names_of(name: str) -> frozenset[str]:
    """What a tool may be called by this name: the whole, and each end of it that begins behind what names a place."""
    parts = _parts(name)
    return frozenset({plain_name(name), *("/".join(parts[at:]) for at in range(len(parts)))})


def name_patterns(patterns: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Patterns of names in both forms. Those of the second are of whole names alone: stars are about whatever they meet."""
    lax = [form for each in patterns for form in (plain_name(each), "/".join(_parts(each)))]
    return tuple(form for form in lax if form.strip("*/")), tuple(form for form in lax if not form.strip("*/"))


def _parts(name: str) -> list[str]:
    return [part for part in _WITHIN.split(plain_name(name)) if part]


def opened(value: Any, layers: int = _LAYERS) -> Any:
    """The value with JSON in text beside that text. Raises RecursionError for what is too deep to be read."""
    if isinstance(value, dict):
        return {name: opened(below, layers) for name, below in value.items()}
    if isinstance(value, list):
        return [opened(below, layers) for below in value]
    inside = _json_in(value) if layers and isinstance(value, str) else value
    return value if inside is value else [value, opened(inside, layers - 1)]


def _json_in(text: str) -> Any:
    """The value that a text holds; the text where it holds none. All values of a member that is told twice count: the reader is lax
    on purpose, as its client may be.
    """
    try:
        return json.loads(text.strip(), object_pairs_hook=_merged) if text.strip()[:1] in ("{", "[", '"') else text  # noqa: TID251
    except ValueError:
        return text


def _merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name, value in pairs:
        merged[name] = [merged[name], value] if name in merged else value
    return merged


def numbers_in(value: Any) -> frozenset[float]:
    """The numbers that a value may be taken for."""
    if isinstance(value, int | float):
        return frozenset({value})
    if not isinstance(value, str):
        return frozenset()
    bare = plain(value).replace(" ", "").replace("_", "").replace("'", "")
    return frozenset(filter(lambda number: number == number, map(_number, _separated(bare))))  # noqa: PLR0124 - no NaN


def _separated(text: str) -> Iterator[str]:
    yield text.replace(",", "")
    yield text.replace(".", "").replace(",", ".")


def _number(text: str) -> float:
    for reads in (float, lambda digits: int(digits, 0)):
        try:
            return reads(text)
        except (ValueError, OverflowError):
            continue
    return float("nan")


def texts_of(value: Any) -> tuple[str, ...]:
    """A scalar as text: as told and in plain characters, its case kept."""
    told = value if isinstance(value, str) else json.dumps(value)
    return told, " ".join(unescape(told).split())


def forms_of(value: Any) -> frozenset[str | float]:
    """What a scalar may be taken for: two with a form in common may be taken for the same."""
    return frozenset({*map(plain, texts_of(value)), *numbers_in(value)})


def respelt(arguments: Any, names: Collection[str]) -> bool:
    """Whether a member anywhere in the arguments reads like one of these names, and is spelt otherwise."""
    known = {plain_name(name) for name in names}
    return any(name not in names and plain_name(name) in known for name in _members(arguments))


def _members(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            yield from each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
