"""The end of a streamed completion in words: every choice that is open finishes, one of them with the words."""

from collections.abc import Hashable, Mapping
from typing import Any

from outgate.dialects.ending import GAP, in_a_call
from outgate.dialects.events import JsonEvent
from outgate.dialects.json_body import dump
from outgate.dialects.openai.stream import DONE, index_of
from outgate.dialects.sse import encode as sse_event
from outgate.inference.stream import Event

_ENVELOPE = ("id", "object", "created", "model", "system_fingerprint", "service_tier")


class ChatEnding:
    """See `dialects.ending.Ending`."""

    def __init__(self) -> None:
        self._envelope: dict[str, Any] = {}
        self._open: dict[int, bool] = {}
        self._calls: set[int] = set()
        self._usage = False

    def see(self, event: Event) -> None:
        if not isinstance(event, JsonEvent):
            return
        tree = event.tree
        if not self._envelope:
            self._envelope = {name: tree[name] for name in _ENVELOPE if isinstance(tree.get(name), str | int)}
        self._usage = self._usage or "usage" in tree
        choices = tree.get("choices")
        for position, choice in enumerate(choices if isinstance(choices, list) else ()):
            if isinstance(choice, dict):
                self._note(index_of(choice, position), choice)

    def _note(self, index: int, choice: Mapping[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message")
        said = isinstance(delta, dict) and bool(delta.get("content"))
        if choice.get("finish_reason"):
            self._open.pop(index, None)
        else:
            self._open[index] = self._open.get(index, False) or said
        if isinstance(delta, dict) and (delta.get("tool_calls") or delta.get("function_call")):
            self._calls.add(index)

    def words(self, text: str, part: Hashable) -> bytes:
        if self._calls & set(self._open):
            raise in_a_call()
        way: Any = part
        here = way[1] if isinstance(way, tuple) and len(way) > 1 and way[0] == "choices" else min(self._open, default=0)
        said = {"content": (GAP if self._open.get(here) else "") + text}
        chunks = [self._chunk(here, said, None), *(self._chunk(each, {}, "stop") for each in sorted({here, *self._open}))]
        if self._usage:
            usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
            chunks = [*({**each, "usage": None} for each in chunks), {**self._envelope, "choices": [], "usage": usage}]
        return b"".join(sse_event(dump(each)) for each in chunks) + DONE

    def _chunk(self, index: int, delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._envelope, "choices": [choice]}
