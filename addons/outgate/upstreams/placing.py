"""Place a request where its backend has the API: deployments of Azure, models of Vertex AI, a base or prefix of the path."""

from outgate.dialects.registry import spec
from outgate.upstreams.azure import target_at
from outgate.upstreams.catalog import Backend
from outgate.upstreams.vertex import sent_at

_OWN = "/v1/"


def placed(backend: Backend, api: str, path: str, body: bytes, model: str) -> tuple[str, bytes]:
    """Path with query, and body, of a request in this API, as the backend has them."""
    if backend.azure_version:
        path = target_at(backend.azure_version, path, model)
    elif backend.vertex is not None:
        path, body = sent_at(backend.vertex, path, body, model)
    elif backend.base_path and path.startswith(_OWN) and spec(api).provider == backend.dialect:
        path = backend.base_path.rstrip("/") + path.removeprefix(_OWN.rstrip("/"))
    return backend.path_prefix + path, body
