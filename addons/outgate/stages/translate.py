"""Make the bytes, path and header fields for the provider from what the policies judged.

The body is always encoded from the tree the policies saw, never relayed; the header fields are an allow-list, so that neither
hop-by-hop fields nor the workload's own credentials can travel.
"""

from typing import NamedTuple

from outgate.dialects.registry import dialect
from outgate.errors import Denial
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Prompt
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.stores.accounts import Hold
from outgate.upstreams.catalog import Backend

_FORWARDED = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "idempotency-key",
        "openai-beta",
        "openai-organization",
        "openai-project",
        "user-agent",
        "x-stainless-retry-count",
    }
)


class TranslateSettings(Settings):
    """What travels to the provider besides the body."""

    forward_headers: tuple[str, ...] = ()
    """Request header fields (lower case) forwarded in addition to the built-in list. Credentials can never be named here."""


class Reads(NamedTuple):
    """The judged request, and where it goes."""

    operation: Operation
    path: str
    headers: Headers
    prompt: Prompt
    tools: Tools
    params: Params
    model: str
    backend: Backend
    hold: Hold | None


class Translate(Stage):
    """Encode the judged request in the dialect of the backend."""

    name = "translate"
    settings_type = TranslateSettings

    def __init__(self, settings: TranslateSettings) -> None:
        self._forwarded = (_FORWARDED | {name.lower() for name in settings.forward_headers}) - _NEVER
        self.contract = Contract.of(
            Reads, writes=("wire.body", "wire.path", "wire.headers"), optional=("hold",), cost=0.03, passes=1.0
        )

    def run(self, facts: Reads, /) -> Outcome:
        operation, backend = facts.operation, facts.backend
        if operation.kind not in (Kind.OPAQUE, Kind.MODELS) and operation.dialect != backend.dialect:
            return Denial(
                code="dialect_mismatch",
                status=400,
                message=f"This path speaks {operation.dialect}; "
                f"the policy routes the model to a provider that speaks {backend.dialect}.",
            )
        bound = facts.hold.max_output if facts.hold is not None else None
        body = dialect(operation.dialect).encode(operation, facts.prompt, facts.model, facts.params, bound)
        forwarded = self._forwarded - _listed(facts.headers)
        described: tuple[tuple[str, str], ...] = ()
        if operation.kind is not Kind.OPAQUE:  # it was judged as JSON: no word of the caller's may make it be read as anything else
            forwarded -= _DESCRIBED
            described = _JSON if body else ()
        fields = (*described, *(field for field in facts.headers if field[0] in forwarded))
        return (body, backend.path_prefix + facts.path, fields)


_DESCRIBED = frozenset({"content-type", "content-disposition", "content-language", "content-location", "content-range"})
_JSON = (("content-type", "application/json"),)
_NEVER = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie", "host"})


def _listed(headers: Headers) -> frozenset[str]:
    """The fields that Connection makes hop-by-hop (RFC 9110 section 7.6.1)."""
    names = ",".join(headers.all("connection")).lower()
    return frozenset(name.strip() for name in names.split(","))
