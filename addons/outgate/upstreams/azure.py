"""Request targets of Azure OpenAI: OpenAI's paths as a resource with deployments has them.

learn.microsoft.com: Azure OpenAI in Microsoft Foundry, REST API reference, "API specs" and "Data plane inference".
"""

from urllib.parse import quote

from outgate.dialects.query import without

_VERSION = "api-version"
_DEPLOYED = frozenset({
    "/chat/completions", "/completions", "/embeddings", "/images/generations", "/images/edits", "/audio/speech",
    "/audio/transcriptions", "/audio/translations",
})  # fmt: skip
"""What each deployment has; the rest is asked of the resource, with the deployment in the body."""


def target_at(version: str, target: str, model: str) -> str:
    """The target of this model's deployment in that version of the API; one that is not below `/v1/` as it is."""
    plain, _ = without(target, (_VERSION,))
    path, _, query = plain.partition("?")
    if not path.startswith("/v1/"):
        return target
    path = path.removeprefix("/v1")
    place = f"/deployments/{quote(model, safe='')}" if model and path in _DEPLOYED else ""
    return f"/openai{place}{path}?{query}{'&' if query else ''}{_VERSION}={version}"
