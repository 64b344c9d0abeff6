"""Answers in the caller's dialect and in the form that was asked for, whole or as events, whatever their server sent.

The first bytes say what came. Where that is what was asked for, in the dialect that was asked in, it passes as it is; all else is
converted, before it is judged. An error that a server tells under a status of success gets the status of its kind.
"""

from collections.abc import Callable
from typing import Any

import orjson

from outgate.dialects.answer_heads import REDIRECTED
from outgate.dialects.answer_items import answer_of, items
from outgate.dialects.answer_streams import Reading, TranslatedStream, Writing
from outgate.dialects.answers import Gathered
from outgate.dialects.conversion import BROKEN, Tree, Way, converted, converter_of, is_broken, tree_of
from outgate.dialects.json_body import dump
from outgate.dialects.refusals import bounded, plain
from outgate.dialects.registry import dialect, spec
from outgate.dialects.spec import AnswerDecoder
from outgate.dialects.sse import encode as sse_event
from outgate.dialects.streams import truncated
from outgate.dialects.translation import Lose, unheard
from outgate.errors import WireError
from outgate.inference.conversation import Conversation, Failure, Over
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import Event

_FIELDS = (b"data", b"event", b"id", b"retry")
_BLANK = b"\xef\xbb\xbf \t\r\n"
_PAGE = 64 * 1024
"""Bytes of the page of a redirect that are read."""
_NOBODY = Conversation((), ())


def answer_in(
    operation: Operation, api: str, asked: Conversation, decoder: AnswerDecoder, *, stream: bool, status: int = 200,
    lose: Lose = unheard, described: bool | None = None,
) -> AnswerDecoder:  # fmt: skip
    """A decoder of an answer in the dialect `api`, which `decoder` gets in the dialect of the operation, in the form that `stream`
    says. `described` says whether its Content-Type is that of events; `lose` hears of losses.
    """
    way = Way(operation, api, converter_of(api), converter_of(operation.dialect), asked, lose)
    if status >= 400:
        return _Whole(decoder, lambda raw: _error(raw, status, way))
    if stream:
        events = TranslatedStream(decoder, way)
        return _Formed(lambda: events, lambda: _Retold(events, decoder, way), stream=True, described=described)
    return _Formed(lambda: _Collected(decoder, way), lambda: _Whole(decoder, way.rewritten), stream=False, described=described)


def answer_as(
    operation: Operation, decoder: AnswerDecoder, *, stream: bool, status: int = 200, described: bool | None = None
) -> AnswerDecoder:
    """The same where the provider speaks the operation's dialect: what has the form that was asked for is left as it is."""
    name, text = operation.dialect, operation.kind is Kind.TEXT
    own = spec(name).converter
    if own is None or status >= 400 or operation.kind not in (Kind.CHAT, Kind.TEXT):
        return decoder
    converter = own._replace(alike=True) if text else own
    way = Way(operation, name, converter, converter, _NOBODY, unheard)
    if stream:
        return _Formed(lambda: decoder, lambda: _Retold(decoder, decoder, way), stream=True, described=described)
    events = decoder if text else _Collected(decoder, way)
    return _Formed(lambda: events, lambda: _Checked(decoder, way), stream=False, described=described)


class Redirected:
    """Decoder of a redirect, which is not followed: an error that says so, without the address, and with what its page says."""

    def __init__(self, operation: Operation, status: int) -> None:
        self._status, self._raw = status, bytearray()
        self._error = dialect(operation.dialect).answer(operation, False, False, REDIRECTED)

    def feed(self, data: bytes) -> list[Event]:
        self._raw += data[: max(0, _PAGE - len(self._raw))]
        return []

    def end(self) -> list[Event]:
        words = plain(bytes(self._raw))
        told = f"The provider answered with a redirect ({self._status}), which is not followed" + (f": {words}" if words else ".")
        return [*self._error.feed(dump({"message": told})), *self._error.end()]


def _error(raw: bytes, status: int, way: Way) -> bytes:
    """An error in the client's dialect; one that is not the provider's own goes on as it came, and is told by the decoder."""
    try:
        failure = converted(lambda: way.provider.read_failure(status, tree_of(raw)))
    except WireError:
        return raw
    return dump(way.client.write_failure(failure._replace(message=bounded(failure.message)))) if failure.message else raw


class _Formed:
    """Decoder of an answer that may come in either form. `described` is what its Content-Type says, None where nobody asked."""

    def __init__(
        self, events: Callable[[], AnswerDecoder], whole: Callable[[], AnswerDecoder], *, stream: bool, described: bool | None
    ) -> None:
        self._events, self._whole = events, whole
        self._described = stream if described is None else described
        self._decoder: AnswerDecoder | None = None
        self._start = b""

    @property
    def joined(self) -> bool:
        """Whether a whole answer is made of events: their words were in no one place before."""
        return isinstance(self._decoder, _Collected)

    def feed(self, data: bytes) -> list[Event]:
        if self._decoder is not None:
            return self._decoder.feed(data)
        self._start += data
        comes = _comes_as_events(self._start.lstrip(_BLANK), self._described)
        if comes is None:
            return []
        return self._chosen(events=comes).feed(self._start)

    def end(self) -> list[Event]:
        if self._decoder is not None:
            return self._decoder.end()
        decoder = self._chosen(events=self._described)
        return [*(decoder.feed(self._start) if self._start else ()), *decoder.end()]

    def _chosen(self, *, events: bool) -> AnswerDecoder:
        self._decoder = self._events() if events else self._whole()
        return self._decoder


def _comes_as_events(start: bytes, described: bool) -> bool | None:  # noqa: FBT001
    """Whether an answer that begins so is a stream; None where that cannot be seen yet."""
    if not start:  # a blank line is a sign of life where events were announced
        return True if described else None
    if start[:1] in b"{[":
        return False
    if start[:1] in b":\x00":  # a comment; a frame of Amazon's event streams
        return True
    field, colon, _ = start[:6].partition(b":")
    if colon and field in _FIELDS:
        return True
    if not colon and len(start) < 6 and any(name.startswith(start) for name in _FIELDS):
        return None
    return described


class _Whole(Gathered):
    """An answer or an error of one piece."""

    def __init__(self, decoder: AnswerDecoder, convert: Callable[[bytes], bytes | list[Event]]) -> None:
        super().__init__()
        self._decoder = decoder
        self._convert = convert

    def end(self) -> list[Event]:
        if not self._raw:
            return self._decoder.end()
        made = self._convert(bytes(self._raw))
        return made if isinstance(made, list) else [*self._decoder.feed(made), *self._decoder.end()]


class _Checked:
    """A whole answer in the caller's own dialect, which may be an error all the same."""

    def __init__(self, decoder: AnswerDecoder, way: Way) -> None:
        self._decoder, self._way = decoder, way
        self.feed = decoder.feed

    def end(self) -> list[Event]:
        events = self._decoder.end()
        tree = getattr(events[-1], "tree", None) if events else None
        failure = self._way.failure(tree) if tree is not None else None
        return events if failure is None else self._way.refused(failure, tree)


class _Retold(Gathered):
    """An answer of one piece, told as the stream that was asked for: an array holds its events, an object is the answer."""

    def __init__(self, events: AnswerDecoder, decoder: AnswerDecoder, way: Way) -> None:
        super().__init__()
        self._events, self._decoder, self._way = events, decoder, way

    def end(self) -> list[Event]:
        if not self._raw:
            raise truncated()
        raw = bytes(self._raw)
        trees = _listed(raw) or [tree_of(raw)]
        failure = self._way.failure(trees[0])
        if failure is not None:
            return self._way.refused(failure, trees[0])
        if len(trees) > 1 or self._way.provider.alike:
            told = b"".join(sse_event(dump(tree)) for tree in trees)
            return [*self._events.feed(told), *self._events.end()]
        return self._retold(trees[0])

    def _retold(self, tree: Tree) -> list[Event]:
        answer = self._way.read(tree)
        if is_broken(answer):
            return self._way.refused(BROKEN)
        told = converted(lambda: Writing(self._way).written(items(answer)))
        return [*self._decoder.feed(told), *self._decoder.end()]


def _listed(raw: bytes) -> list[Any]:
    """The objects of an array; none for anything else. Raises WireError for an array of other values."""
    if raw.lstrip(_BLANK)[:1] != b"[":
        return []
    try:
        told = orjson.loads(raw.lstrip(_BLANK))
    except ValueError:
        told = []
    if not told or not all(isinstance(tree, dict) for tree in told):
        raise WireError("not_an_object", "the body is not a JSON object")
    return list(told)


class _Collected(Gathered):
    """A stream, told as the whole answer that was asked for."""

    def __init__(self, decoder: AnswerDecoder, way: Way) -> None:
        super().__init__()
        self._decoder, self._way = decoder, way

    def end(self) -> list[Event]:
        told = list(Reading(self._way).whole(bytes(self._raw)))
        failure = next((item for item in told if isinstance(item, Failure)), None)
        if failure is None and not any(isinstance(item, Over) for item in told):
            raise truncated()
        answer = answer_of(told) if failure is None else None
        if answer is None or is_broken(answer):
            return self._way.refused(failure or BROKEN)
        return [*self._decoder.feed(self._way.written(answer)), *self._decoder.end()]
