"""Requests to a provider that has its API at a path of its own: read at the path that the API's documentation has."""

from outgate.dialects.registry import operation_for, spec
from outgate.errors import WireError
from outgate.exchange.channel import RequestHead
from outgate.inference.operation import Kind
from outgate.upstreams.catalog import Backend

_OWN = "/v1"


def at_v1(head: RequestHead, backend: Backend | None) -> RequestHead:
    """The head with the path at which the provider's API is known, where it has this work below its own `base_path`; else as it is.

    Raises WireError for a target that could be normalised into another.
    """
    base = backend.base_path.rstrip("/") if backend is not None else ""
    if backend is None or not backend.base_path or not head.path.lower().startswith(f"{base.lower()}/"):
        return head
    if not head.path.startswith(f"{base}/"):
        raise WireError("bad_path", f"the path is another spelling of {base}/")
    known = _OWN + head.path.removeprefix(base)
    operation = operation_for(head.method, known, backend.dialect)
    read = operation.kind is not Kind.OPAQUE and spec(operation.dialect).provider == backend.dialect
    return head._replace(path=known) if read else head
