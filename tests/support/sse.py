"""Server-sent events as providers write them, and as a client reads them."""

import json
from collections.abc import Mapping
from typing import Any

TEXT = "Hello from the provider."


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def event(data: Any) -> bytes:
    return b"data: " + compact(data) + b"\n\n"


def named(name: str, fields: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\n" + event({"type": name, **fields})


def frames(raw: bytes) -> list[dict[str, Any]]:
    """The objects that the events of a stream hold."""
    lines = (line.removeprefix(b"data: ") for line in raw.split(b"\n") if line.startswith(b"data: {"))
    return [json.loads(line) for line in lines]


def pieces(text: str, count: int = 4) -> list[str]:
    """`text` cut in about `count` pieces, none empty."""
    size = max(1, -(-len(text) // count))
    return [text[i : i + size] for i in range(0, len(text), size)]
