"""Reader of contents: parts of the Gemini API become parts of a conversation, and what has no part is told as lost.

Neighbouring words of a model are one text, and neighbouring thoughts one thought: clients send the pieces of a stream back as they
came. A signature stands beside the part that its thought led to, and is read as that of the thought before.
"""

# ruff: noqa: ARG002  readers of parts have one signature

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from outgate.dialects.gemini.parts import spelled
from outgate.dialects.json_body import dump
from outgate.dialects.parameters import flag, thing, things, word
from outgate.dialects.seals import opened
from outgate.inference.conversation import Call, Loss, Media, Part, Result, Text, Thought

NAME = "gemini"
"""The dialect to which signatures belong."""
SKIPPED = "skip_thought_signature_validator"
"""What stands for a signature that nobody has (ai.google.dev/gemini-api/docs/thought-signatures)."""
_KEPT_HOSTS = frozenset({"generativelanguage.googleapis.com"})
_DETAILS = {"MEDIA_RESOLUTION_LOW": "low", "MEDIA_RESOLUTION_HIGH": "high"}
_BESIDE = frozenset({"thought", "thoughtSignature", "mediaResolution", "partMetadata"})
_CONTENT = ("text", "inlineData", "fileData", "functionCall", "functionResponse")
_HOSTED = frozenset({"executableCode", "codeExecutionResult", "toolCall", "toolResponse"})
_LOST = {"videoMetadata": "video", "partMetadata": "metadata"}

type Tree = Mapping[str, Any]


class PartReader:
    """Reads the parts of one body. `losses` are told in the order in which they were met; `_open` are ids of calls by the name of
    their function, until a result comes: ids may be left away here.
    """

    def __init__(self, stem: str = "call") -> None:
        self.losses: list[Loss] = []
        self._stem = stem
        self._count = 0
        self._open: dict[str, list[str]] = {}

    def parts(self, content: Any, where: str, *, said: bool) -> tuple[Part, ...]:
        """The parts of an array; of a model, where they were `said`. Raises WireError where it is none."""
        made: list[Part] = []
        for at, part in enumerate(things(content, "parts")):
            for read in self._part(spelled(part), f"{where}[{at}]"):
                joined = join(made[-1], read) if said and made else None
                made[-1:] = [made[-1], read] if made and joined is None else [joined or read]
        return tuple(part for part in made if not isinstance(part, Text) or part.text)

    def _part(self, part: Tree, where: str) -> Iterator[Part]:
        kind = next((name for name in _CONTENT if name in part), "")
        self._left(part, kind, where)
        if part.get("thought") is True and kind in ("text", ""):
            yield thought_of(word(part, "text"), word(part, "thoughtSignature"))
            return
        if word(part, "thoughtSignature") not in ("", SKIPPED):
            yield thought_of("", word(part, "thoughtSignature"))
        if kind:
            yield from self._READERS[kind](self, part, where)

    def _left(self, part: Tree, kind: str, where: str) -> None:
        for name in part:
            if name in _HOSTED:
                self.lose("hosted_tools", where)
            elif name != kind and (name not in _BESIDE or name in _LOST):
                self.lose(_LOST.get(name, "members"), where)

    def lose(self, what: str, where: str) -> None:
        self.losses.append(Loss(what, where))

    def _text(self, part: Tree, where: str) -> Sequence[Part]:
        return (Text(word(part, "text")),)

    def _inline(self, part: Tree, where: str) -> Sequence[Part]:
        blob = spelled(thing(part, "inlineData"))
        kind = word(blob, "mimeType").lower()
        return self._media(part, Media(_kind(kind), kind, data=word(blob, "data"), name=word(blob, "displayName")), where)

    def _file(self, part: Tree, where: str) -> Sequence[Part]:
        """A file by its address; one that Google keeps is no other provider's to read."""
        file = spelled(thing(part, "fileData"))
        url, kind = word(file, "fileUri"), word(file, "mimeType").lower()
        if not url.startswith(("https://", "http://")) or urlsplit(url).hostname in _KEPT_HOSTS:
            self.lose("files", where)
            return ()
        return self._media(part, Media(_kind(kind), kind, url=url, name=word(file, "displayName")), where)

    def _media(self, part: Tree, media: Media, where: str) -> Sequence[Part]:
        if media.kind == "video":
            self.lose("video", where)
            return ()
        detail = _DETAILS.get(word(thing(part, "mediaResolution"), "level"))
        return (media._replace(rest={"detail": detail}) if detail and media.kind == "image" else media,)

    def _call(self, part: Tree, where: str) -> Sequence[Part]:
        call = spelled(thing(part, "functionCall"))
        name = word(call, "name")
        called = word(call, "id") or f"{self._stem}_{self._count}"
        self._count += 1
        self._open.setdefault(name, []).append(called)
        return (Call(called, name, dump(thing(call, "args")).decode()),)

    def _result(self, part: Tree, where: str) -> Sequence[Part]:
        told = spelled(thing(part, "functionResponse"))
        if told.get("scheduling") or flag(told, "willContinue"):
            self.lose("members", where)
        name, inner = word(told, "name"), f"{where}.functionResponse"
        text, failed = _returned(thing(told, "response"))
        media = (each for each in self.parts(told.get("parts"), f"{inner}.parts", said=False) if isinstance(each, Media))
        return (Result(self._answered(name, word(told, "id")), (*((Text(text),) if text else ()), *media), failed, name),)

    def _answered(self, name: str, told: str) -> str:
        """The id of the call that a result belongs to: its own, or the first that is open of the function."""
        waiting = self._open.get(name) or [told or f"{self._stem}_{name}"]
        return waiting.pop(waiting.index(told) if told in waiting else 0)

    _READERS: ClassVar[Mapping[str, Callable[["PartReader", Tree, str], Sequence[Part]]]] = {
        "text": _text,
        "inlineData": _inline,
        "fileData": _file,
        "functionCall": _call,
        "functionResponse": _result,
    }


def thought_of(text: str, seal: str) -> Thought:
    """A thought. Words without a signature are those of any provider."""
    return opened(text, seal, NAME) if seal else Thought(text)


def join(before: Part, part: Part) -> Part | None:
    """Two neighbours of a model as one; None where they are not."""
    if isinstance(before, Text) and isinstance(part, Text):
        return Text(before.text + part.text)
    if isinstance(before, Thought) and isinstance(part, Thought) and not (before.signature or before.sealed):
        return part._replace(text=before.text + part.text)
    return None


def _kind(media: str) -> str:
    head = media.partition("/")[0]
    return head if head in ("image", "audio", "video") else "file"


def _returned(response: Tree) -> tuple[str, bool]:
    """What a function returned, and whether that is an error: `output` and `error` are the API's own words, all else is the result
    itself.
    """
    for name in ("output", "error"):
        if list(response) == [name]:
            value = response[name]
            return value if isinstance(value, str) else dump(value).decode(), name == "error"
    return dump(response).decode() if response else "", False
