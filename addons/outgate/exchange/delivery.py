"""Deliver one response: pull its events, put them through the response stages, write the bytes to the channel.

What is held back is only the dialect's last event, until the exchange is closed: nobody takes a response for complete whose
closing line was not written. A failure before the first byte is an error answer; after it, the dialect's error event.
"""

from collections.abc import Awaitable, Callable, Sequence

from outgate.dialects.spec import Spec
from outgate.errors import Denial, UpstreamError, WireError
from outgate.exchange.channel import End, Part, ResponseChannel, ResponseHead
from outgate.exchange.replies import REQUEST_ID
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, EventStream, Transform
from outgate.inference.usage import Usage, merge_usage
from outgate.net.headers import Headers

_PASSED = frozenset({"content-type", "retry-after", "retry-after-ms", "request-id", "x-request-id", "x-should-retry"})
_PASSED_PREFIXES = ("x-ratelimit-",)
"""Beside those that the request's dialect names (`Spec.response_fields`, `response_prefixes`)."""

BROKEN_ANSWER = "The provider's answer broke off or was malformed."


class BrokenAnswerError(Exception):
    """The answer could not be completed; `started` says whether the client has seen its first byte."""

    def __init__(self, denial: Denial, *, started: bool) -> None:
        super().__init__(denial.code)
        self.denial = denial
        self.started = started


class Delivery:
    """One answer on its way. `usage` is what the provider reported so far, `texts` the answer's text until it does;
    `streams` says that it goes out event by event.
    """

    __slots__ = ("_channel", "_head", "_held", "_request_id", "_spec", "started", "streams", "texts", "usage")

    def __init__(self, channel: ResponseChannel, request_id: str, spec: Spec) -> None:
        self._channel = channel
        self._request_id = request_id
        self._spec = spec
        self._head: ResponseHead | None = None
        self._held: list[bytes] = []
        self.streams = False
        self.started = False
        self.usage: Usage | None = None
        self.texts: list[str] = []

    async def run(self, status: int, headers: Headers, stream: EventStream) -> None:
        """Deliver all but the last bytes. Raises BrokenAnswerError."""
        self._head = ResponseHead(status, _response_fields(headers, self._request_id, self._spec))
        self.streams = (headers.get("content-type") or "").startswith("text/event-stream")
        try:
            await self._pump(stream)
        except (UpstreamError, WireError) as error:
            message, wait = BROKEN_ANSWER, _seconds(headers.get("retry-after"))
            raise self._broken("upstream_broken_answer", status, message, wait) from error
        except Exception as error:
            raise self._broken("stage_failed", 503, "A response policy failed.") from error

    async def finish(self, close: Callable[[], Awaitable[Denial | None]]) -> None:
        """Close the exchange, then hand over the last bytes and wait until they were taken. Raises BrokenAnswerError."""
        failed = await close()
        if failed is not None:
            raise BrokenAnswerError(failed, started=self.started)
        last = b"".join(self._held)
        body: list[Part] = [last] if last else []
        await self._channel.put([*self._opening(len(last)), *body, End()])
        await self._channel.taken()

    async def _pump(self, stream: EventStream) -> None:
        transforms = stream.transforms
        async for events in stream.source:
            ready = self._judged(events, transforms)
            if ready and self.streams:
                await self._channel.put([*self._opening(None), ready])
                self.started = True
            else:
                self._held.append(ready)
        self._held.append(_encoded(_flush(transforms)))

    def _judged(self, events: Sequence[Event], transforms: Sequence[Transform]) -> bytes:
        """What may go to the client now; the terminator, and what must go with it, is held."""
        ready: list[Event] = []
        for event in events:
            self._note(event)
            if event.last:
                self._held.append(_encoded((*_flush(transforms), *_through(event, transforms))))
            else:
                ready += _through(event, transforms)
        return _encoded(ready)

    def _note(self, event: Event) -> None:
        if event.usage is not None:
            self.usage = merge_usage(self.usage, event.usage)
        elif self.streams:
            self.texts += [text.text for text in event.texts if text.channel is not Channel.KEY]

    def _opening(self, size: int | None) -> list[Part]:
        """The head, if it has not gone yet: with its length where the answer is whole."""
        head, self._head = self._head, None
        if head is None:
            return []
        framing = ("transfer-encoding", "chunked") if self.streams else ("content-length", str(size))
        return [ResponseHead(head.status, (*head.headers, framing))]

    def _broken(self, code: str, status: int, message: str, retry_after: float | None = None) -> BrokenAnswerError:
        denial = Denial(code=code, status=status if status >= 400 else 502, message=message, retry_after=retry_after)
        return BrokenAnswerError(denial, started=self.started)


def _through(event: Event, transforms: Sequence[Transform]) -> Sequence[Event]:
    events: Sequence[Event] = (event,)
    for transform in transforms:
        events = transform.feed(events[0]) if len(events) == 1 else [out for each in events for out in transform.feed(each)]
    return events


def _flush(transforms: Sequence[Transform]) -> Sequence[Event]:
    """What every transform still holds back, put through those after it."""
    released: list[Event] = []
    for index, transform in enumerate(transforms):
        for event in transform.flush():
            released += _through(event, transforms[index + 1 :])
    return released


def _encoded(events: Sequence[Event]) -> bytes:
    return b"".join(event.encode() for event in events if not event.hidden)


def _response_fields(headers: Headers, request_id: str, spec: Spec) -> tuple[tuple[str, str], ...]:
    prefixes = (*_PASSED_PREFIXES, *spec.response_prefixes)
    passed = [
        field for field in headers if field[0] in _PASSED or field[0] in spec.response_fields or field[0].startswith(prefixes)
    ]
    return (*passed, (REQUEST_ID, request_id))


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After of an error page that is no answer of the dialect: a load balancer's 429 or 503 (RFC 9110 section 10.2.3)."""
    return float(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdigit() else None
