"""Schemas of the Gemini API become JSON Schemas: types, null, counts, definitions; names of properties are no words of a schema."""

import pytest

from outgate.dialects.gemini.convert_schema import json_schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "STRING"}, {"type": "string"}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "TYPE_UNSPECIFIED"}, {}),
        ({"type": "STRING", "format": "enum", "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "STRING", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"anyOf": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"any_of": [{"type": "NUMBER"}]}, {"anyOf": [{"type": "number"}]}),
        (
            {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2"},
            {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        ),
        ({"type": "STRING", "example": "a"}, {"type": "string", "examples": ["a"]}),
        ({"ref": "#/defs/Pet", "defs": {"Pet": {"type": "OBJECT"}}}, {"$ref": "#/$defs/Pet", "$defs": {"Pet": {"type": "object"}}}),
        ({"type": "OBJECT", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
        (
            {
                "type": "OBJECT",
                "properties": {"type": {"type": "STRING"}, "any_of": {"type": "NUMBER"}},
                "propertyOrdering": ["type"],
            },
            {"type": "object", "properties": {"type": {"type": "string"}, "any_of": {"type": "number"}}},
        ),
    ],
)
def test_a_schema(schema, expected):
    assert expected == json_schema(schema)
