"""JSON Schemas from the schemas of the Gemini API, which are those of OpenAPI 3.0 with types in capitals.

Only what stands at the place of a schema is read as one: a property may have any name.
"""

from collections.abc import Mapping
from typing import Any

from outgate.dialects.gemini.parts import spelled

_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_DROPPED = frozenset({"nullable", "propertyOrdering", "example", "type"})
_UNTYPED = "type_unspecified"


def json_schema(schema: Any) -> Any:
    """The JSON Schema of a `Schema`; what is none goes on as it came."""
    if not isinstance(schema, Mapping):
        return schema
    told = spelled(schema)
    made = _type(told)
    for name, value in told.items():
        if name not in _DROPPED and (name, value) != ("format", "enum"):
            made.update((_member(name, value),))
    if "example" in told:
        made["examples"] = [told["example"]]
    return _nullable(made) if told.get("nullable") is True else made


def _type(told: Mapping[str, Any]) -> dict[str, Any]:
    kind = told.get("type")
    known = isinstance(kind, str) and kind.lower() != _UNTYPED
    return {"type": str(kind).lower()} if known else {}


def _member(name: str, value: Any) -> tuple[str, Any]:
    if name in ("items", "additionalProperties"):
        return name, json_schema(value)
    if name == "anyOf" and isinstance(value, list):
        return name, [json_schema(each) for each in value]
    if name in ("properties", "defs") and isinstance(value, Mapping):
        return "$defs" if name == "defs" else name, {key: json_schema(each) for key, each in value.items()}
    if name == "ref" and isinstance(value, str):
        return "$ref", value.replace("#/defs/", "#/$defs/")
    if name in _COUNTS and isinstance(value, str) and value.isdecimal():  # proto3 JSON writes 64-bit integers as strings
        return name, int(value)
    return name, value


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    values = {"enum": [*schema["enum"], None]} if isinstance(schema.get("enum"), list) else {}
    kinds = {"type": [schema["type"], "null"]} if "type" in schema else {}
    return {**schema, **kinds, **values}
