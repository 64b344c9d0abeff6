"""Decoder of embeddings: arrays of numbers are carried as bytes, so that a large batch does not stop the event loop.

A thousand vectors of 3,072 numbers are 50 MB; as Python floats they are ten times that, and reading and writing them holds the
interpreter lock for seconds. An array that stands under `embedding` (or another name) and holds nothing but numbers has no text
to judge: its bytes are cut out as they come, and put back where they stood. Everything else of the answer is read as any other
answer is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from outgate.dialects.answers import LIMIT, WholeAnswer
from outgate.dialects.events import Reported
from outgate.dialects.openai.stream import vectors_reported
from outgate.dialects.openai.tables import VECTORS
from outgate.dialects.rules import Rule
from outgate.errors import WireError
from outgate.inference.stream import Event, Text

_LONGEST_OPENING = 64
_NUMBERS = b"0123456789+-.eE, \t\r\n"
_MARK = b'"\\u0001%d"'
"""What stands for an array meanwhile: a string with a control character, which no embedding holds."""
_MARKED = re.compile(rb'"\\u0001(\d+)"')


class VectorsAnswer:
    """An embeddings answer: one event, once all its bytes are there. Raises WireError as WholeAnswer does."""

    def __init__(
        self,
        name: str = "embedding",
        table: Rule = VECTORS,
        reported: Callable[[Mapping[str, Any]], Reported] = vectors_reported,
        limit: int = LIMIT,
    ) -> None:
        self._limit = limit
        self._opens = re.compile(rb'"%b"[ \t\r\n]*:[ \t\r\n]*\[' % name.encode())
        self._answer = WholeAnswer(table, reported, limit)
        self._size = 0
        self._rest = bytearray()
        """What has come and is not yet looked through; an array that has begun stands at its start."""
        self._inside = False
        self._scanned = 0
        self._around: list[bytes] = []
        self._arrays: list[bytes] = []

    def feed(self, data: bytes) -> list[Event]:
        self._size += len(data)
        if self._size > self._limit:
            raise WireError("answer_too_large", "the answer is too long")
        self._rest += data
        while self._array() if self._inside else self._opening():
            pass
        return []

    def end(self) -> list[Event]:
        self._around.append(bytes(self._rest))
        around = b"".join(self._around)
        if around.count(b"\\u0001") != len(self._arrays):
            around, self._arrays = self._restored(), []
        self._answer.feed(around)
        events = self._answer.end()
        return [_Vectors(event, self._arrays) for event in events] if self._arrays else events

    def _opening(self) -> bool:
        """Move on behind the next opening of an array; False where there is none yet."""
        found = self._opens.search(self._rest)
        cut = found.end() - 1 if found else max(0, len(self._rest) - _LONGEST_OPENING)
        self._around.append(bytes(self._rest[:cut]))
        del self._rest[:cut]
        self._inside, self._scanned = found is not None, 1
        return self._inside

    def _array(self) -> bool:
        """Cut the array out, once its end has come; it stays where it is when it holds anything but numbers."""
        close = self._rest.find(b"]", self._scanned)
        if close < 0:
            self._scanned = len(self._rest)
            return False
        array = bytes(self._rest[: close + 1])
        del self._rest[: close + 1]
        self._inside = False
        if array[1:-1].translate(None, _NUMBERS):
            self._around.append(array)
        else:
            self._around.append(_MARK % len(self._arrays))
            self._arrays.append(array)
        return True

    def _restored(self) -> bytes:
        """The answer as it came: it holds the mark itself."""
        pieces = iter(self._arrays)
        marks = {_MARK % number for number in range(len(self._arrays))}
        return b"".join(next(pieces, piece) if piece in marks else piece for piece in self._around)


class _Vectors:
    """A whole answer whose arrays stand beside it."""

    __slots__ = ("_arrays", "_event", "calls_tool", "closes", "finish", "hidden", "last", "usage", "whole")

    def __init__(self, event: Event, arrays: Sequence[bytes]) -> None:
        self._event, self._arrays = event, arrays
        self.closes, self.whole, self.last, self.hidden = event.closes, event.whole, event.last, event.hidden
        self.usage, self.finish, self.calls_tool = event.usage, event.finish, event.calls_tool

    @property
    def texts(self) -> Sequence[Text]:
        return self._event.texts

    def replace(self, changes: Mapping[int, str]) -> "_Vectors":
        event = self._event.replace(changes)
        return self if event is self._event else _Vectors(event, self._arrays)

    def only(self, index: int, text: str) -> Event:
        return self._event.only(index, text)

    def encode(self) -> bytes:
        pieces = _MARKED.split(self._event.encode())
        if len(pieces) != 2 * len(self._arrays) + 1:
            raise WireError("unencodable", "the vectors of the answer have no place in it")
        pieces[1::2] = [self._arrays[int(number)] for number in pieces[1::2]]
        return b"".join(pieces)
