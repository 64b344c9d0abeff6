"""Decoders of whole (not streamed) answers: a JSON body, a plain text, bytes that are not read."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from outgate.dialects.events import NOTHING, JsonEvent, RawEvent, Reported, whole_texts
from outgate.dialects.json_body import LIMITS, Limits, dump, load
from outgate.dialects.json_faults import explained
from outgate.dialects.lenient import carried
from outgate.dialects.reading import Reading, walked
from outgate.dialects.rules import Rule
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, Finish, Text
from outgate.inference.usage import Usage

LIMIT = 64 * 1024 * 1024
_MOST_TOKENS = 1_000_000_000
WIDE = Limits(items=4_000_000)
"""Answers hold vectors: more elements than a request may have."""


_PAGE = re.compile(r"\ufeff?\s*<(?:!doctype|html)\b", re.IGNORECASE)
_SMALL = 64 * 1024
_SHAPES = bytes.maketrans(b"123456789E", b"000000000e")
_INEXACT = (b"0" * 16, b"0e0", b"0e-", b"0e+")
"""The shapes of all numbers that a double may not hold, and of many that it may: see `json_body.EXACT`."""


class WholeEvent:
    """A whole answer whose texts are found when somebody asks: most have no reader, and finding them is a walk over all of it."""

    __slots__ = ("_found", "_rule", "_tree", "calls_tool", "closes", "finish", "hidden", "last", "usage", "whole")

    def __init__(self, tree: dict[str, Any], rule: Rule, reported: Reported) -> None:
        self._tree = tree
        self._rule = rule
        self._found: JsonEvent | None = None
        self.closes: Sequence[Hashable] = ()
        self.whole = self.last = True
        self.hidden = False
        self.usage, self.finish, self.calls_tool = reported

    @property
    def tree(self) -> Mapping[str, Any]:
        """Its content as it came."""
        return self._tree

    @property
    def texts(self) -> Sequence[Text]:
        return self._judged().texts

    def replace(self, changes: Mapping[int, str]) -> Event:
        judged = self._judged()
        event = judged.replace(changes)
        return self if event is judged else event

    def only(self, index: int, text: str) -> Event:
        """Raises TypeError: its texts are complete, nothing of them is held back."""
        return self._judged().only(index, text)

    def body(self) -> bytes:
        return dump(self._tree)

    encode = body

    def _judged(self) -> JsonEvent:
        if self._found is None:
            reading = walked(self._tree, self._rule, WIDE, exact=True)
            self._found = whole_event(reading, Reported(self.usage, self.finish, self.calls_tool))
        return self._found

    def __repr__(self) -> str:
        return "WholeEvent()"


class Gathered:
    """Bytes of an answer that is read when all of them are there: `limit` at most."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._raw = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        self._raw += data
        if len(self._raw) > self._limit:
            raise WireError("answer_too_large", "the answer is too long")
        return []


class WholeAnswer(Gathered):
    """A JSON answer: one event, once all its bytes are there. `reported` reads what it says of itself."""

    def __init__(self, rule: Rule, reported: Callable[[Mapping[str, Any]], Reported], limit: int = LIMIT) -> None:
        super().__init__(limit)
        self._rule = rule
        self._reported = reported

    def end(self) -> list[Event]:
        if not self._raw:
            raise WireError("truncated", "the answer is empty")
        raw = bytes(self._raw)
        if _plain(raw):
            tree = _strict(raw)
            if tree.__class__ is dict:
                return [WholeEvent(tree, self._rule, self._reported(tree))]
        try:
            reading = carried(raw, self._rule, WIDE)
        except WireError as error:
            raise explained(error, raw) from None
        return [whole_event(reading, self._reported(reading.document.tree))]


class PlainEvent(RawEvent):
    """A whole answer that is one text and nothing around it."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        super().__init__(text.encode(), last=True)
        self.texts = (Text(("text",), text, Channel.ASSISTANT, 0),)
        self.whole = True

    def replace(self, changes: Mapping[int, str]) -> "PlainEvent":
        return PlainEvent(changes[0]) if changes else self

    def only(self, index: int, text: str) -> "PlainEvent":  # noqa: ARG002
        """Raises TypeError: its text is complete, nothing of it is held back."""
        raise TypeError("a whole answer has no continuation")


class TextAnswer(WholeAnswer):
    """An answer in JSON, or in plain text, such as subtitles: an object is the former, a page of a web server is neither."""

    def end(self) -> list[Event]:
        if not self._raw or self._raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
            return super().end()
        try:
            text = self._raw.decode()
        except UnicodeDecodeError as error:
            raise WireError("not_text", "the answer is neither JSON nor text in UTF-8") from error
        if _PAGE.match(text):
            raise WireError("not_text", "the answer is a page of a web server")
        return [PlainEvent(text)]


def whole_event(reading: Reading, reported: Reported) -> JsonEvent:
    """A whole answer, of which every text is found."""
    return JsonEvent(reading.document, whole_texts(reading), reported=reported, last=True)


def _strict(raw: bytes) -> Any:
    try:
        return load(raw, WIDE)[0]
    except WireError:
        return None


def _plain(raw: bytes) -> bool:
    """Whether the bytes alone show that an answer is within all limits and that all its numbers are exact."""
    if len(raw) > _SMALL or raw.count(b"{") + raw.count(b"[") > LIMITS.depth:
        return False
    shapes = raw.translate(_SHAPES)
    return not any(shape in shapes for shape in _INEXACT)


class OpaqueAnswer:
    """An answer that nobody reads, for paths that policy allows unjudged: its bytes as they come."""

    def feed(self, data: bytes) -> list[Event]:
        return [RawEvent(data)] if data else []

    def end(self) -> list[Event]:
        return [RawEvent(b"", last=True)]


def reports_nothing(_: Mapping[str, Any]) -> Reported:
    """Of answers that say nothing of themselves: a list of models, an error."""
    return NOTHING


def worst(reasons: Iterable[Finish]) -> Finish:
    """Of the reasons that the choices of one event state, the one that ended worst."""
    return max(reasons, key=_BADNESS.__getitem__)


_BADNESS = {finish: rank for rank, finish in enumerate(Finish)}


def tokens(value: Any) -> int | None:
    """A reported count; None for what is no count, or more than any answer can have: sums of it would no longer fit a ledger."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else None


def detailed_usage(usage: Any, sent: str, said: str) -> Usage | None:
    """A `usage` object whose members `sent` and `said` count tokens, each with its details beside it: parts of these totals."""
    if not isinstance(usage, dict):
        return None
    of_sent, of_said = usage.get(f"{sent}_details"), usage.get(f"{said}_details")
    of_sent, of_said = of_sent if isinstance(of_sent, dict) else {}, of_said if isinstance(of_said, dict) else {}
    return Usage(
        input_tokens=tokens(usage.get(sent)),
        output_tokens=tokens(usage.get(said)),
        cached_tokens=tokens(of_sent.get("cached_tokens")),
        cache_write_tokens=tokens(of_sent.get("cache_write_tokens")),
        reasoning_tokens=tokens(of_said.get("reasoning_tokens")),
    )
