"""Delivery of one answer: pull its events, put them past its judges, hand the bytes over.

Two things are held back here. The dialect's last event, until the exchange is closed: nobody takes an answer for complete whose
closing line was not written. And the reason why a stream finished, until its usage is in hand: who cut it there would have all of
the text, and pay for none of the reasoning behind it. The head of a stream leaves as soon as its provider lets us wait, and so do
signs of life; a failure before the head is an error answer, after it, the dialect's error event.
"""

from asyncio import get_running_loop
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from outgate.answers.calls import Counted
from outgate.dialects.events import Aside, ErrorEvent
from outgate.dialects.refusals import said
from outgate.dialects.registry import spec
from outgate.dialects.spec import Spec
from outgate.dialects.sse import is_stream
from outgate.errors import Denial, FailureKind, UpstreamError, WireError
from outgate.exchange.channel import End, Part, ResponseChannel, ResponseHead
from outgate.exchange.echo import Echo
from outgate.exchange.failures import error_of
from outgate.exchange.guarded import Guarded
from outgate.exchange.judging import CutError, EndedError
from outgate.exchange.response_fields import response_fields
from outgate.exchange.said import Said
from outgate.inference.operation import Kind, Operation
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, EventStream, Finish
from outgate.inference.usage import Usage, merge_usage
from outgate.net.headers import Headers
from outgate.net.retry_after import retry_after

_BODILESS = frozenset({204, 304})
"""Statuses that end with their head (RFC 9112 section 6.3)."""
_REFUSED = Denial(code="answer_refused", status=403, message="The answer was refused by policy.")
BROKEN_ANSWER = "The provider's answer broke off or was malformed."
_MALFORMED = "The provider's answer was malformed: {}."


class BrokenAnswerError(Exception):
    """The answer could not be completed; `started` says whether the client has seen its head."""

    def __init__(self, denial: Denial, *, started: bool) -> None:
        super().__init__(denial.code)
        self.denial = denial
        self.started = started


type Conclude = Callable[[str, bool], bytes]
"""An answer of these words alone, streamed or not. Raises WireError where no answer of this kind is in words."""


class Delivery:
    """One answer on its way. `usage` is what the provider reported so far, `calls` counts calls of tools, `said` the text of a
    stream; `streams` says that it goes out event by event, `started` that its head has left, `spoken` that an event has,
    `complete` that its last one has come. `dropped` counts events that could not be read, by fault; `error` is what the provider
    told of in a stream that began; `refused` is the status of one that came in place of an answer;
    `left` says that it is read for its usage alone, `unread` that its bytes go on as they come.
    """

    __slots__ = (
        "_channel", "_conclude", "_echo", "_ending", "_finishing", "_head", "_held", "_judges", "_request_id", "_source", "_spec",
        "_wall", "calls", "complete", "dropped", "error", "left", "refused", "said", "spoken", "started", "streams", "unread",
        "usage",
    )  # fmt: skip

    def __init__(
        self, channel: ResponseChannel, request_id: str, spec: Spec, judges: Guarded, conclude: Conclude, words: Said, echo: Echo,
        wall: Callable[[], float],
    ) -> None:  # fmt: skip
        self._channel = channel
        self._request_id = request_id
        self._spec = spec
        self._judges, self.unread = judges, False
        self._conclude = conclude
        self._ending = None if judges.idle or spec.ending is None else spec.ending()
        self._head: ResponseHead | None = None
        self._held: list[bytes] = []
        self.streams = False
        self.started = self.spoken = False
        self.complete = False
        self.dropped: Counter[str] = Counter()
        self.error: FailureKind | None = None
        self.usage: Usage | None = None
        self.calls = Counted()
        self.said, self._echo, self._wall = words, echo, wall
        self._finishing: list[Event] = []
        self.left, self.refused = False, 0

    def leave(self) -> bool:
        """The client has gone. Whether its stream is read on, for the usage that is still to come; nothing of it is kept."""
        self.left = self.streams and self._head is None and not self.complete and not self.unread
        return self.left

    async def run(self, status: int, headers: Headers, stream: EventStream, *, unread: bool = False) -> None:
        """Deliver all but the last bytes. Raises BrokenAnswerError, or CutError where a judge ended the answer."""
        self.unread, self._source = unread, stream.source
        self._head = ResponseHead(status, response_fields(headers, self._request_id, self._spec))
        self.streams = is_stream(headers.get("content-type")) or (self.unread and status not in _BODILESS)
        at_once = self.streams and not getattr(stream.source, "late", False)
        opening = get_running_loop().call_soon(self._open) if at_once else None
        try:
            await self._pump(stream)
        except EndedError as ended:
            self._end(ended)
        except (UpstreamError, WireError) as error:
            message = _MALFORMED.format(error) if isinstance(error, WireError) else BROKEN_ANSWER
            raise self._broken("upstream_broken_answer", status, message, retry_after(headers, self._wall())) from error
        except CutError:
            raise
        except Exception as error:
            raise self._broken("stage_failed", 503, "The answer could not be passed on.") from error
        finally:
            if opening is not None:
                opening.cancel()
            self._judges.close()

    async def finish(self, close: Callable[[], Awaitable[Denial | None]]) -> None:
        """Close the exchange, then hand over the last bytes and wait until they were taken. Raises BrokenAnswerError."""
        failed = await close()
        if failed is not None:
            raise BrokenAnswerError(failed, started=self.started)
        last = b"".join(filter(None, self._held))  # one piece is not copied
        body: list[Part] = [last] if last else []
        await self._channel.put([*self._opening(len(last)), *body, End()])
        await self._channel.taken()

    async def _pump(self, stream: EventStream) -> None:
        async for events in stream.source:
            if not self.left:
                await self._pass_on(events)
            elif self._read_on(events):
                return
        if not self.left:
            self._held.append(_encoded([*self._finished(), *await self._judges.finish()]))

    async def _pass_on(self, events: Sequence[Event]) -> None:
        """Judge events that came together, and send what may go."""
        feed = None if self._judges.idle else self._judges.feed
        ready: list[Event] = []
        last: Sequence[Event] = ()
        try:
            for event in events:
                if event.__class__ is Aside:
                    self._drop(event)
                    ready.append(event)
                    continue
                self._note(event)
                passed = (event,) if feed is None else await feed(event)
                if event.last:
                    last = (*self._finished(), *passed)
                else:
                    ready += self._in_order(event, passed)
        except (CutError, EndedError):
            if self.spoken:
                await self._send(ready)
            raise
        await self._send(ready)
        if last:
            self._held.append(_encoded(last))

    def _in_order(self, event: Event, passed: Sequence[Event]) -> Sequence[Event]:
        """What goes now: all but the reason why the answer finished, which waits for its usage."""
        if event.finish is not None and not self._reported:
            self._finishing += passed
            return ()
        return (*self._finished(), *passed) if self._finishing and event.usage is not None else passed

    @property
    def _reported(self) -> bool:
        """Whether what was said is known, and not only what was asked."""
        return not self.streams or (self.usage is not None and self.usage.output_tokens is not None)

    def _finished(self) -> list[Event]:
        held, self._finishing = self._finishing, []
        return held

    def _read_on(self, events: Sequence[Event]) -> bool:
        """Note what is still said, and whether all usage is in hand."""
        for event in events:
            self._note(event)
            if event.last or (event.usage is not None and event.finish is not None):
                self.complete = True
                return True
        return False

    async def _send(self, events: Sequence[Event]) -> None:
        data = _encoded(events)
        if self._ending is not None and self.streams:
            for event in events:
                self._ending.see(event)
        if not self.streams:
            self._held.append(data)
        elif data:
            await self._channel.put([*self._opening(None), data])
            self.started = self.spoken = True

    def _open(self) -> None:
        """The head leaves where nothing is ready to leave with it."""
        if self._head is not None:
            self._channel.offer(self._opening(None))
            self.started = True

    def _drop(self, aside: Event) -> None:
        if isinstance(aside, Aside) and aside.fault:
            self.dropped[aside.fault] += 1

    def _end(self, ended: EndedError) -> None:
        """Complete the answer with a judge's words; where nothing of it has left, they are all of it."""
        if self._head is not None:
            self._head = self._head._replace(status=200)
        try:
            self._held = [self._words(ended)]
        except WireError as error:
            raise CutError(_REFUSED.by(ended.stage)) from error

    def _words(self, ended: EndedError) -> bytes:
        if not self.spoken:
            return self._conclude(ended.text, self.streams)
        if self._ending is None:
            raise WireError("no_canned_answer", "only a conversation can be ended in words")
        return self._ending.words(ended.text, ended.part)

    def _note(self, event: Event) -> None:
        self.complete = event.last
        if isinstance(event, ErrorEvent):
            self._fail(event)
        if event.whole and (isinstance(event, ErrorEvent) or getattr(self._source, "joined", False)):
            self._look_for_echoes(event)
        if event.calls_tool:
            self.calls.add(event)
        if event.finish is Finish.ERROR and self.streams:
            self.error = error_of(event)
        if event.usage is not None:
            self.usage = merge_usage(self.usage, event.usage)
        if event.usage is None or not event.usage.told:
            for text in event.texts:
                if self.streams:
                    self._echo.see(text.part, text.text)
                if text.channel is not Channel.KEY and not text.repeated:
                    self.said.add(text.text)

    def _look_for_echoes(self, event: Event) -> None:
        """Words that were joined or unescaped here, behind the scrubber of the bytes. Raises WireError."""
        for text in event.texts:
            self._echo.see(text.part, text.text)

    def _fail(self, event: ErrorEvent) -> None:
        """An error that came under a status of success has its own. Raises WireError where the head has left."""
        if self._head is None:
            raise WireError("answered_error", said(event.tree))
        if event.status != self._head.status:
            self.streams, self.error, self.refused = False, error_of(event), event.status
            self._head = self._head.as_error(event.status)

    def _opening(self, size: int | None) -> list[Part]:
        """The head, if it has not gone yet: with its length where the answer is whole."""
        head, self._head = self._head, None
        if head is None:
            return []
        framing = ("transfer-encoding", "chunked") if self.streams else ("content-length", str(size))
        return [ResponseHead(head.status, (*head.headers, framing))]

    def _broken(self, code: str, status: int, message: str, after: float | None = None) -> BrokenAnswerError:
        denial = Denial(code=code, status=status if status >= 400 else 502, message=message, retry_after=after)
        return BrokenAnswerError(denial, started=self.started)


def answering(operation: Operation) -> Spec:
    """The API of an answer. Only a conversation is ended in words: elsewhere they would stand where nobody expects them."""
    known = spec(operation.dialect)
    return known if operation.kind is Kind.CHAT else replace(known, ending=None)


def is_unread(kind: Kind, status: int, headers: Headers) -> bool:
    """Whether the bytes of an answer go on as they come: those of a sound that is no event, and of what policy allows unjudged."""
    return kind is Kind.OPAQUE or (kind is Kind.SPEECH and status < 400 and not is_stream(headers.get("content-type")))


def _encoded(events: Sequence[Event]) -> bytes:
    return b"".join(event.encode() for event in events if not event.hidden)
