"""Encode what the policies judged as path, header fields and body for the provider.

The body is always encoded from the tree the policies saw, never relayed; for a provider of another dialect that tree is translated.
Of the header fields that go on, those that name something
kept at one provider do not follow a request to another. An idempotency key leaves as a digest that belongs to its workload: all
tenants share the provider's account, and one must never get the answer that another's key names.
"""

import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from outgate.dialects.hosted_tools import without
from outgate.dialects.opaque import Opaque
from outgate.dialects.query import written
from outgate.dialects.registry import asked_in, conversations, dialect, spec
from outgate.dialects.spec import Request, RequestLine, Target
from outgate.dialects.translated import Translated, refusal, translated
from outgate.dialects.translation import HARMLESS
from outgate.errors import Denial, WireError
from outgate.inference.conversation import Translation
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.accounts import Hold
from outgate.stores.state_secret import StateSecret
from outgate.upstreams.catalog import Backend, Catalog
from outgate.upstreams.placing import placed


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
    model_state: frozenset[tuple[str, str]] | None = None


class EncodeRequest(Stage):
    """Encode the judged request in the dialect of the backend."""

    name = "encode_request"

    def __init__(self, state_secret: StateSecret, catalog: Catalog | None = None) -> None:
        self._secret = state_secret
        self._backends = catalog.backends if catalog is not None else ()
        self.contract = Contract.of(
            Reads,
            writes=("wire.body", "wire.path", "wire.headers", "wire.asked", "translation"),
            optional=("headers.out", "hold", "state.admitted", "hosted.dropped"),
            cost=0.03,
        )

    def explained(self) -> tuple[str, ...]:
        return tuple(line for backend in self._backends for line in _told(backend))

    def run(self, facts: Reads, /) -> Outcome:
        operation, backend = facts.operation, facts.backend
        unread = operation.kind in (Kind.OPAQUE, Kind.MODELS)
        api = operation.dialect if unread else asked_in(backend.dialect, backend.translating.apis, operation)
        if api is None:
            return Denial(
                code="dialect_mismatch",
                status=400,
                message=f"This path speaks {operation.dialect}; "
                f"the policy routes the model to a provider that speaks {backend.dialect}.",
            )
        request, target = _request(facts), _target(facts)
        try:
            if api == operation.dialect:
                path, described, body = dialect(api).encode(request, target)
                of = Opaque.name if operation.kind is Kind.OPAQUE else api
                path, body = placed(backend, of, written(path, facts.prompt.edits), body, facts.model)
                return (body, path, (*described, *self._fields(facts, api)), None, None)
            return self._translated(facts, api, translated(request, target, api, backend.translating.max_tokens))
        except WireError as error:  # what a policy put in does not fit there
            return Denial(code=error.code, status=400, message=f"The request cannot be sent as the policy changed it: {error}.")

    def _translated(self, facts: Reads, api: str, made: Translated) -> Outcome:
        """The same in another dialect; refused where it would lose what no policy lets it."""
        accepted = HARMLESS | facts.backend.translating.drop
        refused = next((loss for loss in made.losses if loss.what not in accepted), None)
        if refused is not None:
            return refusal(refused, api, facts.backend.provider)
        lost = tuple(dict.fromkeys(loss.what for loss in made.losses))
        path, described, body = made.sent
        fields = (*described, *self._fields(facts, api))
        told = Translation(facts.operation.dialect, api, lost, set())
        path, body = placed(facts.backend, api, path, body, facts.model)
        return (body, path, fields, made.asked, told)

    def _fields(self, facts: Reads, api: str) -> Iterator[tuple[str, str]]:
        """The caller's fields that go on: not those of one account at another, nor those of one API in another."""
        operation, held = facts.operation, frozenset[str]()
        left = {*(facts.provider_state or ()), *(each for each, _ in facts.model_state or ())} - {facts.backend.provider}
        held |= spec(operation.dialect).account_fields if left else frozenset()  # this is not where the caller sent it first
        held |= _ONCE if left or facts.model_state else frozenset()
        if operation.kind is not Kind.OPAQUE:  # it was judged as JSON: no word of the caller's may make it be read as anything else
            held |= _DESCRIBED
        if api != operation.dialect:
            held |= spec(operation.dialect).request_fields
        return (self._own(each, facts) if each[0] in _ONCE else each for each in facts.headers_out or () if each[0] not in held)

    def _own(self, field: tuple[str, str], facts: Reads) -> tuple[str, str]:
        """The field with a value of this workload at this provider: the same for every attempt and every worker."""
        who = facts.principal
        key = self._secret.derive("idempotency", who.tenant, who.name, facts.backend.name)
        return (field[0], hmac.new(key, field[1].encode(), sha256).hexdigest())


def _told(backend: Backend) -> Iterator[str]:
    """The APIs from which conversations are translated for a backend, and what they may lose."""
    asked = {name: asked_in(backend.dialect, backend.translating.apis, Operation(name, Kind.CHAT)) for name in conversations()}
    for api in dict.fromkeys(asked.values()):
        others = [name for name, each in asked.items() if each == api != name]
        if api and others:
            drop = ", ".join(sorted(backend.translating.drop))
            yield f"{backend.name}: {', '.join(others)} translated to {api}" + (f", without {drop}" if drop else "")


def _request(facts: Reads) -> Request:
    line = RequestLine(facts.method, facts.path, facts.operation)
    prompt, tools = without(facts.prompt, facts.tools) if facts.hosted_dropped else (facts.prompt, facts.tools)
    return Request(line, prompt, tools, facts.params, facts.model)


def _target(facts: Reads) -> Target:
    bound = facts.hold.max_output if facts.hold is not None else None
    return Target(facts.model, bound, facts.state_admitted or frozenset())


_DESCRIBED = frozenset({"content-type", "content-disposition", "content-language", "content-location", "content-range"})
_ONCE = frozenset({"idempotency-key"})
"""A request that one provider may remember: a second one does not know it."""
