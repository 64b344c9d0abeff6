"""Tools of Gemini's requests: functions that are declared, and what the provider runs, which is everything else."""

from collections.abc import Mapping
from typing import Any

from outgate.dialects.gemini.parts import member
from outgate.dialects.gemini.tables import other_spelling
from outgate.dialects.json_body import dump
from outgate.dialects.reading import Reading
from outgate.dialects.rules import HOSTED
from outgate.errors import WireError
from outgate.inference.params import Tools
from outgate.inference.verdict import Extent

_RUN_BY_CALLER = frozenset(name for each in ("functionDeclarations", "computerUse") for name in (each, other_spelling(each)))


def tools_in(asked: Mapping[str, Any]) -> Tools:
    """The tools of a request. Raises WireError for what is no array of objects."""
    given = asked.get("tools")
    if given is None or given == []:
        return Tools()
    if not isinstance(given, list) or not all(isinstance(tool, dict) for tool in given):
        raise WireError("bad_parameter", "`tools` must be an array of objects")
    return Tools(names=tuple(name for tool in given for name in _names(tool)), identity=dump({"tools": given}, canonical=True))


def _names(tool: Mapping[str, Any]) -> list[str]:
    declared = member(tool, "functionDeclarations")
    declared = [] if declared is None else declared
    if not isinstance(declared, list):
        raise WireError("bad_parameter", "`functionDeclarations` must be an array")
    functions = [each["name"] for each in declared if isinstance(each, dict) and isinstance(each.get("name"), str)]
    return [*functions, *(name for name in tool if name not in _RUN_BY_CALLER)]


def hosted_in(reading: Reading) -> Reading:
    """The reading with the tools that the provider runs announced: each by its member, whatever its name."""
    boxes = reading.document.boxes
    found: list[tuple[int, str | int]] = []
    for index, (container, parent, _, _) in enumerate(boxes):
        if parent > 0 and boxes[parent][2] == "tools" and isinstance(container, dict):
            found += [(index, name) for name, value in container.items() if name not in _RUN_BY_CALLER and value is not None]
    found = [place for place in found if _is_tool(reading, place[0])]
    if not found:
        return reading
    return reading._replace(
        kinds=reading.kinds | {HOSTED},
        hosted=(*reading.hosted, *found),
        parts=(*(part for part in reading.parts if part.kind != HOSTED), Extent(HOSTED, len(reading.hosted) + len(found))),
        places={HOSTED: found[0], **reading.places},
    )


def _is_tool(reading: Reading, index: int) -> bool:
    """Whether a box is an element of the request's own `tools`, at its top or in the request that is counted."""
    boxes = reading.document.boxes
    above = boxes[boxes[index][1]][1]
    return above == 0 or (boxes[above][1] == 0 and boxes[above][2] in ("generateContentRequest", "generate_content_request"))
