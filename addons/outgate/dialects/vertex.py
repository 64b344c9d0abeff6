"""Addresses of Vertex AI: Gemini's and Anthropic's work under a project, for clients whose SDK is pointed there.

cloud.google.com/vertex-ai, REST reference: `projects.locations.publishers.models`. Requests leave the codecs with the paths of the
APIs themselves: project and region of a caller never leave, those of the policy are written at its backend (`upstreams.vertex`).
"""

from collections.abc import Iterator

from outgate.dialects.spec import MODEL, PathTemplate
from outgate.inference.operation import Kind

_PLACE = r"[a-z][a-z0-9-]*"
_PROJECT = r"[a-z0-9][a-z0-9.:-]*"


def addresses(publisher: str, verb: str, kind: Kind, model: str = MODEL) -> Iterator[PathTemplate]:
    """The addresses of what a publisher's models do, in both versions of the API; `verb` is a pattern."""
    values = {"project": _PROJECT, "location": _PLACE, "model": model, "verb": verb}
    for version in ("v1", "v1beta1"):
        path = f"/{version}/projects/{{project}}/locations/{{location}}/publishers/{publisher}/models/{{model}}:{{verb}}"
        yield PathTemplate(f"POST {path}", kind, values=values, query=None)
