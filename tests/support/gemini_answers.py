"""Answers of the Gemini API: contents, plain and streamed.

Shapes from the public API reference, read through what the SDK parses.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from support.sse import TEXT, event, frames, pieces

MODEL = "gemini-2.5-flash"


def counts(tokens: tuple[int, int]) -> dict[str, int]:
    return {"promptTokenCount": tokens[0], "candidatesTokenCount": tokens[1], "totalTokenCount": sum(tokens)}


def candidate(*parts: Mapping[str, Any], finish: str | None = None, index: int = 0) -> dict[str, Any]:
    ends = {"finishReason": finish} if finish is not None else {}
    return {"content": {"parts": list(parts), "role": "model"}, **ends, "index": index}


def content(*parts: Mapping[str, Any], tokens: tuple[int, int] = (9, 5), finish: str = "STOP", **more: Any) -> dict[str, Any]:
    """A whole answer of these parts."""
    told = {"candidates": [candidate(*parts, finish=finish)], "usageMetadata": counts(tokens)}
    return {**told, "modelVersion": MODEL, "responseId": "r_1", **more}


def said(text: str = TEXT, tokens: tuple[int, int] = (9, 5), **more: Any) -> dict[str, Any]:
    return content({"text": text}, tokens=tokens, **more)


def call(name: str, arguments: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": dict(arguments), **more}}


def chunk(*parts: Mapping[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """An event of a stream."""
    return {"candidates": [candidate(*parts, finish=finish, index=index)], "modelVersion": MODEL, "responseId": "r_1", **more}


def last(tokens: tuple[int, int] = (9, 5), finish: str = "STOP") -> dict[str, Any]:
    """The event that ends a stream."""
    return chunk({"text": ""}, finish=finish, usageMetadata=counts(tokens))


def stream(*chunks: Mapping[str, Any]) -> bytes:
    """The bytes of a stream of these events."""
    return b"".join(map(event, chunks))


def events(texts: Sequence[str] = (), tokens: tuple[int, int] = (9, 5)) -> list[bytes]:
    """The events of a streamed answer, in the order in which the API sends them."""
    return [event(each) for each in (*(chunk({"text": text}) for text in texts or pieces(TEXT)), last(tokens))]


def parts_in(tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [part for each in tree.get("candidates", ()) for part in each.get("content", {}).get("parts", ())]


def text_of(tree: Mapping[str, Any]) -> str:
    return "".join(part.get("text", "") for part in parts_in(tree))


def streamed_text(raw: bytes) -> str:
    """The text of a stream."""
    return "".join(map(text_of, frames(raw)))
