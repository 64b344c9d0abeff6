"""Query of a request target as text that leaves: judged like the body, written back with its edits, else as it came."""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote, unquote_plus

from outgate.inference.prompt import Channel, Leaf, Prompt

BOX = -1
"""Stands for the box of a leaf that is in no body: documents pass its edits by."""
_FIXED = re.compile(
    r"api-version=(?:\d{4}-\d\d-\d\d(?:-preview)?|v1|preview|latest)|beta=(?:true|false)|alt=(?:sse|json)|(?:limit|page)=\d{1,4}"
)
"""Pairs that name a version or a form, and no more."""


def with_query(prompt: Prompt, target: str) -> Prompt:
    """The prompt with the names and values of its target's query; itself, where there are none."""
    found = tuple(_leaves(target.partition("?")[2]))
    if not found:
        return prompt
    return Prompt(prompt.document, (*prompt.leaves, *found), prompt.unjudged, prompt.edits, prompt.parts, prompt.hosted)


def without(target: str, names: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The target without the parameters of these names, however they are escaped, and the values that they had."""
    path, _, query = target.partition("?")
    pairs = [(pair, *pair.partition("=")[::2]) for pair in query.split("&")]
    kept = [pair for pair, name, _ in pairs if unquote_plus(name) not in names]
    values = tuple(unquote_plus(value) for _, name, value in pairs if unquote_plus(name) in names)
    if not values:
        return target, ()
    return (f"{path}?{'&'.join(kept)}" if kept else path), values


def written(target: str, edits: Mapping[tuple[int, str | int], Any]) -> str:
    """The target with these edits of its query."""
    changed = {key: text for (box, key), text in edits.items() if box == BOX}
    if not changed:
        return target
    path, _, query = target.partition("?")
    pieces = _pieces(query)
    for at, text in changed.items():
        pieces[int(at)] = quote(text, safe="")
    return f"{path}?{'&'.join(name + equals + value for name, equals, value in zip(*[iter(pieces)] * 3, strict=True))}"


def _pieces(query: str) -> list[str]:
    """Name, `=` and value of each pair, in turn."""
    return [piece for pair in query.split("&") for piece in pair.partition("=")]


def _leaves(query: str) -> list[Leaf]:
    pieces = _pieces(query) if query else []
    found = []
    for at in range(0, len(pieces), 3):
        if not _FIXED.fullmatch("".join(pieces[at : at + 3])):
            found += [Leaf(BOX, each, unquote_plus(pieces[each]), Channel.PARAMETER) for each in (at, at + 2) if pieces[each]]
    return found
