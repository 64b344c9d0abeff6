"""The end of a streamed message in words: said in the block of text that is open, or in one of their own behind what is closed.

A message with whole calls ends as one that calls: without their results its conversation could not go on.
"""

from collections.abc import Hashable
from typing import Any

from outgate.dialects.anthropic.stream import is_call
from outgate.dialects.ending import GAP, in_a_call, named
from outgate.dialects.events import JsonEvent
from outgate.inference.stream import Event


class MessageEnding:
    """See `dialects.ending.Ending`. `_open` are blocks that have begun, by index."""

    def __init__(self) -> None:
        self._open: dict[int, Any] = {}
        self._next = 0
        self._called = False
        self._tokens = 0

    def see(self, event: Event) -> None:
        if event.usage is not None and event.usage.output_tokens is not None:
            self._tokens = event.usage.output_tokens
        tree = event.tree if isinstance(event, JsonEvent) else {}
        index: Any = tree.get("index")
        if tree.get("type") == "content_block_start":
            at = index if index.__class__ is int else self._next
            self._open[at], self._next = tree.get("content_block"), at + 1
        elif tree.get("type") == "content_block_stop":
            block = self._open.pop(index if index.__class__ is int else self._next - 1, None)
            self._called = self._called or (isinstance(block, dict) and block.get("type") == "tool_use")

    def words(self, text: str, part: Hashable) -> bytes:  # noqa: ARG002
        if any(map(is_call, self._open.values())):
            raise in_a_call()
        last = max(self._open, default=None)
        here = last is not None and self._open[last].get("type") == "text"
        at = last if last is not None and here else self._next
        said = {"type": "text_delta", "text": (GAP if here else "") + text}
        started = {"type": "content_block_start", "index": at, "content_block": {"type": "text", "text": ""}}
        events: list[dict[str, Any]] = [
            *({"type": "content_block_stop", "index": each} for each in sorted(self._open) if each != at),
            *([] if here else [started]),
            {"type": "content_block_delta", "index": at, "delta": said},
            {"type": "content_block_stop", "index": at},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use" if self._called else "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": self._tokens},
            },
            {"type": "message_stop"},
        ]
        return b"".join(map(named, events))
