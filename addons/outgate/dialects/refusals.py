"""Errors of a provider, in whatever shape: its own dialect's passes as it is, the text of any other stands in one of the dialect.

Servers in clusters, and what stands before providers, speak FastAPI's `{"detail": …}`, vLLM's `{"object": "error", …}`, another
API's errors, HTML or plain text. Callers and operators need what was said there, with the status it came with.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from typing import Any

from outgate.dialects.error_codes import status_told
from outgate.dialects.events import ErrorEvent
from outgate.dialects.json_body import LIMITS, dump
from outgate.dialects.lenient import carried
from outgate.dialects.reading import Reading, read_tree
from outgate.dialects.rules import EVERYTHING, free
from outgate.dialects.sse import SseParser
from outgate.errors import WireError
from outgate.inference.conversation import Failure
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event

_RULE = free(Channel.ASSISTANT, names=EVERYTHING, numbers=False)
_MOST_BYTES = 1024 * 1024
_LONGEST = 2_000
"""Characters of a provider's text that are passed on."""
_FAULT = 502
"""The status of an error that does not say whose fault it is."""
_SAYING = ("message", "Message", "detail", "error", "errors", "error_message", "error_description", "msg", "reason", "title")
"""Members under which servers say what is wrong, the likeliest first."""
_ESCAPES = 4
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_MARKUP = re.compile(r"\s*<(?:!doctype|html|head|body|h1|center|\?xml)", re.IGNORECASE)
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")

type Shape = Callable[[int, str, str | None], dict[str, Any]]
"""An error of a dialect, of a status, a text and a code."""
type ReadFailure = Callable[[int, Mapping[str, Any]], Failure]
"""Reads an error of a dialect: see `translation.Converter`."""


class Refusal:
    """Decoder of an error answer. `is_own` knows an error of the dialect, `shape` writes one."""

    def __init__(self, status: int, is_own: Callable[[Mapping[str, Any]], bool], shape: Shape) -> None:
        self._status = status
        self._is_own = is_own
        self._shape = shape
        self._raw = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        self._raw += data[: max(0, _MOST_BYTES - len(self._raw))]
        return []

    def end(self) -> list[Event]:
        return [ErrorEvent(self._reading(_unframed(bytes(self._raw))), self._status)]

    def _reading(self, raw: bytes) -> Reading:
        try:
            reading = carried(raw, _RULE, LIMITS)
        except WireError:
            return read_tree(self._shape(self._status, self._told(plain(raw)), None), _RULE)
        tree = reading.document.tree
        if self._is_own(tree):
            return reading
        code = tree.get("code")
        told = said(tree) or dump(tree).decode()
        return read_tree(self._shape(self._status, bounded(told), code if isinstance(code, str) else None), _RULE)

    def _told(self, text: str) -> str:
        return f"The provider answered {self._status}: {text}" if text else f"The provider answered {self._status} and no more."


def failure_in(tree: Mapping[str, Any], answers: Sequence[str], read: ReadFailure | None = None) -> Failure | None:
    """The error that a body under a status of success is: it says what is wrong and has none of the members `answers`, or, where
    `read` translates it, names an error beside them. None for an answer.
    """
    if any(map(tree.get, answers)) and not (read is not None and isinstance(tree.get("error"), dict)):
        return None
    told = said(tree)
    if not told:
        return None
    status = status_told(tree, _FAULT)
    try:
        failure = read(status, tree) if read is not None else Failure(status, "", told)
    except (WireError, AttributeError, TypeError):
        failure = Failure(status, "", told)
    return failure._replace(message=bounded(failure.message or told))


def said(value: Any) -> str:
    """What an object says is wrong; "" where it does not."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(said, value[:20])))
    if not isinstance(value, dict):
        return ""
    text = next(filter(None, (said(value.get(name)) for name in _SAYING)), "")
    place = value.get("loc")
    return f"{'.'.join(map(str, place))}: {text}" if text and isinstance(place, list) else text


def plain(raw: bytes) -> str:
    """The words of a page or of a text, in one line."""
    text = raw.decode("utf-8-sig", "replace")
    if _MARKUP.match(text):
        text = _TAG.sub(" ", _UNSEEN.sub(" ", text))
        for _ in range(_ESCAPES):  # what is written in entities twice is seen by those who look for credentials, too
            text = unescape(text)
    return bounded(text)


def bounded(text: str) -> str:
    """A text in one line, and no longer than an error is."""
    text = _BLANKS.sub(" ", text).strip()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _unframed(raw: bytes) -> bytes:
    """The first data of an error that is told as a stream."""
    if raw.lstrip()[:6] not in (b"data: ", b"event:") and raw.lstrip()[:5] != b"data:":
        return raw
    parser = SseParser()
    return next((event.data for event in [*parser.feed(raw.lstrip()), *parser.rest()] if event.data), b"")
