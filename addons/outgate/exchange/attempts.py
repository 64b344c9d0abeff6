"""Retry upstream attempts until a response begins; only the stages that depend on the failure run again.

Each attempt runs on a fork of the slots. When nothing would run differently, or nothing is left to try, the last answer or
failure stands: the caller sees the provider's own error rather than an invented one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from outgate.errors import Denial, FailureKind, FailureReason, UpstreamError, WireError
from outgate.inference.attempt import AttemptRecord
from outgate.inference.stream import EventStream
from outgate.net.headers import delay_of
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Answer
from outgate.pipeline.retry import EVENTS
from outgate.stages.dispatch import FailedAttempt
from outgate.stages.pick_endpoint import NONE_LEFT
from outgate.upstreams.credentials import Credentials
from outgate.upstreams.wire import CutOffError

_STATUS_EVENTS = {401: FailureKind.UNAUTHORIZED, 402: FailureKind.RATE_LIMITED, 429: FailureKind.RATE_LIMITED}

CREDENTIAL_REFUSED = Denial(
    code="upstream_credential_refused",
    status=502,
    message="The provider refused the gateway's own credential. Yours was accepted; the gateway's operator must mend this.",
)

type Ended = Denial | Answer | None


def failure_of(execution: Execution, ended: Ended) -> FailureKind | None:
    """The failure event of an attempt; None for an answer that stands."""
    if isinstance(ended, FailedAttempt):
        return ended.kind
    if ended is not None:
        return None
    status = execution.get("r.status") or 0
    return _STATUS_EVENTS.get(status) or (FailureKind.SERVER_ERROR if status >= 500 else None)


class Attempts:
    """The attempts of one exchange, at most `limit`. `retry_sent` allows repeating a request that a provider may have received
    without answering (it may bill twice).
    """

    def __init__(
        self, credentials: Credentials, seconds: Callable[[], float], attempted: Callable[[AttemptRecord], None] = lambda _: None,
        *, limit: int, retry_sent: bool,
    ) -> None:  # fmt: skip
        self._credentials = credentials
        self._seconds = seconds
        self._attempted = attempted
        self._limit = limit
        self._retry_sent = retry_sent
        self.records: list[AttemptRecord] = []

    async def run(self, first: Execution) -> tuple[Execution, Ended]:
        """Bring the request plan up to date, again and again, until an answer or a failure stands."""
        execution, ended = first, await self._once(first)
        while (kind := self._repeatable(execution, ended)) is not None:
            following = execution.fork()
            self._dirty(following, kind)
            tried = len(self.records)
            outcome = await self._once(following)
            if isinstance(outcome, Denial) and outcome.code == NONE_LEFT:
                outcome = await self._elsewhere(following)
            gave_up = outcome is not None and not isinstance(outcome, FailedAttempt | Answer)
            if gave_up or len(self.records) == tried:
                break
            await _abandon(execution)
            execution, ended = following, outcome
        if failure_of(execution, ended) is FailureKind.UNAUTHORIZED and execution.get("wire.auth") is not None:
            await _abandon(execution)
            ended = CREDENTIAL_REFUSED
        return execution, ended

    def broke_off(self, cause: BaseException | None) -> None:
        """The answer that was being delivered could not be completed: its attempt has failed after all, and says why."""
        if isinstance(cause, UpstreamError):
            self._told(failure=cause.kind, reason=cause.reason)
        elif isinstance(cause, WireError):
            fault = f"{cause.code}: {cause}"
            self._told(failure=FailureKind.PROTOCOL, reason=FailureReason.ANSWER_MALFORMED, fault=fault)

    def dropped(self, faults: Mapping[str, int]) -> None:
        """So many events of the answer that was delivered could not be read."""
        if faults:
            self._told(dropped=tuple(sorted(faults.items())))

    def _told(self, **fields: Any) -> None:
        """What is known now of the attempt whose answer stands."""
        at = max((at for at, record in enumerate(self.records) if record.status is not None), default=None)
        if at is not None:
            self.records[at] = replace(self.records[at], **fields)

    async def _once(self, execution: Execution) -> Ended:
        start, before = self._seconds(), execution.seen.get("dispatch")
        try:
            ended = await execution.ensure(execution.plan.request)
        except CutOffError:
            self.records.append(self._record(execution, start))
            raise
        if isinstance(ended, FailedAttempt):
            self._note(self._record(execution, start, failure=ended.kind, reason=ended.reason, sent=ended.sent))
        elif execution.seen.get("dispatch") is not before:
            status, failure = execution.get("r.status"), failure_of(execution, ended)
            reason = FailureReason.ANSWER_ERROR_STATUS if failure is not None else None
            self._learn(execution, failure)
            self._note(self._record(execution, start, status, failure, reason))
        return ended

    async def _elsewhere(self, execution: Execution) -> Ended:
        """Every endpoint has failed, and so has the provider: another one may be mapped, with endpoints of its own."""
        execution.give({"provider.state": self._next(execution, "provider.state"), "endpoint.state": frozenset()})
        return await self._once(execution)

    def _repeatable(self, execution: Execution, ended: Ended) -> FailureKind | None:
        kind = failure_of(execution, ended)
        if kind is None or len(self.records) >= self._limit:
            return None
        if isinstance(ended, FailedAttempt) and ended.sent and not self._retry_sent:
            return None
        refused = sum(record.failure is FailureKind.UNAUTHORIZED for record in self.records[:-1])
        if kind is FailureKind.UNAUTHORIZED and refused >= max(1, self._credentials.count(execution.get("backend"))):
            return None
        return kind

    def _dirty(self, execution: Execution, kind: FailureKind) -> None:
        facts = EVENTS[kind]
        if kind is FailureKind.RATE_LIMITED:  # the limit is one of the key, as long as there is another
            facts = facts[:1] if self._credentials.spare(execution.get("backend")) else facts[1:]
        for fact in facts:
            execution.give({fact: self._next(execution, fact)})

    def _learn(self, execution: Execution, kind: FailureKind | None) -> None:
        """Tell the keys of the provider what became of the one that was used."""
        backend, auth = execution.get("backend"), execution.get("wire.auth")
        if auth is None:
            return
        if kind is FailureKind.UNAUTHORIZED:
            self._credentials.refused(backend, auth)
        elif kind is FailureKind.RATE_LIMITED:
            self._credentials.limited(backend, auth, delay_of(execution.get("r.headers").get("retry-after")))
        elif kind is None:
            self._credentials.worked(backend, auth)

    def _next(self, execution: Execution, fact: str) -> Any:
        if fact == "credential.epoch":
            return self._credentials.epoch(execution.get("backend"))
        failed = execution.get("endpoint").name if fact == "endpoint.state" else execution.get("provider")
        return (execution.get(fact) or frozenset()) | {failed}

    def _note(self, record: AttemptRecord) -> None:
        self.records.append(record)
        self._attempted(record)

    def _record(
        self,
        execution: Execution,
        start: float,
        status: int | None = None,
        failure: FailureKind | None = None,
        reason: FailureReason | None = None,
        *,
        sent: bool = True,
    ) -> AttemptRecord:
        """The attempt that ends now; without status and failure, one that was cut off from our side."""
        backend, endpoint, params = execution.get("backend"), execution.get("endpoint"), execution.get("params")
        return AttemptRecord(
            number=len(self.records) + 1,
            backend=backend.name,
            endpoint=endpoint.name,
            address=f"{endpoint.host}:{endpoint.port}",
            status=status,
            failure=failure,
            reason=reason,
            sent=sent,
            seconds=self._seconds() - start,
            streams=params is not None and params.stream,
            provider=backend.provider,
            model=execution.get("model") or "",
        )


async def _abandon(execution: Execution) -> None:
    stream = execution.get("r.stream")
    if stream is not None:
        await aclose(stream)


async def aclose(stream: EventStream) -> None:
    """Stop reading an answer: the provider's connection is released, or broken off where more would have come."""
    close = getattr(stream.source, "aclose", None)
    if close is not None:
        await close()
