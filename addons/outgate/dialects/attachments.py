"""Find the files and images of a request: where each stands, where its bytes are, and what stands there instead.

Only parts that the dialect's table knows as such: what looks like one in a tool's arguments is text.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from outgate.dialects.json_body import PLAIN, JsonDocument
from outgate.dialects.places import rule_of
from outgate.dialects.uploads import FormDocument
from outgate.inference.prompt import Prompt

type Place = tuple[int, str | int]

_KINDS = frozenset({"image", "file"})
_NAME = 200


class Attachment(NamedTuple):
    """A part that holds a file, or says where one is: exactly one of `data`, `raw`, `file_id` and `url` is set.

    `place` is where the part stands in the document, `part` what stands there.
    """

    place: Place
    part: Mapping[str, Any]
    kind: str
    name: str = ""
    data: str = ""
    file_id: str = ""
    url: str = ""
    raw: bytes = b""

    def content(self) -> bytes | None:
        """The bytes that it holds, None where `data` is no base64."""
        if self.raw:
            return self.raw
        try:
            return b64decode(self.data.partition(",")[2] if self.data.startswith("data:") else self.data, validate=True)
        except (binascii.Error, ValueError):
            return None

    def as_text(self, text: str) -> Any:
        """What says the same in words, in the part's place, under the file's name."""
        if self.raw:
            return text
        named = f"[File {self.name}]\n{text}" if self.name else text
        kind = "input_text" if str(self.part.get("type")).startswith("input_") else "text"
        return {"type": kind, "text": named, **_cached(self.part)}

    def as_image(self, media_type: str, image: bytes) -> dict[str, Any]:
        """The part with an image in it."""
        data = b64encode(image).decode()
        url = f"data:{media_type};base64,{data}"
        if "source" in self.part:
            source = {"type": "base64", "media_type": media_type, "data": data}
            return {"type": "image", "source": source, **_cached(self.part)}
        if self.part.get("type") == "input_image" or self.part.get("type") == "input_file":
            detail = {"detail": self.part["detail"]} if "detail" in self.part else {}
            return {"type": "input_image", "image_url": url, **detail}
        given = self.part.get("image_url")
        return {"type": "image_url", "image_url": {**(given if isinstance(given, dict) else {}), "url": url}}


def attachments(prompt: Prompt) -> tuple[Attachment, ...]:
    """Files and images of a request, in its order."""
    document = prompt.document
    if isinstance(document, FormDocument):
        files = ((at, part) for at, part in enumerate(document.parts) if part.filename and part.content)
        return tuple(Attachment((at, "document"), {}, "file", part.filename, raw=part.content) for at, part in files)
    if not isinstance(document, JsonDocument) or not (prompt.unjudged & (_KINDS | {"remote_url"})):
        return ()
    found: list[Attachment] = []
    for index, (container, parent, key, form) in enumerate(document.boxes):
        named = form == PLAIN and container.__class__ is dict and container.get("type") in _SHAPES
        if named and rule_of(document, index).kind in _KINDS:
            found += _read(document, (parent, key), container)
    return tuple(found)


def _read(document: JsonDocument, place: Place, part: dict[str, Any]) -> Iterator[Attachment]:
    """The part, where it says in one way only what it holds."""
    holder = _SHAPES[part["type"]](part)
    if holder.get("type") == "text":  # its `data` are words, which stand in the body
        return
    given = {name: value for name in _SOURCES if isinstance(value := holder.get(name), str) and value}
    if len(given) != 1:
        return
    ((name, value),) = given.items()
    whole = document.blobs.whole(value)
    kind = "image" if "image" in part["type"] else "file"
    titled = holder.get("filename") or part.get("title")
    named = " ".join(titled.split())[:_NAME] if isinstance(titled, str) else ""
    source = "file_id" if name == "file_id" else "data" if name == "data" or whole.startswith("data:") else "url"
    found: dict[str, Any] = {source: whole}
    yield Attachment(place, part, kind, named, **found)


def _inside(name: str) -> Any:
    """The object of this name, or the string under it as its `url`."""

    def inside(part: dict[str, Any]) -> dict[str, Any]:
        value = part.get(name)
        return value if isinstance(value, dict) else {"url": value}

    return inside


def _itself(part: dict[str, Any]) -> dict[str, Any]:
    return part


_SOURCES = ("data", "file_data", "file_id", "file_url", "image_url", "url")
_SHAPES: Mapping[str, Any] = {
    "file": _inside("file"),
    "image_url": _inside("image_url"),
    "input_file": _itself,
    "input_image": _itself,
    "document": _inside("source"),
    "image": _inside("source"),
}
"""Types of parts, and where in each the source stands."""


def _cached(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part[name] for name in ("cache_control", "prompt_cache_breakpoint") if name in part}
