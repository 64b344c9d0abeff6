"""Requests to models on Vertex AI: the paths and bodies of Gemini's and Anthropic's own APIs as a project's place has them.

cloud.google.com/vertex-ai: generateContent and streamGenerateContent of `publishers.models`; "Claude on Vertex AI" at
docs.anthropic.com: `rawPredict` and `streamRawPredict`, the model in the path and the version of the API in the body.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from outgate.dialects.json_body import decode_value, dump

VERSION = "vertex-2023-10-16"
_GEMINI = re.compile(r"/v1(?:beta)?(/models/[^?]+(?:\?.*)?)")
_MESSAGES, _COUNT = "/v1/messages", "/v1/messages/count_tokens"
_COUNTER = "count-tokens"


class VertexPlace(NamedTuple):
    """Where models are asked on Vertex AI: a project, and a region or `global`."""

    project: str
    location: str


def sent_at(place: VertexPlace, target: str, body: bytes, model: str) -> tuple[str, bytes]:
    """The target and the body there; any other request as it is, but below the place."""
    base = f"/v1/projects/{place.project}/locations/{place.location}/publishers"
    found = _GEMINI.fullmatch(target)
    if found is not None:
        return f"{base}/google{found[1]}", body
    path = target.partition("?")[0]
    if path == _COUNT:
        return f"{base}/anthropic/models/{_COUNTER}:rawPredict", body
    if path != _MESSAGES:
        return target, body
    tree = decode_value(body)
    verb = "streamRawPredict" if tree.get("stream") else "rawPredict"
    return f"{base}/anthropic/models/{quote(model, safe='@')}:{verb}", dump(_claude(tree))


def _claude(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in tree.items() if name != "model"}, "anthropic_version": VERSION}
