"""The end of a streamed response in words: said in the message that is open, or in one of their own; the response tells all again.

Of what has left the whole items are kept, and the text of the part that is open: the response at the end repeats them.
"""

from collections.abc import Hashable
from typing import Any

from outgate.dialects.calls import tree_of
from outgate.dialects.ending import GAP, in_a_call, named
from outgate.dialects.events import JsonEvent
from outgate.dialects.responses.convert_parts import output_text
from outgate.dialects.responses.stream import is_call, output_of
from outgate.inference.stream import Event

_TEXT = "response.output_text.delta"
_BEGINS = ("response.content_part.added", _TEXT)
_ENDS = ("response.output_text.done", "response.content_part.done")


class ResponseEnding:
    """See `dialects.ending.Ending`. `_done` are the items that are whole, `_open` those that have begun, by output index."""

    def __init__(self) -> None:
        self._response: dict[str, Any] = {}
        self._done: dict[int, Any] = {}
        self._open: dict[int, Any] = {}
        self._said: dict[int, dict[int, list[str]]] = {}
        self._closed: set[tuple[int, int]] = set()
        self._number = 0

    def see(self, event: Event) -> None:
        if not isinstance(event, JsonEvent):
            return
        tree, index = event.tree, output_of(event.tree)
        number: Any = tree.get("sequence_number")
        self._number = number if number.__class__ is int else self._number
        kind = tree.get("type")
        if kind == "response.created" and isinstance(tree.get("response"), dict):
            self._response = tree_of(event)["response"]
        elif index is not None and kind == "response.output_item.added":
            self._open[index] = tree.get("item")
        elif index is not None and kind == "response.output_item.done":
            self._open.pop(index, None)
            self._done[index] = tree_of(event)["item"]
        elif index is not None and kind in (*_BEGINS, *_ENDS):
            at: Any = tree.get("content_index")
            self._note(index, at if at.__class__ is int else 0, str(kind), event)

    def _note(self, index: int, at: int, kind: str, event: Event) -> None:
        said = self._said.setdefault(index, {}).setdefault(at, [])
        if kind in _ENDS:
            self._closed.add((index, at))
        elif kind == _TEXT:
            said += (text.text for text in event.texts)

    def words(self, text: str, part: Hashable) -> bytes:  # noqa: ARG002
        if any(map(is_call, self._open.values())):
            raise in_a_call()
        open_at = max((at for at, item in self._open.items() if item.get("type") == "message"), default=None)
        if open_at is None:
            item: dict[str, Any] = {
                "id": "msg_outgate",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [],
            }
            index = max((*self._done, *self._open), default=-1) + 1
            return self._ended(item, index, None, text)
        parts = ["".join(said) for _, said in sorted(self._said.get(open_at, {}).items())]
        said = parts.pop() if parts and (open_at, len(parts) - 1) not in self._closed else None
        item = {**self._open[open_at], "status": "completed", "content": [output_text(each) for each in parts]}
        return self._ended(item, open_at, said, text)

    def _ended(self, item: dict[str, Any], index: int, said: str | None, text: str) -> bytes:
        """The events from the words on; `said` is what the part that is open says, if one is."""
        words = (GAP if said else "") + text
        part = output_text((said or "") + words)
        at = {"item_id": item.get("id"), "output_index": index, "content_index": len(item["content"])}
        whole = {**item, "content": [*item["content"], part]}
        begun: list[dict[str, Any]] = []
        if index not in self._open:
            begun.append({"type": "response.output_item.added", "output_index": index, "item": {**item, "status": "in_progress"}})
        if said is None:
            begun.append({"type": "response.content_part.added", **at, "part": output_text("")})
        events = [
            *begun,
            {"type": _TEXT, **at, "delta": words, "logprobs": []},
            {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
            {"type": "response.output_item.done", "output_index": index, "item": whole},
            {"type": "response.completed", "response": self._whole({**self._done, index: whole})},
        ]
        return b"".join(named({**each, "sequence_number": self._number + at}) for at, each in enumerate(events, start=1))

    def _whole(self, items: dict[int, Any]) -> dict[str, Any]:
        usage = {
            "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
        }  # fmt: skip
        output = [items[index] for index in sorted(items)]
        return {**self._response, "status": "completed", "output": output, "usage": usage}
