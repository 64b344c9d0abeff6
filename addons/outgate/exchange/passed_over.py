"""Targets, replicas and keys that an attempt did not use for their state. The closing line and `outgate why` tell them."""

from collections.abc import Callable, Sequence

from outgate.inference.attempt import PassedOver
from outgate.pipeline.executor import Execution
from outgate.upstreams.catalog import Backend
from outgate.upstreams.credentials import Credentials


def passed_over(
    execution: Execution, credentials: Credentials, ejected: Callable[[Backend], Sequence[str]]
) -> tuple[PassedOver, ...]:
    """Of the attempt that ends now. What failed in this exchange has an attempt of its own."""
    backend, auth = execution.get("backend"), execution.get("wire.auth")
    known = (execution.get("endpoint.state") or frozenset()) | {execution.get("endpoint").name}
    replicas = (PassedOver(f"replica {name}", "replica_ejected") for name in ejected(backend) if name not in known)
    keys = credentials.before(auth.holder or backend, auth) if auth is not None and not auth.own else ()
    return (*(execution.get("model.passed") or ()), *replicas, *keys)
