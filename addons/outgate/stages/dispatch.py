"""Send the encoded request to the picked endpoint and take the head of its answer. The only way upstream.

What comes back is decoded into events at once; an attempt that failed before any head is a FailedAttempt, from which the
exchange derives what runs again.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from outgate.dialects.answer_forms import Redirected, answer_as, answer_in
from outgate.dialects.answer_heads import AnswerHead, head_of
from outgate.dialects.registry import dialect
from outgate.dialects.spec import AnswerDecoder
from outgate.errors import Denial, FailureKind, FailureReason, UpstreamError
from outgate.inference.conversation import Conversation, Translation
from outgate.inference.operation import Operation
from outgate.inference.params import Params
from outgate.inference.stream import EventStream
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, Effect, May, Release
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.accounts import Hold
from outgate.upstreams.catalog import Backend, Endpoint, MisdirectedError, Origination
from outgate.upstreams.client import Client, OutboundRequest
from outgate.upstreams.events import UpstreamEvents
from outgate.upstreams.upload import Upload, UploadBrokenError

STATUS = {FailureKind.TIMEOUT: 504}
# One sentence for each way to fail: enough to know where to look, without names, addresses or certificates of the inside.
MESSAGES = {
    FailureKind.CONNECT: "The provider could not be connected.",
    FailureKind.TLS: "TLS with the provider failed: its certificate, its name or the client certificate was not accepted.",
    FailureKind.DNS: "The provider's name has no address that the gateway's policy lets it dial.",
    FailureKind.RESET: "The provider's connection ended before it answered.",
    FailureKind.STALE: "The provider closed an idle connection when it was used again; the request may have reached it.",
    FailureKind.TIMEOUT: "The provider did not answer in time.",
    FailureKind.PROTOCOL: "The provider's answer is not valid HTTP.",
}

_DESCRIBED = frozenset({"content-type"})
MISDIRECTED = Denial(
    code="misdirected", status=503, message="The request would have been sent under names or TLS that are not the provider's."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt(Denial):
    """An attempt without an answer: the failure event, its reason, and whether the provider may have received the request."""

    kind: FailureKind
    sent: bool
    reason: FailureReason | None = None


class Reads(NamedTuple):
    """The request on the wire, bound to one backend and one endpoint."""

    operation: Operation
    method: str
    params: Params
    backend: Backend
    endpoint: Endpoint
    wire_body: bytes
    wire_path: str
    wire_headers: tuple[tuple[str, str], ...]
    wire_origination: Origination
    wire_auth: Any
    wire_asked: Conversation | None
    translation: Translation | None
    hold: Hold | None
    patience: float | None
    via: str | None
    upload: Upload | None


class Dispatch(Stage):
    """One attempt."""

    name = "dispatch"

    def __init__(self, client: Client) -> None:
        self._client = client
        self.contract = Contract.of(
            Reads,
            writes=("r.status", "r.headers", "r.stream", "r.source"),
            may=May.DENY,
            releases=Release.UPSTREAM,
            effect=Effect.IDEMPOTENT,
            optional=("hold", "wire.auth", "patience", "via", "upload"),
            cost=0.2,
        )

    async def run(self, facts: Reads, /) -> Outcome:
        request = OutboundRequest(
            backend=facts.backend,
            endpoint=facts.endpoint,
            origination=facts.wire_origination,
            method=facts.method,
            path=facts.wire_path,
            headers=facts.wire_headers,
            body=facts.wire_body,
            auth=facts.wire_auth,
            patience=facts.patience,
            via=facts.via or "",
            upload=facts.upload,
        )
        try:
            call = await self._client.open(request)
        except UpstreamError as error:
            return _failed(error)
        except (UploadBrokenError, MisdirectedError) as error:
            return error.denial if isinstance(error, UploadBrokenError) else MISDIRECTED
        head = head_of(facts.operation.kind, call.status, call.headers.get("content-type") or "", stream=facts.params.stream)
        events = UpstreamEvents(call, _decoder(facts, call.status, head), late=head.streams and not head.described)
        return (head.status, _described(call.headers, head.content_type), EventStream(events), "upstream")


def _decoder(facts: Reads, status: int, head: AnswerHead) -> AnswerDecoder:
    operation, asked, told = facts.operation, facts.wire_asked, facts.translation
    if head.status != status:
        return Redirected(operation, status)
    decoder = dialect(operation.dialect).answer(operation, head.streams, facts.params.include_usage, status)
    if asked is None or told is None:
        return answer_as(operation, decoder, stream=head.streams, status=status, described=head.described)
    lose, described = told.answer_lost.add, head.described
    return answer_in(operation, told.target, asked, decoder, stream=head.streams, status=status, lose=lose, described=described)


def _failed(error: UpstreamError) -> FailedAttempt:
    return FailedAttempt(
        code=f"upstream_{error.kind}",
        status=STATUS.get(error.kind, 502),
        message=MESSAGES.get(error.kind, "The provider did not answer."),
        retry_after=error.retry_after,
        kind=error.kind,
        sent=error.sent,
        reason=error.reason,
    )


def _described(headers: Headers, made: str) -> Headers:
    """The fields of an answer, with the Content-Type of what is made of it."""
    return Headers([*headers.without(_DESCRIBED), ("content-type", made)]) if made else headers
