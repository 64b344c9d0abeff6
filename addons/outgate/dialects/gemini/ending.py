"""The end of a streamed Gemini answer in words: every candidate that is open finishes, one of them with the words."""

from collections.abc import Hashable, Mapping
from typing import Any

from outgate.dialects.ending import GAP, in_a_call
from outgate.dialects.events import JsonEvent
from outgate.dialects.gemini.parts import candidates, member, parts_of
from outgate.dialects.json_body import dump
from outgate.dialects.sse import encode as sse_event
from outgate.inference.stream import Event

_ENVELOPE = ("responseId", "modelVersion", "createTime")


class GeminiEnding:
    """See `dialects.ending.Ending`. `_open` says of each candidate that is not finished whether it has said anything."""

    def __init__(self) -> None:
        self._envelope: dict[str, Any] = {}
        self._open: dict[int, bool] = {}
        self._calling = False

    def see(self, event: Event) -> None:
        if not isinstance(event, JsonEvent):
            return
        tree = event.tree
        if not self._envelope:
            self._envelope = {name: tree[name] for name in _ENVELOPE if isinstance(tree.get(name), str)}
        for index, candidate in candidates(tree):
            self._note(index, candidate)

    def _note(self, index: int, candidate: Mapping[str, Any]) -> None:
        parts = [part for part in parts_of(candidate) if isinstance(part, dict)]
        for part in parts:
            call = member(part, "functionCall")
            if isinstance(call, dict):
                self._calling = bool(member(call, "willContinue"))
        if member(candidate, "finishReason"):
            self._open.pop(index, None)
        else:
            said = any(part.get("text") and not part.get("thought") for part in parts)
            self._open[index] = self._open.get(index, False) or said

    def words(self, text: str, part: Hashable) -> bytes:
        if self._calling:
            raise in_a_call()
        way: Any = part
        here = way[1] if isinstance(way, tuple) and way[0] == "candidates" else min(self._open, default=0)
        said = {"parts": [{"text": (GAP if self._open.get(here) else "") + text}], "role": "model"}
        ends = [
            {**({"content": said} if index == here else {}), "finishReason": "STOP", "index": index}
            for index in sorted({here, *self._open})
        ]
        return sse_event(dump({"candidates": ends, **self._envelope}))
