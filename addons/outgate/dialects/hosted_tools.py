"""Removal of hosted tools from a request: the model is not offered what its provider would run, all else stays as it was.

A choice of a tool that is gone goes too, and so does what providers refuse where no tool is left.
"""

from collections.abc import Iterable
from typing import Any

from outgate.dialects.json_body import REMOVED, JsonDocument
from outgate.dialects.parameters import tools_of
from outgate.dialects.rules import HOSTED
from outgate.inference.params import Tools
from outgate.inference.prompt import Prompt

type Place = tuple[int, str | int]
_ADDRESSED = frozenset({
    "server_url", "connector_id", "server_label", "mcp_server_name", "url", "headers", "authorization", "authorization_token",
})  # fmt: skip
"""Members of tools by which a caller says where the provider shall go, or as whom."""
_OFFERS = ("tools", "functions")
_CHOICES = ("tool_choice", "function_call")
_ALONE = (*_CHOICES, "parallel_tool_calls")
"""What says how tools are called: without tools, OpenAI refuses it."""


def without(prompt: Prompt, tools: Tools) -> tuple[Prompt, Tools]:
    """A prompt and its tools without those that the provider runs (`prompt.hosted`); themselves, where there are none."""
    document = prompt.document
    if not prompt.hosted or not isinstance(document, JsonDocument):
        return prompt, tools
    places = _emptied(document, set(prompt.hosted))
    left = tools_of(document.edited(dict.fromkeys(places, REMOVED)), _OFFERS)
    places |= _pointless(document, prompt.hosted, left)
    gone = _below(document, places)
    rest = Prompt(
        document,
        tuple(leaf for leaf in prompt.leaves if leaf.box not in gone and (leaf.box, leaf.key) not in places),
        prompt.unjudged - {HOSTED},
        {**prompt.edits, **dict.fromkeys(places, REMOVED)},
        tuple(part for part in prompt.parts if part.kind != HOSTED),
    )
    return rest, left


def offered(prompt: Prompt) -> bool:
    """Whether all of them are tools offered by their kind alone, so that a request is whole without them: none says where to go."""
    document = prompt.document
    return isinstance(document, JsonDocument) and all(_is_offer(document.boxes[box][0][key]) for box, key in prompt.hosted)


def _is_offer(tool: Any) -> bool:
    return isinstance(tool, dict) and isinstance(tool.get("type"), str) and _ADDRESSED.isdisjoint(tool)


def _emptied(document: JsonDocument, places: set[Place]) -> set[Place]:
    """The same places, but the whole member where its array would be left empty: providers refuse `[]`."""
    for name in _OFFERS:
        given = document.tree.get(name)
        if isinstance(given, list) and given:
            box = _box_of(document, given)
            elements = {(box, index) for index in range(len(given))}
            if elements <= places:
                places = (places - elements) | {(0, name)}
    return places


def _pointless(document: JsonDocument, hosted: Iterable[Place], left: Tools) -> set[Place]:
    """What only spoke of tools that are gone."""
    tree = document.tree
    if not left.names and any(tree.get(name) for name in _OFFERS):
        return {(0, name) for name in _ALONE if name in tree}
    gone = [document.boxes[box][0][key] for box, key in hosted]
    words = {tool.get(word) for tool in gone if isinstance(tool, dict) for word in ("type", "name", "server_label")} - {None}
    places: set[Place] = set()
    for name in _CHOICES:
        choice = tree.get(name)
        allowed = choice.get("tools") if isinstance(choice, dict) else None
        if isinstance(allowed, list):
            unfit = {(_box_of(document, allowed), at) for at, each in enumerate(allowed) if _speaks_of(each, words)}
            places |= unfit if len(unfit) < len(allowed) else {(0, name)}
        elif _speaks_of(choice, words):
            places.add((0, name))
    return places


def _speaks_of(choice: Any, words: set[Any]) -> bool:
    return isinstance(choice, dict) and any(choice.get(word) in words for word in ("type", "name", "server_label"))


def _box_of(document: JsonDocument, container: Any) -> int:
    return next(at for at, box in enumerate(document.boxes) if box[0] is container)


def _below(document: JsonDocument, places: set[Place]) -> set[int]:
    """The boxes that stand in these places."""
    gone: set[int] = set()
    for index, (_, parent, at, _) in enumerate(document.boxes):
        if parent in gone or (parent, at) in places:
            gone.add(index)
    return gone
