"""The JSON Schema of policy files, for editors: generated from the models, the settings of every stage included."""

import sys
from typing import Any

import orjson

from outgate.policy.discover import stage_names, stage_type
from outgate.policy.schema import PolicySection

_REFERENCE = "#/$defs/{model}"
_STAGES = {"$ref": "#/$defs/Stages"}


def policy_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    schema = PolicySection.model_json_schema(ref_template=_REFERENCE)
    definitions: dict[str, Any] = schema["$defs"]
    stages: dict[str, Any] = {}
    for name in sorted(stage_names()):
        kind = stage_type(name)
        settings = kind.settings_type.model_json_schema(ref_template=_REFERENCE)
        definitions |= settings.pop("$defs", {})
        definitions[f"stage:{name}"] = settings
        stages[name] = {
            "description": _first_line(kind),
            "anyOf": [{"$ref": f"#/$defs/stage:{name}"}, {"const": False}, {"type": "null"}],
        }
    definitions["Stages"] = {"type": "object", "properties": stages, "additionalProperties": False}
    for holder in (schema, definitions["ProviderSection"], definitions["RouteSection"]):
        described = holder["properties"]["stages"].get("description", "")
        holder["properties"]["stages"] = _STAGES | {"description": described}
    return schema | {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Outgate policy"}


def policy_schema_bytes() -> bytes:
    """What stands in policies/schema.json."""
    return orjson.dumps(policy_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _first_line(kind: type[Any]) -> str:

    return (sys.modules[kind.__module__].__doc__ or "").strip().partition("\n")[0]
