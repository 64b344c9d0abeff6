"""JSON Schemas of rules about tool calls. A rule that denies sees arguments as the schema's own reader might take them.

Text where a number, truth value or object was expected, members in another spelling, and members that the schema closes out do not
take arguments out of a rule that denies. It looks into `properties`, `items`, `enum`, `const` and `allOf`; below other keywords
arguments are taken as they are told.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from outgate.detectors.call_readings import forms_of, numbers_in, opened, plain, plain_name

_PATTERNS = jsonschema_rs.RegexOptions()
"""Patterns of schemas run in linear time; those that cannot are refused with the policy."""
_CLOSING = ("additionalProperties", "unevaluatedProperties")
_OF: dict[str, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "integer": (int, float), "boolean": (bool,), "object": (dict,), "array": (list,),
}  # fmt: skip
_IMPLY = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
    "pattern": "string",
    "properties": "object",
    "required": "object",
    "items": "array",
}
"""Types of values that keywords are about, where a schema states no type."""
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class UntoldError(Exception):
    """The arguments are of a shape that the schema says nothing about."""


def fitting(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a value fits a JSON Schema. Raises ValueError for what is none."""
    try:
        validator = jsonschema_rs.validator_for(dict(schema), pattern_options=_PATTERNS, offline=True)
    except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"no JSON Schema: {str(error).splitlines()[0]}") from None
    fits: Callable[[Any], bool] = validator.is_valid
    return fits


def fitting_somehow(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a value fits a JSON Schema in one of the ways in which it may be read, or cannot be told."""
    fits = fitting(schema)

    def fits_somehow(value: Any) -> bool:
        try:
            return fits(value) or fits(_suited(value, schema))
        except (UntoldError, RecursionError):
            return True

    return fits_somehow


def members_of(schema: Any) -> Iterator[str]:
    """The names of members that a schema knows, at any depth."""
    if isinstance(schema, Mapping):
        known = schema.get("properties")
        yield from known if isinstance(known, Mapping) else ()
    for below in schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ():
        yield from members_of(below)


def _suited(value: Any, schema: Any) -> Any:
    """The value as a reader of this schema takes it who is not particular. Raises UntoldError."""
    if not isinstance(schema, Mapping):
        return value
    for branch in schema.get("allOf", ()):
        value = _suited(value, branch)
    value = _typed(_chosen(value, schema), schema)
    if isinstance(value, dict) and isinstance(schema.get("properties"), Mapping):
        return _renamed(value, schema)
    return [_suited(each, schema.get("items")) for each in value] if isinstance(value, list) else value


def _chosen(value: Any, schema: Mapping[str, Any]) -> Any:
    """One of the values that the schema lists, where it may be taken for it."""
    listed = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    if not listed or isinstance(value, dict | list):
        return value
    forms = forms_of(value)
    return next((each for each in listed if not isinstance(each, dict | list) and not forms.isdisjoint(forms_of(each))), value)


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    told = schema.get("type")
    wanted = [told] if isinstance(told, str) else told or [kind for key, kind in _IMPLY.items() if key in schema]
    if value is None or not wanted or any(_is(value, kind) for kind in wanted):
        return value
    found = next((taken for kind in wanted for taken in _taken(value, kind)), None)
    if found is None and told:
        raise UntoldError
    return value if found is None else found


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _OF.get(kind, ())) and (kind == "boolean" or not isinstance(value, bool))


def _taken(value: Any, kind: str) -> Iterator[Any]:
    """A value of another kind that this one may be taken for."""
    if kind == "string" and not isinstance(value, dict | list):
        yield str(value).lower() if isinstance(value, bool) else str(value)
    elif kind in ("number", "integer"):
        yield from sorted(numbers_in(value), reverse=True)
    elif kind == "boolean":
        yield from (_TRUTH[form] for form in (plain(str(value)),) if form in _TRUTH)
    elif isinstance(value, str):
        inside = opened(value, layers=1)
        yield from (each for each in (inside[1:] if isinstance(inside, list) else ()) if _is(each, kind))


def _renamed(value: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Members under the names that the schema has for them. Raises UntoldError where two have one name."""
    known = schema["properties"]
    spelt = {plain_name(name): name for name in known}
    closed = any(schema.get(each) is False for each in _CLOSING)
    members: dict[str, Any] = {}
    for told, below in value.items():
        name = told if told in known else spelt.get(plain_name(told), told)
        if name in members:
            raise UntoldError
        if name in known or not closed:
            members[name] = _suited(below, known.get(name))
    return members
