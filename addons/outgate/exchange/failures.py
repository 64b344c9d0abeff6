"""Failure of one attempt: what its end, the head of its answer, or the first words of it say.

An answer that began badly is no failure until its route says that it matters, for only then it is waited for. What a model would
not do is one only where the route lists it.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from outgate.dialects.error_codes import failure_told, is_callers
from outgate.errors import Denial, FailureKind, FailureReason, UpstreamError, WireError
from outgate.inference.stream import Event, Finish
from outgate.net.headers import Headers
from outgate.net.retry_after import retry_after
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Answer
from outgate.stages.dispatch import FailedAttempt
from outgate.upstreams.events import UpstreamEvents
from outgate.upstreams.retry_policy import OF_THE_ANSWER, Failure, RoutePolicy

type Ended = Denial | Answer | None

_STATUS = {
    401: FailureKind.UNAUTHORIZED, 402: FailureKind.RATE_LIMITED, 408: FailureKind.SERVER_ERROR, 429: FailureKind.RATE_LIMITED,
}  # fmt: skip
"""Statuses below 500 after which another attempt may be answered. A provider that is not paid is as one that is full."""
_NOT_BEGUN = UpstreamError(
    FailureKind.TIMEOUT, "the answer did not begin in time", sent=True, reason=FailureReason.ANSWER_NOT_BEGUN
)
_REFUSED = "refusal"
"""The name of the text in which a model refuses, in the dialects that have one."""


class Failed(NamedTuple):
    """A failed attempt. `status` is that of its answer, None where none began."""

    kind: FailureKind
    reason: FailureReason | None
    sent: bool
    status: int | None = None
    headers: Headers | None = None

    def failure(self, now: float) -> Failure:
        """What is decided on, at `now`, seconds since the epoch."""
        told = retry_after(self.headers, now) if self.headers is not None else None
        return Failure(self.kind, self.sent and self.status is None, told)


type Beginning = Sequence[Event] | UpstreamError | WireError


def waits_for(policy: RoutePolicy) -> bool:
    """Whether the first words of an answer decide if it stands."""
    return bool(policy.per_try or policy.sent or not OF_THE_ANSWER.isdisjoint(policy.on))


async def beginning(execution: Execution, ended: Ended, policy: RoutePolicy, seconds: float) -> Beginning:
    """The first events of an answer, up to one that says something, or why none came; nothing where the route need not know."""
    stream = execution.get("r.stream") if ended is None else None
    source = getattr(stream, "source", None)
    if not isinstance(source, UpstreamEvents) or not waits_for(policy):
        return ()
    try:
        async with asyncio.timeout(max(seconds, 0.0) if policy.per_try else None):
            return await source.begin()
    except TimeoutError:
        return source.give_up(_NOT_BEGUN)
    except (UpstreamError, WireError) as error:
        return error


def failure_of(execution: Execution, ended: Ended, began: Beginning = ()) -> Failed | None:
    """Why the attempt failed; None where its answer stands."""
    if isinstance(ended, FailedAttempt):
        return Failed(ended.kind, ended.reason, ended.sent)
    if ended is not None:
        return None
    status, headers = execution.get("r.status") or 0, execution.get("r.headers")
    events = () if isinstance(began, Exception) else began
    kind = _of_status(status) or _of_events(status, events)
    if kind is not None:
        reason = FailureReason.ANSWER_REFUSED if kind in OF_THE_ANSWER else FailureReason.ANSWER_ERROR_STATUS
        return Failed(kind, reason, sent=True, status=status or None, headers=headers)
    return _unbegun(began) if isinstance(began, Exception) else None


def _of_status(status: int) -> FailureKind | None:
    return _STATUS.get(status) or (FailureKind.SERVER_ERROR if status >= 500 else None)


def _of_events(status: int, events: Sequence[Event]) -> FailureKind | None:
    """What the answer says of itself: an error that came in place of one, a refusal, a filter."""
    if any(text.text and _name(text.part) == _REFUSED for event in events for text in event.texts):
        return FailureKind.REFUSAL
    finishes = {event.finish for event in events}
    if Finish.CONTENT_FILTER in finishes:
        return FailureKind.CONTENT_FILTER
    if Finish.ERROR not in finishes:
        return None
    trees = [getattr(event, "tree", {}) for event in events]
    told = next(filter(None, map(failure_told, trees)), None)
    return told or (None if status >= 400 or any(map(is_callers, trees)) else FailureKind.SERVER_ERROR)


def error_of(event: Event) -> FailureKind | None:
    """What an error in a stream says of the provider, at fault where nothing else is named; None where the request is at fault."""
    tree = getattr(event, "tree", {})
    return None if is_callers(tree) else failure_told(tree) or FailureKind.SERVER_ERROR


def _name(part: object) -> object:
    return part[-1] if isinstance(part, tuple) and part else part


def _unbegun(error: UpstreamError | WireError) -> Failed:
    if isinstance(error, UpstreamError) and error.kind is FailureKind.TIMEOUT:
        return Failed(error.kind, error.reason, sent=True)
    reason = error.reason if isinstance(error, UpstreamError) else FailureReason.ANSWER_MALFORMED
    return Failed(FailureKind.NOT_BEGUN, reason, sent=True)
