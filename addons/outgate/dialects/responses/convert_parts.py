"""Contents of messages of the Responses API, from and to parts of a conversation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.citations import quoted
from outgate.dialects.translation import MEDIA, Lose
from outgate.errors import WireError
from outgate.inference.conversation import Loss, Media, Part, Refused, Text

SPOKEN = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_DATA = re.compile(r"data:(?P<type>[^;,]*)(?:;[^;,]*)*;base64,(?P<data>.*)", re.DOTALL | re.IGNORECASE)
_SOUNDS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,39}")


def lost_in(part: Mapping[str, Any], lose: Lose) -> None:
    """Tell what a text of an answer, or a piece of one, holds that no other dialect can say."""
    if part.get("logprobs"):
        lose("logprobs")


def bad_form(where: str) -> WireError:
    """Why a tree cannot be converted; `where` is a way of our own words."""
    return WireError("bad_parameter", f"`{where}` has not the form of the API")


def kept_there(where: str) -> WireError:
    """Why a request cannot go to a provider of another API: that does not have what the first one keeps."""
    return WireError("bad_parameter", f"`{where}` refers to what another provider keeps")


def words(tree: Mapping[str, Any], name: str, where: str) -> str:
    """A string, empty where it is absent or null. Raises WireError for anything else."""
    value = tree.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_form(f"{where}.{name}")
    return value


def told(where: str, name: str) -> str:
    """The place of a member, by its name where that can be no words of anybody."""
    return f"{where}.{name}".lstrip(".") if _PLAIN.fullmatch(name) else where or "body"


def objects(value: Any, where: str) -> list[Mapping[str, Any]]:
    """An array of objects; empty where it is null."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise bad_form(where)
    return value


def read_contents(content: Any, where: str, losses: list[Loss]) -> list[Part]:
    """The parts of a `content`, or of an `output`: a string or an array."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    read = (_read(part, f"{where}[{at}]", losses) for at, part in enumerate(objects(content, where)))
    return [part for part in read if part is not None]


def _read(part: Mapping[str, Any], where: str, losses: list[Loss]) -> Part | None:
    kind = words(part, "type", where)
    if kind in SPOKEN:
        return Text(words(part, "text", where), tuple(objects(part.get("annotations"), f"{where}.annotations")))
    if kind == "refusal":
        return Refused(words(part, "refusal", where))
    if part.get("file_id"):
        raise kept_there(f"{where}.file_id")
    if kind in ("input_image", "computer_screenshot"):
        return _media("image", words(part, "image_url", where))
    if kind == "input_file":
        name = words(part, "filename", where)
        return _media("file", words(part, "file_data", where), words(part, "file_url", where), name)
    if kind == "input_audio" and isinstance(part.get("input_audio"), dict):
        sound = part["input_audio"]
        return Media("audio", _TYPES.get(words(sound, "format", where), ""), words(sound, "data", where))
    losses.append(Loss("members", where))
    return None


def _media(kind: str, told: str, url: str = "", name: str = "") -> Media:
    """A medium from a data URL, an address, or the base64 of a file."""
    if found := _DATA.fullmatch(told):
        return Media(kind, found["type"].lower(), found["data"], name=name)
    if kind == "file" and told and "://" not in told[:32]:
        return Media(kind, data=told, name=name)
    return Media(kind, url=url or told, name=name)


def write_contents(parts: Sequence[Part], where: str, losses: list[Loss], *, assistant: bool = False) -> list[dict[str, Any]]:
    """The `content` of a message with these texts and media."""
    written: list[dict[str, Any]] = []
    for at, part in enumerate(parts):
        written.extend(_write(part, f"{where}[{at}]", losses, assistant=assistant))
    return written


def _write(part: Part, where: str, losses: list[Loss], *, assistant: bool) -> Iterator[dict[str, Any]]:
    if isinstance(part, Text):
        known = annotations(part.citations, part.text) if assistant else []
        if len(known) < len(part.citations):
            losses.append(Loss("citations", where))
        yield output_text(part.text, known) if assistant else {"type": "input_text", "text": part.text}
    elif isinstance(part, Refused):
        yield {"type": "refusal", "refusal": part.text} if assistant else {"type": "input_text", "text": part.text}
    elif isinstance(part, Media):
        if assistant or (medium := _medium(part)) is None:
            losses.append(Loss(MEDIA[part.kind], where))
        else:
            yield medium


def _medium(part: Media) -> dict[str, Any] | None:
    if part.kind == "image":
        url = _data_url(part, "image/png") if part.data else part.url
        return {"type": "input_image", "image_url": url, "detail": "auto"} if url else None
    if part.kind == "audio":
        form = _SOUNDS.get(part.type)
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": form}} if form and part.data else None
    if part.text:
        return {"type": "input_text", "text": part.text}
    if part.data:
        file = {"filename": part.name or "document", "file_data": _data_url(part, "application/octet-stream")}
        return {"type": "input_file", **file}
    return {"type": "input_file", "file_url": part.url} if part.url else None


def _data_url(part: Media, otherwise: str) -> str:
    return f"data:{part.type or otherwise};base64,{part.data}"


def output_text(text: str, known: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A text of an answer, with the members that SDKs require."""
    return {"type": "output_text", "text": text, "annotations": list(known), "logprobs": []}


def annotations(citations: Sequence[Mapping[str, Any]], text: str) -> list[dict[str, Any]]:
    """The citations that the API can say: those of an address, in the forms of all APIs, and its own."""
    return [found for citation in citations if (found := _annotation(citation, text)) is not None]


_OWN = ("file_citation", "container_file_citation", "file_path")


def _annotation(citation: Mapping[str, Any], text: str) -> dict[str, Any] | None:
    if isinstance(citation, Mapping) and citation.get("type") in _OWN:
        return dict(citation)
    found = quoted(citation)
    if found is None:
        return None
    start, end = found.place or (0, len(text))
    told = {"start_index": start, "end_index": end, "title": found.title or found.url, "url": found.url}
    return {"type": "url_citation", **told}
