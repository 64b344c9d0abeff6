"""Tool calls in responses: one item each, whole at its `response.output_item.done`; a message takes the place of one.

Arguments are told in pieces, at their end, with their item and with the response: all of it is judged. An item of a kind that
nobody knows is a call by the name of its kind.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from outgate.dialects.answers import WholeAnswer
from outgate.dialects.calls import HeldCalls, Variants, words_for
from outgate.dialects.events import JsonEvent
from outgate.dialects.responses.answers import PIECES, RESPONSE
from outgate.dialects.responses.stream import ResponsesStream, is_call, output_of, reported
from outgate.inference.calls import CallKind, Decide
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event

_NO_CALLS = ("mcp_list_tools", "additional_tools")
_RESULT = "_output"
_ENVELOPE = (
    "id", "type", "status", "call_id", "name", "arguments", "input", "server_label", "approval_request_id", "output", "outputs",
    "results", "result", "error", "encrypted_content",
)  # fmt: skip
_WHOLE = ("arguments", "input", "code", "command", "diff")
_OWN = ("response.function_call_arguments.", "response.mcp_call_arguments.", "response.custom_tool_call_input.")
"""Events that tell the arguments as a whole; those of tools that the provider runs tell one member of them."""
_NOT_GIVEN = "[The result of a call that policy withheld.]"


class _Item:
    """An item that is a call, while it is told; `words` take its place."""

    def __init__(self, index: int | None, first: Event | None = None) -> None:
        self.index, self.first = index, first
        self.told = Variants()
        self.texts: dict[str, list[str]] = {}
        self.seen: list[Mapping[str, Any]] = []
        self.words: str | None = None


class ResponseCalls(HeldCalls):
    """See `dialects.calls.CallReader`. `_open` are items that are held, `_refused` those that were, by output index."""

    def __init__(self, decide: Decide) -> None:
        super().__init__(decide, WholeAnswer(RESPONSE, reported), ResponsesStream())
        self._open: dict[int | None, _Item] = {}
        self._refused: dict[int | None, _Item] = {}
        self._calls: set[Any] = set()

    def _concerns(self, event: JsonEvent) -> bool:
        tree = event.tree
        index = output_of(tree)
        return event.calls_tool or (index is not None and index in self._refused) or "response" in tree

    def _read(self, event: JsonEvent, tree: dict[str, Any]) -> Any:
        kind, index, item = str(tree.get("type")), output_of(tree), tree.get("item")
        if "item" in tree and _is_call(item):
            known = self._of(index, event)
            if isinstance(item, dict):
                known.seen.append(item)
            else:
                known.told.fault = "call"
            if kind == "response.output_item.done":
                self._settle(self._open.pop(index))
            return known
        channel = PIECES.get(kind) or PIECES.get(f"{kind.removesuffix('done')}delta")
        if channel is Channel.TOOL_ARGUMENTS:
            return self._piece(event, index, kind, tree)
        return tree if index is None else self._open.get(index) or self._refused.get(index) or tree

    def _of(self, index: int | None, event: Event) -> _Item:
        return self._open.setdefault(index, _Item(index, event))

    def _piece(self, event: Event, index: int | None, kind: str, tree: Mapping[str, Any]) -> _Item:
        if index in self._refused and index not in self._open:
            return self._refused[index]
        known, piece = self._of(index, event), kind.endswith(".delta")
        texts = [tree.get("delta")] if piece else [tree[name] for name in _WHOLE if tree.get(name) is not None]
        for text in texts:
            if not kind.startswith(_OWN):
                known.texts.setdefault(kind, []).append(str(text))
            elif piece:
                known.told.piece(text)
            else:
                known.told.whole(text)
        return known

    def _settle(self, known: _Item) -> None:
        for item in known.seen:
            tell(known.told, item)
        if not known.seen:
            known.told.fault = "name"
        for texts in known.texts.values():
            if not any("".join(texts) in _strings(item) for item in known.seen):
                known.told.fault = "arguments"
        results = [item for item in known.seen if _is_result(item)]
        if results:
            known.words = _NOT_GIVEN if results[-1].get("call_id") in self._calls else None
        else:
            known.words = words_for(self._decide, known.told)
        if known.words is not None:
            self._refused[known.index] = known
            self._calls.update(item["call_id"] for item in known.seen if isinstance(item.get("call_id"), str))

    def _waits(self) -> bool:
        return bool(self._open)

    def _finish(self) -> None:
        for known in list(self._open.values()):
            self._settle(known)
        self._open.clear()

    def _written(self, came: Event, event: Event, about: Any) -> Iterable[Event]:
        if isinstance(about, _Item):
            if about.words is None:
                return (event,)
            return self._events(event, *_message_events(about, about.words)) if came is about.first else ()
        if isinstance(about, dict) and isinstance(about.get("response"), dict) and self._rewritten(about["response"]):
            return self._events(event, about)
        return (event,)

    def _rewritten(self, tree: dict[str, Any]) -> bool:
        output, changed = tree.get("output"), False
        for at, item in enumerate(output if isinstance(output, list) else ()):
            if _is_call(item):
                known = _Item(at)
                if isinstance(item, dict):
                    known.seen.append(item)
                else:
                    known.told.fault = "call"
                self._settle(known)
                if known.words is not None:
                    output[at], changed = _message(known, known.words), True  # type: ignore[index]
        return changed


def tell(told: Variants, item: Mapping[str, Any]) -> None:
    """Add what an item says of its call."""
    kind = str(item.get("type"))
    if kind in ("function_call", "custom_tool_call"):
        told.kind = CallKind.FUNCTION if kind == "function_call" else CallKind.CUSTOM
        told.named(item.get("name"), within=item.get("namespace") or None)
        told.whole(item.get("arguments" if kind == "function_call" else "input"))
        return
    if kind in ("mcp_call", "mcp_approval_request"):
        told.kind = CallKind.MCP
        told.named(item.get("name"), within=item.get("server_label", ""))
        told.whole(item.get("arguments"))
        return
    told.named(kind.removesuffix("_call"))
    told.kind = CallKind.HOSTED
    rest = {name: value for name, value in item.items() if name not in _ENVELOPE and value not in (None, "", [], {})}
    if item.get("status") != "in_progress":
        told.whole(rest)


def _strings(value: Any) -> str:
    """All strings of an item, one after the other."""
    if isinstance(value, dict):
        value = list(value.values())
    return "".join(map(_strings, value)) if isinstance(value, list) else value if isinstance(value, str) else ""


def _is_call(item: Any) -> bool:
    return is_call(item) and (not isinstance(item, dict) or item.get("type") not in _NO_CALLS)


def _is_result(item: Mapping[str, Any]) -> bool:
    return str(item.get("type")).endswith(_RESULT)


def _message(known: _Item, words: str) -> dict[str, Any]:
    name = next((item["id"] for item in known.seen if isinstance(item.get("id"), str)), f"item_{known.index}")
    part = {"type": "output_text", "text": words, "annotations": [], "logprobs": []}
    return {"id": f"msg_{name}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def _message_events(known: _Item, words: str) -> Iterator[dict[str, Any]]:
    """The events of a message, all with the number of the first that they stand for."""
    item, index = _message(known, words), known.index or 0
    assert isinstance(known.first, JsonEvent)
    number = {"sequence_number": known.first.tree.get("sequence_number", 0), "output_index": index}
    at = {"item_id": item["id"], "content_index": 0, **number}
    [part] = item["content"]
    yield {"type": "response.output_item.added", **number, "item": {**item, "status": "in_progress", "content": []}}
    yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
    yield {"type": "response.output_text.delta", **at, "delta": words, "logprobs": []}
    yield {"type": "response.output_text.done", **at, "text": words, "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": part}
    yield {"type": "response.output_item.done", **number, "item": item}
