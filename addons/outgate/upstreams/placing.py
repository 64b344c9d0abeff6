"""Place a request where its backend has the API: deployments of Azure, models of Vertex AI, a prefix of the path."""

from outgate.upstreams.azure import target_at
from outgate.upstreams.catalog import Backend
from outgate.upstreams.vertex import sent_at


def placed(backend: Backend, path: str, body: bytes, model: str) -> tuple[str, bytes]:
    """Path with query, and body, as the backend has them."""
    if backend.azure_version:
        path = target_at(backend.azure_version, path, model)
    elif backend.vertex is not None:
        path, body = sent_at(backend.vertex, path, body, model)
    return backend.path_prefix + path, body
