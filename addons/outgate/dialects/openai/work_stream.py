"""Decoder of streamed images, speech and transcriptions: their texts are judged, pictures and sounds in them are carried unread.

platform.openai.com/docs/api-reference: image-streaming, audio/speech-audio-*-event, audio/transcript-text-*-event. Each event has
a `type`; the answer is whole once one that ends in `.completed` or `.done` has come and the bytes end, or at `[DONE]`, which
compatible servers send. That event is held until then. A transcript is told in pieces, then once more as a whole.
"""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any

from outgate.dialects.answers import LIMIT, detailed_usage
from outgate.dialects.events import Frame, JsonEvent, RawEvent, Reported, part_of
from outgate.dialects.openai.stream import DONE, continued, is_error
from outgate.dialects.openai.work_tables import MADE_EVENT
from outgate.dialects.reading import Reading
from outgate.dialects.streams import StreamDecoder, truncated
from outgate.inference.stream import Event, Finish, Text

_WHOLE = (".completed", ".done")
_PIECE = "transcript.text.delta"
_continued = partial(continued, MADE_EVENT)
_PLAIN = Frame(b"data: ", b"\n\n", _continued)
_NAMED = ("image_generation.", "image_edit.")
"""Events of these kinds have a name on the wire."""


def usage_of(tree: Mapping[str, Any]) -> Reported:
    """What images and a transcription say of themselves: tokens of audio and pictures are within the totals."""
    return Reported(detailed_usage(tree.get("usage"), "input_tokens", "output_tokens"))


class WorkStream(StreamDecoder):
    """Decoder of one streamed answer: an event may be as long as a picture is."""

    def __init__(self) -> None:
        super().__init__(MADE_EVENT, LIMIT)
        self._open: set[Hashable] = set()
        self._held: list[Event] = []
        self._whole = False

    def feed(self, data: bytes) -> list[Event]:
        return self._but_the_last(super().feed(data))

    def end(self) -> list[Event]:
        return [*self._held, *super().end()]

    def _but_the_last(self, events: list[Event]) -> list[Event]:
        if not events:
            return []
        events = [*self._held, *events]
        keep = len(events) if self._over else len(events) - (events[-1].finish is not None)
        self._held = events[keep:]
        return events[:keep]

    def _ended(self) -> list[Event]:
        if not self._whole:
            raise truncated()
        return self._close(b"")

    def _done(self) -> list[Event]:
        self._over = True
        return self._close(DONE)

    def _close(self, raw: bytes) -> list[Event]:
        closes, self._open = tuple(self._open), set()
        return [RawEvent(raw, last=True, closes=closes)]

    def _event(self, reading: Reading, name: bytes) -> JsonEvent:
        document, tree = reading.document, reading.document.tree
        kind, finish = str(tree.get("type", "")), None
        texts = [
            Text((kind, *_which(tree), *part_of(document, leaf)), leaf.text, leaf.channel, (leaf.box, leaf.key), self._told(kind))
            for leaf in reading.leaves
        ]
        if name == b"error" or is_error(tree):
            self._over, finish = True, Finish.ERROR
        elif kind.endswith(_WHOLE):
            self._whole, finish = True, Finish.STOP
        closes = self._closes(texts, goes_on=kind == _PIECE or not kind)
        reported = usage_of(tree)._replace(finish=finish)
        return JsonEvent(document, texts, _frame(kind), closes=closes, reported=reported, last=self._over)

    def _told(self, kind: str) -> bool:
        """Whether the texts of such an event were told before, in pieces."""
        return bool(kind) and kind != _PIECE and bool(self._open)

    def _closes(self, texts: list[Text], *, goes_on: bool) -> tuple[Hashable, ...]:
        parts = {text.part for text in texts}
        if goes_on and not self._over:
            self._open |= parts
            return ()
        closed, self._open = self._open, set()
        return (*closed, *parts.difference(closed))


def _which(tree: Mapping[str, Any]) -> tuple[Hashable, ...]:
    """The segment that an event tells of, of a transcript with speakers."""
    found = tree.get("segment_id") or tree.get("id")
    return (found,) if isinstance(found, str) else ()


def _frame(kind: str) -> Frame:
    if kind.startswith(_NAMED) and kind.isprintable():
        return Frame(f"event: {kind}\ndata: ".encode(), b"\n\n", _continued)
    return _PLAIN
