"""Send the encoded request to the picked endpoint and take the head of its answer. The only way upstream.

What comes back is decoded into events at once; an attempt that failed before any head is a FailedAttempt, from which the
exchange derives what runs again.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from outgate.dialects.registry import dialect
from outgate.dialects.spec import AnswerDecoder
from outgate.errors import Denial, FailureKind, FailureReason, UpstreamError
from outgate.inference.operation import Operation
from outgate.inference.params import Params
from outgate.inference.stream import Event, EventStream
from outgate.pipeline.contract import Contract, Effect, May, Release
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.accounts import Hold
from outgate.upstreams.catalog import Backend, Endpoint, MisdirectedError, Origination
from outgate.upstreams.client import Call, Client, OutboundRequest

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
    hold: Hold | None


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
            optional=("hold", "wire.auth"),
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
        )
        try:
            call = await self._client.open(request)
        except UpstreamError as error:
            return _failed(error)
        except MisdirectedError:
            return MISDIRECTED
        return (call.status, call.headers, EventStream(UpstreamEvents(call, _decoder(facts, call))), "upstream")


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


def _decoder(facts: Reads, call: Call) -> AnswerDecoder:
    streams = (call.headers.get("content-type") or "").startswith("text/event-stream")
    spoken = dialect(facts.operation.dialect)
    return spoken.answer(facts.operation, streams, facts.params.include_usage, call.status)


class UpstreamEvents:
    """The events of a provider's answer, those that are ready together as one list. `call` is closed when the reader leaves."""

    def __init__(self, call: Call, decoder: AnswerDecoder) -> None:
        self.call = call
        self._decoder = decoder
        self._ended = False

    def __aiter__(self) -> AsyncIterator[Sequence[Event]]:
        return self

    async def __anext__(self) -> Sequence[Event]:
        """Raises UpstreamError when the provider breaks off, WireError when it does not speak its dialect."""
        while not self._ended:
            data = await self.call.read()
            if data:
                events = self._decoder.feed(data)
            else:
                self._ended = True
                events = self._decoder.end()
            if events:
                return events
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self.call.close()
