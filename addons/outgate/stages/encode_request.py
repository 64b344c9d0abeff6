"""Encode what the policies judged as path, header fields and body for the provider.

The body is always encoded from the tree the policies saw, never relayed. Of the header fields that go on, those that name something
kept at one provider do not follow a request to another. An idempotency key leaves as a digest that belongs to its workload: all
tenants share the provider's account, and one must never get the answer that another's key names.
"""

import hmac
from hashlib import sha256
from typing import NamedTuple

from outgate.dialects.hosted_tools import without
from outgate.dialects.query import written
from outgate.dialects.registry import dialect, serves, spec
from outgate.dialects.spec import Request, RequestLine, Target
from outgate.errors import Denial, WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.accounts import Hold
from outgate.stores.state_secret import StateSecret
from outgate.upstreams.catalog import Backend


class Reads(NamedTuple):
    """The judged request, and where it goes."""

    principal: Principal
    operation: Operation
    method: str
    path: str
    headers_out: tuple[tuple[str, str], ...] | None
    prompt: Prompt
    tools: Tools
    params: Params
    model: str
    backend: Backend
    hold: Hold | None
    provider_state: frozenset[str] | None
    state_admitted: frozenset[str] | None
    hosted_dropped: bool | None


class EncodeRequest(Stage):
    """Encode the judged request in the dialect of the backend."""

    name = "encode_request"

    def __init__(self, state_secret: StateSecret) -> None:
        self._secret = state_secret
        self.contract = Contract.of(
            Reads,
            writes=("wire.body", "wire.path", "wire.headers"),
            optional=("headers.out", "hold", "state.admitted", "hosted.dropped"),
            cost=0.03,
        )

    def run(self, facts: Reads, /) -> Outcome:
        operation, backend = facts.operation, facts.backend
        if operation.kind not in (Kind.OPAQUE, Kind.MODELS) and not serves(backend.dialect, operation.dialect):
            return Denial(
                code="dialect_mismatch",
                status=400,
                message=f"This path speaks {operation.dialect}; "
                f"the policy routes the model to a provider that speaks {backend.dialect}.",
            )
        bound = facts.hold.max_output if facts.hold is not None else None
        line = RequestLine(facts.method, facts.path, operation)
        prompt, tools = without(facts.prompt, facts.tools) if facts.hosted_dropped else (facts.prompt, facts.tools)
        request = Request(line, prompt, tools, facts.params, facts.model)
        target = Target(facts.model, bound, facts.state_admitted or frozenset())
        try:
            path, described, body = dialect(operation.dialect).encode(request, target)
        except WireError as error:  # what a policy put in does not fit there
            return Denial(code=error.code, status=400, message=f"The request cannot be sent as the policy changed it: {error}.")
        held: frozenset[str] = frozenset()
        if (facts.provider_state or frozenset()) - {backend.provider}:  # this is not where the caller sent it first
            held |= _ONCE | spec(operation.dialect).account_fields
        if operation.kind is not Kind.OPAQUE:  # it was judged as JSON: no word of the caller's may make it be read as anything else
            held |= _DESCRIBED
        kept = (field for field in facts.headers_out or () if field[0] not in held)
        fields = (*described, *(self._own(field, facts) if field[0] in _ONCE else field for field in kept))
        return (body, backend.path_prefix + written(path, facts.prompt.edits), fields)

    def _own(self, field: tuple[str, str], facts: Reads) -> tuple[str, str]:
        """The field with a value of this workload at this provider: the same for every attempt and every worker."""
        who = facts.principal
        key = self._secret.derive("idempotency", who.tenant, who.name, facts.backend.name)
        return (field[0], hmac.new(key, field[1].encode(), sha256).hexdigest())


_DESCRIBED = frozenset({"content-type", "content-disposition", "content-language", "content-location", "content-range"})
_ONCE = frozenset({"idempotency-key"})
"""A request that one provider may remember: a second one does not know it."""
