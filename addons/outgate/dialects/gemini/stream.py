"""Decoder of streamed Gemini answers: when one is complete, and which pieces of text continue each other.

Text and thoughts of a candidate continue until its `finishReason`; everything else, calls of functions too, comes whole in one
event. No terminator ends the stream: it is whole where every candidate that began has finished, or the prompt was blocked. The
official SDK takes a comment for a broken answer, so a blank line is the sign of life here.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from outgate.dialects import sse
from outgate.dialects.answers import WIDE, Gathered, tokens, worst
from outgate.dialects.events import Aside, Frame, JsonEvent, Path, RawEvent, Reported, whole_texts
from outgate.dialects.gemini.parts import candidates, index_of, is_call, member, parts_of
from outgate.dialects.gemini.tables import FINISHES, RESPONSE
from outgate.dialects.json_body import JsonDocument
from outgate.dialects.lenient import carried
from outgate.dialects.reading import Reading, read_tree
from outgate.dialects.streams import StreamDecoder, truncated
from outgate.errors import WireError
from outgate.inference.prompt import Leaf
from outgate.inference.stream import Event, Finish, Text
from outgate.inference.usage import Usage

_ENVELOPE = ("responseId", "modelVersion", "createTime")


def usage_of(tree: Mapping[str, Any]) -> Usage | None:
    """`usageMetadata`: what tools of the provider put into the prompt is input, and thoughts are output; both stand apart there."""
    usage = member(tree, "usageMetadata")
    if not isinstance(usage, dict):
        return None
    sent, of_tools = tokens(member(usage, "promptTokenCount")), tokens(member(usage, "toolUsePromptTokenCount"))
    said, thought = tokens(member(usage, "candidatesTokenCount")), tokens(member(usage, "thoughtsTokenCount"))
    return Usage(
        input_tokens=None if sent is None else sent + (of_tools or 0),
        output_tokens=None if said is None and thought is None else (said or 0) + (thought or 0),
        cached_tokens=tokens(member(usage, "cachedContentTokenCount")),
        reasoning_tokens=thought,
    )


def cached_usage(usage: Mapping[str, Any]) -> Mapping[str, Any]:
    """A `usageMetadata` of an answer from a cache: all of its input was read from there."""
    used = usage_of({"usageMetadata": usage})
    return usage if used is None or used.input_tokens is None else {**usage, "cachedContentTokenCount": used.input_tokens}


def reported(tree: Mapping[str, Any]) -> Reported:
    """What an answer, or an event of one, says of itself."""
    calls = any(is_call(part) for _, candidate in candidates(tree) for part in parts_of(candidate))
    return Reported(usage_of(tree), _finish(tree), calls)


def _finish(tree: Mapping[str, Any]) -> Finish | None:
    if tree.get("error"):
        return Finish.ERROR
    if _is_blocked(tree):
        return Finish.CONTENT_FILTER
    reasons = [_reason(candidate) for _, candidate in candidates(tree)]
    return worst(FINISHES.get(each, Finish.OTHER) for each in reasons if each) if any(reasons) else None


def _reason(candidate: Mapping[str, Any]) -> str:
    return str(member(candidate, "finishReason") or "")


def _is_blocked(tree: Mapping[str, Any]) -> bool:
    feedback = member(tree, "promptFeedback")
    return isinstance(feedback, dict) and bool(member(feedback, "blockReason"))


def _continued(path: Path, text: Text, piece: str) -> JsonEvent:
    """An event of the same candidate with this piece alone. Raises TypeError for a string that comes whole."""
    part: Any = text.part
    if part[0] != "candidates":
        raise TypeError("this text is complete in its event, nothing of it is held back")
    root, said = path[0][0], {"thought": True} if part[2] == "thought" else {}
    content = {"role": "model", "parts": [{"text": piece, **said}]}
    tree = {name: root[name] for name in _ENVELOPE if isinstance(root.get(name), str)}
    reading = read_tree({**tree, "candidates": [{"content": content, "index": part[1]}]}, RESPONSE)
    leaf = next(each for each in reading.leaves if each.key == "text")
    return JsonEvent(reading.document, (text._replace(text=piece, place=(leaf.box, leaf.key)),), FRAME)


FRAME = Frame(b"data: ", b"\n\n", _continued)


class GeminiStream(StreamDecoder):
    """Decoder of one streamed answer."""

    life = Aside(raw=b"\n")

    def __init__(self, limit: int = sse.LIMIT) -> None:
        super().__init__(RESPONSE, limit)
        self._open: dict[int, set[Hashable]] = {}
        self._begun: set[int] = set()
        self._finished: set[int] = set()
        self._blocked = False
        self._count = 0

    def _ended(self) -> list[Event]:
        if not self._blocked and (not self._finished or not self._begun <= self._finished):
            raise truncated()
        self._over = True
        return [RawEvent(b"", last=True, closes=self._close_all())]

    def _close_all(self) -> tuple[Hashable, ...]:
        parts = tuple(part for parts in self._open.values() for part in parts)
        self._open.clear()
        return parts

    def _event(self, reading: Reading, name: bytes) -> JsonEvent:  # noqa: ARG002
        document, tree = reading.document, reading.document.tree
        self._count += 1
        texts = [
            Text(self._part(document, leaf), leaf.text, leaf.channel, (leaf.box, leaf.key), escaped=False)
            for leaf in reading.leaves
        ]
        said = reported(tree)
        if said.finish is Finish.ERROR:
            self._over = True
            closes = (*self._close_all(), *(text.part for text in texts))
            return JsonEvent(document, texts, FRAME, closes=closes, reported=said, last=True)
        self._blocked = self._blocked or _is_blocked(tree)
        return JsonEvent(document, texts, FRAME, closes=self._closes(tree, texts), reported=said)

    def _closes(self, tree: Mapping[str, Any], texts: list[Text]) -> tuple[Hashable, ...]:
        at_once: list[Hashable] = []
        for text in texts:
            part: Any = text.part
            if part[0] == "candidates":
                self._open.setdefault(part[1], set()).add(part)
            else:
                at_once.append(part)
        for index, candidate in candidates(tree):
            self._begun.add(index)
            if _reason(candidate):
                self._finished.add(index)
                at_once.extend(self._open.pop(index, ()))
        return tuple(at_once)

    def _part(self, document: JsonDocument, leaf: Leaf) -> tuple[Any, ...]:
        """What a text continues: the words, or the thoughts, of its candidate; nothing, where it stands anywhere else."""
        boxes = document.boxes
        part, parent, _, _ = boxes[leaf.box]
        way = [leaf.box, parent]
        while way[-1] > 0:
            way.append(boxes[way[-1]][1])
        if leaf.key != "text" or len(way) != 6 or (boxes[way[1]][2], boxes[way[4]][2]) != ("parts", "candidates"):
            return ("other", self._count, leaf.box, leaf.key)
        candidate, _, position, _ = boxes[way[3]]
        kind = "thought" if part.get("thought") is True else "text"
        return ("candidates", index_of(candidate, position), kind)


class ArrayAnswer(Gathered):
    """A stream that is asked for as a JSON array: one answer in an array, for the provider is asked for it in whole."""

    def end(self) -> list[Event]:
        raw = bytes(self._raw).strip()
        if not raw:
            raise WireError("truncated", "the answer is empty")
        reading = carried(raw[1:-1] if raw[:1] == b"[" and raw[-1:] == b"]" else raw, RESPONSE, WIDE)
        return [JsonEvent(reading.document, whole_texts(reading), ARRAY, reported=reported(reading.document.tree), last=True)]


ARRAY = Frame(b"[", b"]")
