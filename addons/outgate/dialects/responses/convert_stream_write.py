"""Writer of one streamed response for a client.

Neighbouring texts are contents of one message, which is whole where something else begins. Codex acts on whole items, SDKs on the
pieces, and both take the answer from the response at its end: it is told in all three ways.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from outgate.dialects.ending import named
from outgate.dialects.responses.convert_answer import (
    call_item,
    ended,
    envelope,
    failed_with,
    message_item,
    stem_of,
    thought_of,
    write_failure,
    write_usage,
)
from outgate.dialects.responses.convert_parts import annotations, output_text
from outgate.dialects.responses.convert_tools import Called, called
from outgate.inference.conversation import (
    Begun,
    Call,
    Cited,
    Conversation,
    Counted,
    Failure,
    Finished,
    Over,
    Part,
    PartBegun,
    PartEnded,
    Piece,
    Refused,
    Sealed,
    Spent,
    StreamItem,
    Text,
    Thought,
)
from outgate.inference.stream import Finish

type Events = Iterator[Mapping[str, Any]]


class _Open:
    """A part that has begun, at `output` and, of a message, at `content`."""

    def __init__(self, part: Part, output: int, content: int = 0) -> None:
        self.part, self.output, self.content = part, output, content
        self.said: list[str] = []
        self.citations: list[Mapping[str, Any]] = []
        self.signature = ""

    @property
    def text(self) -> str:
        return "".join(self.said)


class ResponsesWriter:
    """See `dialects.translation.StreamWriter`. Writes the first alternative: the API has no others. `_output` are the items as far
    as they are whole, `_message` the index of the message that goes on.
    """

    def __init__(self, asked: Conversation) -> None:
        self._asked = asked
        self._number = 0
        self._whole: dict[str, Any] = {}
        self._stem = "outgate"
        self._open: dict[int, _Open] = {}
        self._output: list[dict[str, Any]] = []
        self._message: int | None = None
        self._usage: Spent | None = None
        self._finish = Finish.STOP

    def write(self, item: StreamItem) -> bytes:
        if getattr(item, "alternative", 0):
            return b""
        return b"".join(self._event(event) for event in self._events(item))

    def _event(self, event: Mapping[str, Any]) -> bytes:
        self._number += 1
        return named({**event, "sequence_number": self._number - 1})

    def _events(self, item: StreamItem) -> Events:
        if isinstance(item, Begun):
            return self._begin(item)
        if isinstance(item, PartBegun):
            return self._begin_part(item)
        if isinstance(item, Failure):
            return self._fail(item)
        if isinstance(item, Over):
            return self._end()
        return self._told(item) if isinstance(item, Counted | Finished) else self._of_part(item)

    def _told(self, item: Counted | Finished) -> Events:
        """What the response at the end tells."""
        if isinstance(item, Counted):
            self._usage = item.usage
        else:
            self._finish = item.finish
        yield from ()

    def _of_part(self, item: Piece | Sealed | Cited | PartEnded) -> Events:
        opened = self._open.get(item.at)
        if opened is None:
            return
        if isinstance(item, Piece):
            yield from self._piece(opened, item.text)
        elif isinstance(item, Cited):
            yield from self._cited(opened, item.citation)
        elif isinstance(item, Sealed):
            opened.signature = item.signature
        else:
            yield from self._end_part(item.at)

    def _begin(self, item: Begun) -> Events:
        self._stem = stem_of(item.id)
        self._usage = item.usage
        self._whole = envelope(self._stem, item.model, item.created)
        yield {"type": "response.created", "response": self._whole}
        yield {"type": "response.in_progress", "response": self._whole}

    def _ensure(self) -> Events:
        if not self._whole:
            yield from self._begin(Begun("", ""))

    def _begin_part(self, item: PartBegun) -> Events:
        yield from self._ensure()
        if isinstance(item.part, Text | Refused):
            if self._message is None:
                self._message = len(self._output)
                yield from self._add(message_item([], f"{self._stem}_{self._message}", "in_progress"))
            content = self._output[self._message]["content"]
            opened = self._open[item.at] = _Open(item.part, self._message, len(content))
            content.append(_spoken(opened))
            yield {"type": "response.content_part.added", **self._at(opened, "content_index"), "part": _spoken(opened)}
            yield from self._piece(opened, item.part.text)
        elif isinstance(item.part, Thought | Call):
            yield from self._end_message()
            opened = self._open[item.at] = _Open(item.part, len(self._output))
            yield from self._add(self._item(opened, "in_progress"))
            yield from self._piece(opened, item.part.text if isinstance(item.part, Thought) else item.part.arguments)

    def _add(self, item: dict[str, Any]) -> Events:
        self._output.append(item)
        yield {"type": "response.output_item.added", "output_index": len(self._output) - 1, "item": item}

    def _item(self, opened: _Open, status: str = "completed") -> dict[str, Any]:
        name = f"{self._stem}_{opened.output}"
        if isinstance(opened.part, Call):
            return call_item(opened.part.id, self._called(opened), name, status)
        assert isinstance(opened.part, Thought)
        signature = opened.signature or opened.part.signature
        return thought_of(opened.part._replace(text=opened.text, signature=signature), name)

    def _called(self, opened: _Open) -> Called:
        assert isinstance(opened.part, Call)
        return called(opened.part._replace(arguments=opened.text), self._asked)

    def _at(self, opened: _Open, index: str = "") -> dict[str, Any]:
        place = {"item_id": self._output[opened.output]["id"], "output_index": opened.output}
        return {**place, index: opened.content} if index else place

    def _piece(self, opened: _Open, text: str) -> Events:
        if not text:
            return
        first = not opened.said
        opened.said.append(text)
        if isinstance(opened.part, Thought):
            at = self._at(opened, "summary_index")
            if first:
                yield {"type": "response.reasoning_summary_part.added", **at, "part": {"type": "summary_text", "text": ""}}
            yield {"type": "response.reasoning_summary_text.delta", **at, "delta": text}
        elif isinstance(opened.part, Refused):
            yield {"type": "response.refusal.delta", **self._at(opened, "content_index"), "delta": text}
        elif isinstance(opened.part, Call):
            if not self._rewritten(opened):
                yield {"type": f"response.{_stem(self._output[opened.output])}.delta", **self._at(opened), "delta": text}
        else:
            yield {"type": "response.output_text.delta", **self._at(opened, "content_index"), "delta": text, "logprobs": []}

    def _rewritten(self, opened: _Open) -> bool:
        """Whether the client knows the function as a tool of free text, which is told once the arguments are whole."""
        return self._output[opened.output]["type"] == "custom_tool_call" and not getattr(opened.part, "custom", False)

    def _cited(self, opened: _Open, citation: Mapping[str, Any]) -> Events:
        for known in annotations([citation], opened.text):
            at = {**self._at(opened, "content_index"), "annotation_index": len(opened.citations)}
            opened.citations.append(known)
            yield {"type": "response.output_text.annotation.added", **at, "annotation": known}

    def _end_part(self, at: int) -> Events:
        opened = self._open.pop(at)
        if isinstance(opened.part, Text | Refused):
            yield from self._end_spoken(opened)
            return
        if isinstance(opened.part, Thought):
            yield from self._end_summary(opened)
        item = self._item(opened)
        if isinstance(opened.part, Call):
            yield from self._end_call(opened, item)
        self._output[opened.output] = item
        yield {"type": "response.output_item.done", "output_index": opened.output, "item": item}

    def _end_spoken(self, opened: _Open) -> Events:
        part, at = _spoken(opened), self._at(opened, "content_index")
        self._output[opened.output]["content"][opened.content] = part
        if isinstance(opened.part, Refused):
            yield {"type": "response.refusal.done", **at, "refusal": opened.text}
        else:
            yield {"type": "response.output_text.done", **at, "text": opened.text, "logprobs": []}
        yield {"type": "response.content_part.done", **at, "part": part}

    def _end_summary(self, opened: _Open) -> Events:
        if opened.said:
            at, text = self._at(opened, "summary_index"), opened.text
            yield {"type": "response.reasoning_summary_text.done", **at, "text": text}
            yield {"type": "response.reasoning_summary_part.done", **at, "part": {"type": "summary_text", "text": text}}

    def _end_call(self, opened: _Open, item: dict[str, Any]) -> Events:
        stem, name = f"response.{_stem(item)}", "input" if item["type"] == "custom_tool_call" else "arguments"
        if item[name] and (self._rewritten(opened) or not opened.said):
            yield {"type": f"{stem}.delta", **self._at(opened), "delta": item[name]}
        yield {"type": f"{stem}.done", **self._at(opened), name: item[name]}

    def _end_message(self) -> Events:
        """The message is whole once no text of it is open."""
        if self._message is not None and not any(opened.output == self._message for opened in self._open.values()):
            item = self._output[self._message]
            item["status"] = "completed"
            yield {"type": "response.output_item.done", "output_index": self._message, "item": item}
            self._message = None

    def _end(self) -> Events:
        yield from self._ensure()
        for at in [*self._open]:
            yield from self._end_part(at)
        yield from self._end_message()
        told = {**self._whole, "output": self._output, "usage": write_usage(self._usage), **ended(self._finish)}
        yield {"type": f"response.{told['status']}", "response": told}

    def _fail(self, failure: Failure) -> Events:
        """In the two forms that clients read: SDKs raise at the first, Codex at the second."""
        yield from self._ensure()
        error = failed_with(failure)
        yield {"type": "error", **write_failure(failure), **error, "param": None}
        yield {"type": "response.failed", "response": {**self._whole, "status": "failed", "error": error, "output": self._output}}


def _spoken(opened: _Open) -> dict[str, Any]:
    if isinstance(opened.part, Refused):
        return {"type": "refusal", "refusal": opened.text}
    return output_text(opened.text, opened.citations)


def _stem(item: Mapping[str, Any]) -> str:
    return "custom_tool_call_input" if item["type"] == "custom_tool_call" else "function_call_arguments"
