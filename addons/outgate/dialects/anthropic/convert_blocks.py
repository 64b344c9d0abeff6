"""Reader of content blocks: blocks of a message become parts of a conversation, and what has no part is told as lost."""

# ruff: noqa: ARG002  readers of blocks have one signature

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from outgate.dialects.anthropic.tables import SERVER_CALLS, SERVER_RESULTS
from outgate.dialects.json_body import dump
from outgate.dialects.parameters import flag, thing, things, word
from outgate.inference.conversation import Call, Loss, Media, Part, Result, Text, Thought

NAME = "anthropic"
"""The dialect to which signatures and sealed thoughts belong."""
_HOSTED = frozenset({*SERVER_CALLS, *SERVER_RESULTS, "container_upload", "tool_reference"})
_PLAIN = re.compile(r"[a-z_]{1,32}")
_EVERY = frozenset({"type", "cache_control"})
_KNOWN = {
    "text": frozenset({"text", "citations"}),
    "image": frozenset({"source"}),
    "document": frozenset({"source", "title", "context", "citations"}),
    "search_result": frozenset({"source", "title", "content", "citations"}),
    "thinking": frozenset({"thinking", "signature"}),
    "redacted_thinking": frozenset({"data"}),
    "tool_use": frozenset({"id", "name", "input", "caller"}),
    "tool_result": frozenset({"tool_use_id", "content", "is_error"}),
}

type Block = Mapping[str, Any]


class BlockReader:
    """Reads the blocks of one body. `losses` are told in the order in which they were met; `_names` are those of the tools called,
    by the id of the call.
    """

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self._names: dict[str, str] = {}

    def parts(self, content: Any, where: str) -> tuple[Part, ...]:
        """The parts of a text, or of an array of blocks. Raises WireError for neither."""
        if isinstance(content, str):
            return (Text(content),) if content else ()
        return tuple(part for at, block in enumerate(things(content, "content")) for part in self.block(block, f"{where}[{at}]"))

    def texts(self, content: Any, where: str) -> tuple[Text, ...]:
        """The texts of it; anything else in it is lost."""
        return tuple(part for part in self._kept(self.parts(content, where), Text, where) if isinstance(part, Text))

    def block(self, block: Block, where: str) -> Sequence[Part]:
        """The parts of one block: most are one part, some several, and what the provider ran itself none."""
        kind = word(block, "type")
        read = self._READERS.get(kind)
        if read is None:
            self.lose("hosted_tools" if kind in _HOSTED else "members", where)
            return ()
        self.left(block, _KNOWN[kind], where)
        return read(self, block, where)

    def lose(self, what: str, where: str) -> None:
        self.losses.append(Loss(what, where))

    def left(self, holder: Block, known: frozenset[str], where: str) -> None:
        """Tells the members that nobody reads, by their names where those can be no words of a caller's."""
        for name, value in holder.items():
            if name == "cache_control" and value is not None:
                self.lose("cache_control", where)
            elif value is not None and name not in known and name not in _EVERY:
                self.lose("members", f"{where}.{name}" if _PLAIN.fullmatch(name) else where)

    def _text(self, block: Block, where: str) -> Sequence[Part]:
        return (Text(word(block, "text"), tuple(things(block.get("citations"), "citations"))),)

    def _image(self, block: Block, where: str) -> Sequence[Part]:
        source = thing(block, "source")
        kind = word(source, "type")
        if kind == "base64":
            return (Media("image", word(source, "media_type"), data=word(source, "data")),)
        if kind == "url":
            return (Media("image", url=word(source, "url")),)
        self.lose("images", where)
        return ()

    def _document(self, block: Block, where: str) -> Sequence[Part]:
        if flag(thing(block, "citations"), "enabled"):
            self.lose("citations", where)
        context = word(block, "context")
        told = (Text(context),) if context else ()
        return (*told, *self._source(thing(block, "source"), word(block, "title"), where))

    def _source(self, source: Block, title: str, where: str) -> Sequence[Part]:
        kind = word(source, "type")
        if kind == "base64":
            return (Media("file", word(source, "media_type"), data=word(source, "data"), name=title),)
        if kind == "text":
            return (Media("file", "text/plain", text=word(source, "data"), name=title),)
        if kind == "url":
            return (Media("file", url=word(source, "url"), name=title),)
        if kind == "content":
            return self._inner(source.get("content"), title, where)
        self.lose("files", where)
        return ()

    def _inner(self, content: Any, title: str, where: str) -> Sequence[Part]:
        """A document made of blocks: one of text, or its parts where it holds images."""
        parts = self.parts(content, f"{where}.source.content")
        texts = [part.text for part in parts if isinstance(part, Text)]
        if len(texts) == len(parts):
            return (Media("file", "text/plain", text="\n\n".join(texts), name=title),)
        return (*([Text(title)] if title else []), *parts)

    def _search_result(self, block: Block, where: str) -> Sequence[Part]:
        if flag(thing(block, "citations"), "enabled"):
            self.lose("citations", where)
        head = "\n".join(filter(None, (word(block, "title"), word(block, "source"))))
        texts = [text.text for text in self.texts(block.get("content"), f"{where}.content")]
        return (Text("\n\n".join(filter(None, (head, *texts)))),)

    def _thinking(self, block: Block, where: str) -> Sequence[Part]:
        return (Thought(word(block, "thinking"), signature=word(block, "signature"), provider=NAME),)

    def _redacted(self, block: Block, where: str) -> Sequence[Part]:
        return (Thought(sealed=word(block, "data"), provider=NAME),)

    def _tool_use(self, block: Block, where: str) -> Sequence[Part]:
        call = Call(word(block, "id"), word(block, "name"), dump(thing(block, "input")).decode())
        self._names[call.id] = call.name
        return (call,)

    def _tool_result(self, block: Block, where: str) -> Sequence[Part]:
        called = word(block, "tool_use_id")
        said = self._kept(self.parts(block.get("content"), f"{where}.content"), Text | Media, where)
        parts = tuple(part for part in said if isinstance(part, Text | Media))
        return (Result(called, parts, failed=flag(block, "is_error"), name=self._names.get(called, "")),)

    def _kept(self, parts: Iterable[Part], kinds: Any, where: str) -> list[Part]:
        kept = []
        for part in parts:
            if isinstance(part, kinds):
                kept.append(part)
            else:
                self.lose("members", where)
        return kept

    _READERS: ClassVar[Mapping[str, Callable[["BlockReader", Block, str], Sequence[Part]]]] = {
        "text": _text,
        "image": _image,
        "document": _document,
        "search_result": _search_result,
        "thinking": _thinking,
        "redacted_thinking": _redacted,
        "tool_use": _tool_use,
        "tool_result": _tool_result,
    }
