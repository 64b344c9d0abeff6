"""Parts of a chat message from and to the conversation: text, images, sounds, files, and tool calls."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.citations import quoted
from outgate.dialects.json_body import dump
from outgate.errors import WireError
from outgate.inference.conversation import Call, Loss, Media, Part, Refused, Text, Thought

_DATA = re.compile(r"data:([^;,]*)((?:;[^;,]*)*);base64,")
_SOUNDS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_PDF = "application/pdf"


def parts_of(content: Any, where: str, losses: list[Loss]) -> Iterator[Part]:
    """The parts of `content`: a string, an array, or nothing. Raises WireError for what is none of them."""
    if isinstance(content, str):
        yield Text(content)
        return
    for at, part in enumerate(_listed(content, where)):
        read = _part(part, f"{where}[{at}]", losses)
        if read is not None:
            yield read


def _listed(content: Any, where: str) -> Sequence[Mapping[str, Any]]:
    if content is None:
        return ()
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise WireError("bad_parameter", f"`{where}` must be a string or an array of objects")
    return content


def _part(part: Mapping[str, Any], where: str, losses: list[Loss]) -> Part | None:
    kind = part.get("type")
    if kind == "text":
        return Text(str(part["text"]))
    if kind == "refusal":
        return Refused(str(part["refusal"]))
    if kind == "image_url":
        return _image(part["image_url"])
    if kind == "input_audio":
        sound = part["input_audio"]
        return Media("audio", _TYPES.get(sound["format"], ""), sound["data"])
    if kind == "file":
        return _file(part["file"], where, losses)
    losses.append(Loss("members", f"{where}.type"))
    return None


def _image(image: Any) -> Media:
    url, rest = (image, {}) if isinstance(image, str) else (image["url"], {k: v for k, v in image.items() if k != "url"})
    kind, data = split_data(url)
    return Media("image", kind, data, rest=rest) if data else Media("image", url=url, rest=rest)


def _file(file: Mapping[str, Any], where: str, losses: list[Loss]) -> Media | None:
    given = file.get("file_data")
    if not isinstance(given, str):  # kept at the provider: no other one has it
        losses.append(Loss("files", f"{where}.file"))
        return None
    kind, data = split_data(given)
    return Media("file", kind or _PDF, data or given, name=file.get("filename") or "")


def split_data(url: str) -> tuple[str, str]:
    """Media type and base64 of a `data:` URL; empty strings for any other."""
    head = _DATA.match(url)
    return (head[1].lower(), url[head.end() :]) if head is not None else ("", "")


def call_of(call: Mapping[str, Any], where: str) -> Call:
    """A tool call of a message or an answer. Raises WireError where it has no function."""
    custom = call.get("custom")
    if isinstance(custom, dict):
        return Call(call.get("id") or "", _named(custom, where), custom.get("input") or "", custom=True)
    function = call.get("function")
    if not isinstance(function, dict):
        raise WireError("bad_parameter", f"`{where}` must name a function")
    return Call(call.get("id") or "", _named(function, where), arguments_of(function))


def _named(function: Mapping[str, Any], where: str) -> str:
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise WireError("bad_parameter", f"`{where}` must name a function")
    return name


def arguments_of(function: Mapping[str, Any]) -> str:
    """The arguments of a call as text; some servers give the object itself. Raises WireError for anything else."""
    given = function.get("arguments")
    if isinstance(given, dict):
        return dump(given).decode()
    if given is not None and not isinstance(given, str):
        raise WireError("bad_parameter", "arguments of a tool call are neither text nor an object")
    return given or ""


def words_of(content: Any) -> Iterator[Text | Thought]:
    """What a message says: a text, or parts (Mistral: texts and `thinking`). Raises WireError for anything else."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    for part in content if isinstance(content, list) else (content,):
        match part:
            case {"type": "text", "text": str(text)}:
                yield Text(text)
            case {"type": "thinking", "thinking": list(inner)}:
                yield Thought("".join(text.text for text in words_of(inner)))
            case _:
                raise WireError("bad_content", "the words of the answer are neither text nor parts of text")


def thoughts_of(message: Mapping[str, Any]) -> Iterator[Thought]:
    """The reasoning of a message, under the names that compatible servers give it."""
    text = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(text, str) and text:
        yield Thought(text)


def annotations(citations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The citations that an answer can say: those of an address, in the forms of all APIs."""
    return [found for citation in citations if (found := _annotation(citation)) is not None]


def _annotation(citation: Mapping[str, Any]) -> dict[str, Any] | None:
    found = quoted(citation)
    if found is None:
        return None
    start, end = found.place or (0, 0)
    told = {"start_index": start, "end_index": end, "title": found.title or found.url, "url": found.url}
    return {"type": "url_citation", "url_citation": told}


def written_call(call: Call) -> dict[str, Any]:
    """A tool call of a message."""
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def written_parts(parts: Iterable[Text | Media], where: str, losses: list[Loss]) -> list[dict[str, Any]]:
    """Content parts of a user's message."""
    made = []
    for part in parts:
        written = {"type": "text", "text": part.text} if isinstance(part, Text) else _media(part, where, losses)
        if isinstance(part, Text) and part.citations:
            losses.append(Loss("citations", where))
        if written is not None:
            made.append(written)
    return made


def _media(media: Media, where: str, losses: list[Loss]) -> dict[str, Any] | None:
    if media.text:
        return {"type": "text", "text": media.text}
    if media.kind == "image":
        detail = {"detail": media.rest["detail"]} if "detail" in media.rest else {}
        return {"type": "image_url", "image_url": {"url": media.url or _data_url(media), **detail}}
    if media.kind == "audio" and media.data and media.type in _SOUNDS:
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": _SOUNDS[media.type]}}
    if media.kind == "file" and media.data:
        return {"type": "file", "file": {"filename": media.name or "document", "file_data": _data_url(media)}}
    losses.append(Loss("audio" if media.kind == "audio" else "urls" if media.url else "files", where))
    return None


def _data_url(media: Media) -> str:
    return f"data:{media.type or _PDF};base64,{media.data}"


def plain(parts: Sequence[Mapping[str, Any]]) -> str | list[Any]:
    """Content of these parts: a string where they are one text, which every server takes."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else list(parts)
