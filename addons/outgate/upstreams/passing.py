"""Let a workload's own token through to the provider that it addressed, where the policy binds it to both.

It never follows a request elsewhere: not to the provider of another model, nor to one that is asked after a failure.
"""

from collections.abc import Iterator

from outgate.net.headers import Headers
from outgate.net.secret import Secret
from outgate.upstreams.bindings import PassThrough
from outgate.upstreams.catalog import Backend
from outgate.upstreams.credentials import BoundCredential
from outgate.upstreams.placeholders import Addressed


def passed(backend: Backend, addressed: Backend | None, asked: Addressed) -> BoundCredential | None:
    """The token of the workload, bound to this backend; None where no rule lets one through, or this is not where it was sent."""
    if addressed != backend:
        return None
    path = asked.target.partition("?")[0]
    for rule in backend.pass_through:
        if rule.holders.has(asked.principal) and rule.scope.takes(asked.method, path) and _is_such(rule, asked.headers):
            names = (rule.field, *rule.also)
            fields = tuple((name, Secret(value)) for name, value in asked.headers if name in names)
            return BoundCredential(backend=backend.name, origination=backend.origination, headers=fields, own=True)
    return None


def told_passing(backend: Backend) -> Iterator[str]:
    """Whose tokens go on to a backend, for `outgate plan`."""
    for rule in backend.pass_through:
        beside = f" with {', '.join(rule.also)}" if rule.also else ""
        yield f"{backend.name}: the own `{rule.field}` of {rule.holders}{beside} goes on, {rule.scope}"


def _is_such(rule: PassThrough, headers: Headers) -> bool:
    """Whether there is one such token, and no second beside it."""
    values = headers.all(rule.field)
    token = values[0].rpartition(" ")[2] if len(values) == 1 else ""
    return bool(token) and (not rule.prefixes or token.startswith(rule.prefixes))
