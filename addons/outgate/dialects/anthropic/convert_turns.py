"""Writer of content blocks and messages: turns of a conversation become messages that take turns, as this API wants them.

What the caller said between two answers is one message, the results of tools first; ids of calls are unique and made of letters
that the API admits; empty texts, which it refuses, are left away.
"""

import binascii
import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any

from outgate.dialects.anthropic.convert_blocks import NAME
from outgate.dialects.free_text import input_of
from outgate.dialects.translation import MEDIA
from outgate.inference.conversation import Call, Loss, Media, Part, Refused, Result, Role, Text, Thought, Turn

OPENING = "Continue."
"""What a caller says who says nothing: the first message must be a user's, and have words."""
CITATIONS = frozenset({
    "char_location", "page_location", "content_block_location", "web_search_result_location", "search_result_location",
})  # fmt: skip
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_ID = re.compile(r"(?!id64_|idh_)[A-Za-z0-9_-]{1,64}")
"""Ids that go as they are: Anthropic names the letters, Bedrock the length (`ToolUseBlock.toolUseId`)."""
_MOST = 64

type Tree = dict[str, Any]


class Ids:
    """Ids of calls as they are written. One that was used before, or that the API would refuse, becomes another; results follow
    their calls in order.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._open: dict[str, list[str]] = {}
        self._last: dict[str, str] = {}

    def call(self, told: str) -> str:
        plain = _plain(told)
        written, more = plain, 1
        while written in self._used:
            more += 1
            written = f"{plain}_{more}"
        self._used.add(written)
        self._open.setdefault(told, []).append(written)
        return written

    def result(self, told: str) -> str:
        waiting = self._open.get(told)
        if waiting:
            self._last[told] = waiting.pop(0)
        return self._last.get(told) or _plain(told)


def _plain(told: str) -> str:
    """An id as the API admits it. No two become the same: what it would refuse goes in base64, by its hash where that is long."""
    if _ID.fullmatch(told):
        return told
    raw = told.encode("utf-8", "surrogatepass")
    coded = f"id64_{urlsafe_b64encode(raw).decode().rstrip('=')}"
    return coded if len(coded) <= _MOST else f"idh_{sha256(raw).hexdigest()[:48]}"


class TurnWriter:
    """Writes turns as messages. `hoisted` are a system's words that cannot stand between messages here."""

    def __init__(self, *, system_turns: bool) -> None:
        self.losses: list[Loss] = []
        self.hoisted: list[Text] = []
        self._system_turns = system_turns
        self._ids = Ids()
        self._messages: list[Tree] = []

    def messages(self, turns: Sequence[Turn]) -> list[Tree]:
        for said, run in groupby(enumerate(turns), lambda each: each[1].role is Role.ASSISTANT):
            if said:
                self._say("assistant", [block for at, turn in run for block in self._answer(turn, f"turns[{at}]")])
            else:
                self._asked(list(run))
        if not self._messages or self._messages[0]["role"] != "user":
            self._messages.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
        return self._messages

    def _say(self, role: str, blocks: list[Tree]) -> None:
        if not blocks:
            return
        if self._messages and self._messages[-1]["role"] == role:
            self._messages[-1]["content"] += blocks
        else:
            self._messages.append({"role": role, "content": blocks})

    def _asked(self, run: list[tuple[int, Turn]]) -> None:
        """What stands between two answers: results, what the user says, and what the system says to it."""
        results: list[Tree] = []
        said: list[Tree] = []
        told: list[Text] = []
        for at, turn in run:
            where = f"turns[{at}]"
            if turn.role is Role.SYSTEM:
                (told if said or self._messages else self.hoisted).extend(self._told(turn.parts, where))
                continue
            self._named(turn, where)
            for part in turn.parts:
                (results if isinstance(part, Result) else said).extend(self._block(part, where))
        self._say("user", results + said)
        if self._system_turns and (results or said):
            self._say("system", [{"type": "text", "text": text.text} for text in told])
        else:
            self.hoisted += told

    def _told(self, parts: Iterable[Part], where: str) -> list[Text]:
        for part in parts:
            if isinstance(part, Media):
                self._lose(MEDIA[part.kind], where)
        return [part for part in parts if isinstance(part, Text) and part.text.strip()]

    def _answer(self, turn: Turn, where: str) -> list[Tree]:
        self._named(turn, where)
        return [block for part in turn.parts for block in self._of_answer(part, where)]

    def _of_answer(self, part: Part, where: str) -> Sequence[Tree]:
        if isinstance(part, Media):
            return self._lose(MEDIA[part.kind], where)
        if isinstance(part, Thought):
            return self._thought(part, where)
        return self._block(part, where)

    def _named(self, turn: Turn, where: str) -> None:
        if turn.name:
            self._lose("names", where)

    def _lose(self, what: str, where: str) -> Sequence[Tree]:
        self.losses.append(Loss(what, where))
        return ()

    def _block(self, part: Part, where: str) -> Sequence[Tree]:
        if isinstance(part, Text):
            return self._text(part, where)
        if isinstance(part, Refused):
            return self._text(Text(part.text), where)
        if isinstance(part, Media):
            return self._media(part, where)
        if isinstance(part, Call):
            return (call_block(part, self._ids.call(part.id)),)
        if isinstance(part, Result):
            return (self._result(part, where),)
        return self._lose("thoughts", where)

    def _text(self, part: Text, where: str) -> Sequence[Tree]:
        own = [citation for citation in part.citations if citation.get("type") in CITATIONS]
        if len(own) < len(part.citations):
            self._lose("citations", where)
        if not part.text.strip():
            return ()
        return ({"type": "text", "text": part.text, **({"citations": own} if own else {})},)

    def _thought(self, part: Thought, where: str) -> Sequence[Tree]:
        if part.provider == NAME and (part.signature or part.sealed):
            return (thought_block(part),)
        return self._lose("thoughts" if part.text else "signatures", where)

    def _result(self, part: Result, where: str) -> Tree:
        content = [block for each in part.parts for block in self._block(each, where)]
        failed = {"is_error": True} if part.failed else {}
        return {"type": "tool_result", "tool_use_id": self._ids.result(part.id), "content": content, **failed}

    def _media(self, part: Media, where: str) -> Sequence[Tree]:
        source = _image_source(part) if part.kind == "image" else _document_source(part) if part.kind == "file" else None
        if source is None:
            return self._lose(MEDIA[part.kind], where)
        titled = {"title": part.name} if part.kind == "file" and part.name else {}
        return ({"type": "image" if part.kind == "image" else "document", "source": source, **titled},)


def _image_source(part: Media) -> Tree | None:
    if part.data and part.type in _IMAGES:
        return {"type": "base64", "media_type": part.type, "data": part.data}
    return {"type": "url", "url": part.url} if part.url else None


def _document_source(part: Media) -> Tree | None:
    if part.url:
        return {"type": "url", "url": part.url}
    if part.data and part.type == "application/pdf":
        return {"type": "base64", "media_type": part.type, "data": part.data}
    text = part.text or (_decoded(part.data) if part.type.startswith("text/") else "")
    return {"type": "text", "media_type": "text/plain", "data": text} if text else None


def _decoded(data: str) -> str:
    """The text of a document in base64, empty where it is none."""
    try:
        return b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def call_block(part: Call, called: str) -> Tree:
    """A call, under this id."""
    return {"type": "tool_use", "id": called, "name": part.name, "input": input_of(part)}


def thought_block(part: Thought) -> Tree:
    """A thought: what this API sealed, or words with its signature; that of another one is none here."""
    if part.sealed:
        return {"type": "redacted_thinking", "data": part.sealed}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature if part.provider == NAME else ""}
