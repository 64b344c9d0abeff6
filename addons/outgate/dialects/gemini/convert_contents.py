"""Writer of contents: turns of a conversation become contents that take turns, as this API wants them.

What the caller said between two answers is one content, the results of functions first: they must follow their calls at once. A
signature stands beside the part that its thought led to; a call without one has the word that stands for it, where the model would
refuse the call.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from outgate.dialects.free_text import input_of
from outgate.dialects.gemini.convert_models import Model
from outgate.dialects.gemini.convert_parts import NAME, SKIPPED
from outgate.dialects.seals import sealed
from outgate.inference.conversation import Call, Loss, Media, Part, Refused, Result, Role, Text, Thought, Turn

OPENING = "Continue."
"""What a caller says who says nothing: the first content must be a user's."""
_LOST = {"image": "images", "audio": "audio", "file": "files"}
_UNTYPED = {"image": "image/jpeg", "audio": "audio/wav", "file": "application/pdf"}
_LEVELS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}

type Tree = dict[str, Any]


class ContentWriter:
    """Writes turns as contents for one model. `hoisted` are a system's words, which cannot stand between contents here."""

    def __init__(self, model: Model) -> None:
        self.losses: list[Loss] = []
        self.hoisted: list[Text] = []
        self._newer = model.newer
        self._names: dict[str, str] = {}

    def contents(self, turns: Sequence[Turn]) -> list[Tree]:
        made: list[Tree] = []
        for said, each in groupby(enumerate(turns), lambda each: each[1].role is Role.ASSISTANT):
            run = list(each)
            parts = self._said(run) if said else self._asked(run)
            if parts:
                made.append({"role": "model" if said else "user", "parts": parts})
        if not made or made[0]["role"] != "user":
            made.insert(0, {"role": "user", "parts": [{"text": OPENING}]})
        return made

    def _asked(self, run: Sequence[tuple[int, Turn]]) -> list[Tree]:
        results: list[Tree] = []
        told: list[Tree] = []
        for at, turn in run:
            where = f"turns[{at}]"
            self._named(turn, where)
            for part in turn.parts:
                if isinstance(part, Result):
                    results += self._result(part, where)
                elif turn.role is Role.SYSTEM and isinstance(part, Text):
                    self.hoisted.append(part)
                else:
                    told += self._part(part, where)
        return results + told

    def _said(self, run: Sequence[tuple[int, Turn]]) -> list[Tree]:
        parts: list[Tree] = []
        seal = ""
        signed = False
        for at, turn in run:
            self._named(turn, f"turns[{at}]")
            for part in turn.parts:
                if isinstance(part, Thought):
                    seal = self._seal(part, f"turns[{at}]") or seal
                    continue
                for written in self._part(part, f"turns[{at}]"):
                    if seal or (isinstance(part, Call) and self._newer and not signed):
                        written["thoughtSignature"] = seal or SKIPPED
                        seal, signed = "", signed or isinstance(part, Call)
                    parts.append(written)
        return [*parts, {"text": "", "thoughtSignature": seal}] if seal else parts

    def _seal(self, part: Thought, where: str) -> str:
        """The signature of a thought of this API's; its words are not wanted back."""
        if part.provider == NAME:
            return part.signature
        self._lose("thoughts" if part.text else "signatures", where)
        return ""

    def _named(self, turn: Turn, where: str) -> None:
        if turn.name:
            self._lose("names", where)

    def _lose(self, what: str, where: str) -> Sequence[Tree]:
        self.losses.append(Loss(what, where))
        return ()

    def _part(self, part: Part, where: str) -> Sequence[Tree]:
        if isinstance(part, Text | Refused):
            return self._text(part, where)
        if isinstance(part, Media):
            return self._media(part, where)
        if isinstance(part, Call):
            self._names[part.id] = part.name
            return (call_part(part),)
        return ()

    def _text(self, part: Text | Refused, where: str) -> Sequence[Tree]:
        if isinstance(part, Text) and part.citations:
            self._lose("citations", where)
        return ({"text": part.text},) if part.text else ()

    def _media(self, part: Media, where: str) -> Sequence[Tree]:
        written = media_part(part)
        return (written,) if written is not None else self._lose("urls" if part.url else _LOST[part.kind], where)

    def _result(self, part: Result, where: str) -> list[Tree]:
        """What a function returned: media within it where the model takes them there, else behind it."""
        texts = "\n\n".join(each.text for each in part.parts if each.text)
        media = [tree for each in part.parts if isinstance(each, Media) and not each.text for tree in self._media(each, where)]
        told: Tree = {
            **_identified(part.id),
            "name": self._names.get(part.id) or part.name or "tool",
            "response": {"error" if part.failed else "output": texts},
        }
        if not self._newer:
            return [{"functionResponse": told}, *media]
        return [{"functionResponse": {**told, **({"parts": media} if media else {})}}]


def _identified(called: str) -> Tree:
    return {"id": called} if called else {}


def call_part(part: Call) -> Tree:
    """A call of a function."""
    return {"functionCall": {**_identified(part.id), "name": part.name, "args": input_of(part)}}


def media_part(part: Media) -> Tree | None:
    """An image, a sound or a file; None where there is nothing of it."""
    if part.text:
        return {"text": part.text}
    named = {"displayName": part.name} if part.name else {}
    level = _LEVELS.get(str(part.rest.get("detail")))
    beside = {"mediaResolution": {"level": level}} if level else {}
    if part.data:
        return {"inlineData": {"mimeType": part.type or _UNTYPED[part.kind], "data": part.data, **named}, **beside}
    typed = {"mimeType": part.type} if part.type else {}
    return {"fileData": {**typed, "fileUri": part.url, **named}, **beside} if part.url else None


def seal_of(thought: Thought) -> str:
    """The signature of a thought for a client of this API: its own, or another's in an envelope, with the padding of base64."""
    seal = sealed(thought, NAME)
    return seal + "=" * (-len(seal) % 4)
