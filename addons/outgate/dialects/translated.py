"""Requests of one dialect in another, and answers back, by the converters of both.

A request is translated from the tree that was judged, with its edits. An answer is translated before it is decoded: what its judges
see, what is metered and kept, is in the dialect of the caller.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from outgate.dialects.answer_items import items
from outgate.dialects.answers import WIDE, Gathered
from outgate.dialects.blobs import NO_BLOBS
from outgate.dialects.call_ids import CallIds
from outgate.dialects.events import KEEP_ALIVE, Aside
from outgate.dialects.json_body import JsonDocument, decode_value, dump, load
from outgate.dialects.lenient import carried
from outgate.dialects.registry import dialect, spec
from outgate.dialects.rules import EVERYTHING, free
from outgate.dialects.shapes import fitting
from outgate.dialects.spec import AnswerDecoder, Request, Target, WireRequest
from outgate.dialects.sse import SseEvent
from outgate.dialects.streams import StreamDecoder
from outgate.dialects.translation import LOSSES, Converter, Lose, unheard
from outgate.dialects.unsaid import Unsaid
from outgate.errors import Denial, WireError
from outgate.inference.conversation import Answer, Begun, Conversation, Loss, StreamItem
from outgate.inference.operation import Operation
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.shown import is_plain
from outgate.inference.stream import Event

_ANY = free(Channel.ASSISTANT, names=EVERYTHING, numbers=False)
_INDEX = re.compile(r"[\[\]]")
_JSON = (("content-type", "application/json"),)


class Translated(NamedTuple):
    """A request in another dialect, the conversation that it came from, and all that was lost."""

    sent: WireRequest
    asked: Conversation
    losses: tuple[Loss, ...]


def translated(request: Request, target: Target, api: str, most_output: int | None = None) -> Translated:
    """The request in the dialect `api`, with at most so many tokens of output where neither caller nor budget set a maximum and
    the dialect needs one. Raises WireError for what cannot be said there at all.
    """
    document, own = request.prompt.document, request.line.operation.dialect
    if not isinstance(document, JsonDocument):
        raise WireError("untranslatable", "a body that is not JSON cannot be translated")
    marked = JsonDocument(document.tree, document.boxes, document.rule, NO_BLOBS, document.counts)
    prompt = Prompt(marked, request.prompt.leaves, edits=request.prompt.edits)
    judged = dialect(own).encode(request._replace(prompt=prompt), target)
    needed = spec(api).most_output
    most = target.max_tokens or (needed and (most_output or needed))
    asked, unread = _converted(lambda: _converter(own).read_request(judged.path, decode_value(judged.body)))
    sent = _converted(lambda: _converter(api).write_request(asked, target.model, most))
    body = dump(sent.body)
    whole = document.blobs.written(body)[0] if document.blobs else body
    asked = asked._replace(model=target.model)
    return Translated(WireRequest(sent.path, (*_JSON, *spec(api).own_fields), whole), asked, (*unread, *sent.losses))


def refusal(loss: Loss, api: str, provider: str) -> Denial:
    """Why a request that would lose this is not sent. Names of members are the caller's own words: only plain ones are told."""
    where = f"`{loss.where}`" if is_plain(_INDEX.sub("", loss.where)) else "in a member of it"
    return Denial(
        code="translation_loss",
        status=400,
        message=f"The provider of this model is asked in {api}, which cannot carry {LOSSES.get(loss.what, loss.what)} ({where}). "
        f"Leave it out, or have the policy drop it: `{loss.what}` under `translation.drop` of the provider {provider}.",
    )


def answer_in(
    operation: Operation, api: str, asked: Conversation, decoder: AnswerDecoder, *, stream: bool, status: int, lose: Lose = unheard
) -> AnswerDecoder:
    """A decoder of an answer in the dialect `api`, which `decoder` gets in the dialect of the operation; `lose` hears of losses."""
    provider, client = _converter(api), _converter(operation.dialect)
    if status >= 400:
        return _Whole(decoder, lambda raw: _refusal(raw, status, provider, client))
    if stream:
        return _Stream(decoder, (provider, client), asked, lose)
    return _Whole(decoder, lambda raw: dump(client.write_answer(_answer(raw, (provider, client), asked, lose), asked)))


def _answer(raw: bytes, between: tuple[Converter, Converter], asked: Conversation, lose: Lose) -> Answer:
    provider, client = between
    answer = _read(raw, provider, lose)
    if client.says is not None:
        Unsaid(client.says, lose).answer(answer)
    return CallIds(asked).answer(_known(answer, asked.model))


def _read(raw: bytes, provider: Converter, lose: Lose) -> Answer:
    return provider.read_answer(fitting(_tree(raw), provider.answer_shape), lose)


def _converter(name: str) -> Converter:
    converter = spec(name).converter
    if converter is None:
        raise WireError("untranslatable", f"nothing translates {name}")
    return converter


def _converted[T](convert: Callable[[], T]) -> T:
    """What a converter makes of a tree that a peer wrote: whatever it stumbles over has not the dialect's form."""
    try:
        return convert()
    except WireError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise WireError("untranslatable", "the body has not the form of its dialect") from None


def _tree(raw: bytes) -> Mapping[str, Any]:
    """An object as SDKs would read it. Raises WireError."""
    try:
        tree, _ = load(raw, WIDE)
    except WireError:
        tree = carried(raw, _ANY, WIDE).document.tree
    if not isinstance(tree, dict):
        raise WireError("not_an_object", "the body is not a JSON object")
    return tree


def _known[T: (Answer, Begun)](told: T, model: str) -> T:
    """An answer, or the beginning of one, with the model that was asked where its dialect names none."""
    return told if told.model else told._replace(model=model)


def _refusal(raw: bytes, status: int, provider: Converter, client: Converter) -> bytes:
    """An error in the client's dialect; one that is not the provider's own goes on as it came, and is told by the decoder."""
    try:
        return dump(client.write_failure(_converted(lambda: provider.read_failure(status, _tree(raw)))))
    except WireError:
        return raw


class _Whole(Gathered):
    """An answer or an error of one piece."""

    def __init__(self, decoder: AnswerDecoder, convert: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._decoder = decoder
        self._convert = convert

    def end(self) -> list[Event]:
        if not self._raw:
            return self._decoder.end()
        raw = bytes(self._raw)
        return [*self._decoder.feed(_converted(lambda: self._convert(raw))), *self._decoder.end()]


class _Stream:
    """A streamed answer. An event of which nothing comes is a sign of life; one that cannot be read is dropped, and told. A server
    may send one JSON body all the same: it is told as a stream.
    """

    def __init__(self, decoder: AnswerDecoder, between: tuple[Converter, Converter], asked: Conversation, lose: Lose) -> None:
        provider, client = between
        self._decoder = decoder
        self._life = decoder.life if isinstance(decoder, StreamDecoder) else KEEP_ALIVE
        self._reader, self._writer, self._provider, self._lose = provider.reader(lose), client.writer(asked), provider, lose
        self._see = Unsaid(client.says, lose).item if client.says is not None else lambda _: None
        self._parser, self._shape = provider.frames(), provider.event_shape
        self._model, self._ids = asked.model, CallIds(asked)
        self._begun = False
        self._whole: _Whole | None = None

    def feed(self, data: bytes) -> list[Event]:
        if not self._begun and (start := data.lstrip()[:1]):
            self._begun, self._whole = True, _Whole(self._decoder, self._retold) if start == b"{" else None
        if self._whole is not None:
            return self._whole.feed(data)
        return [event for piece in self._parser.feed(data) for event in self._read(piece)]

    def end(self) -> list[Event]:
        if self._whole is not None:
            return self._whole.end()
        rest = [event for piece in self._parser.rest() for event in self._read(piece)]
        return [*rest, *self._written(_converted(self._reader.end)), *self._decoder.end()]

    def _read(self, piece: SseEvent) -> Sequence[Event]:
        if not piece.data:
            return (self._life,)
        try:
            tree = None if piece.data.strip()[:6] == b"[DONE]" else fitting(_tree(piece.data), self._shape)
            told = _converted(lambda: self._reader.feed(piece.name.decode("ascii", "replace"), tree))
        except WireError as error:
            return (Aside(error.code, self._life.encode()),)
        return self._written(told) or (self._life,)

    def _retold(self, raw: bytes) -> bytes:
        return self._raw(items(_read(raw, self._provider, self._lose)))

    def _written(self, told: Iterable[StreamItem]) -> list[Event]:
        raw = _converted(lambda: self._raw(told))
        return self._decoder.feed(raw) if raw else []

    def _raw(self, told: Iterable[StreamItem]) -> bytes:
        return b"".join(map(self._write, told))

    def _write(self, item: StreamItem) -> bytes:
        self._see(item)
        return self._writer.write(_known(item, self._model) if isinstance(item, Begun) else self._ids.item(item))
