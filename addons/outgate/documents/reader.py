"""Have documents read: one confined process for each, a few at a time.

A process that ends badly, says too much or takes too long has read nothing, and no other is the worse for it.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import NamedTuple

import orjson

_AT_ONCE, _PATIENCE = 2, 5
_ESCAPED = 6
"""Bytes that a character takes at most as it is answered."""
_START = 256 * 1024 * 1024
"""What Python and the libraries map before they have read anything; counted on top of a document's memory."""


class DocumentError(Exception):
    """A document that could not be read; the argument is one word for why."""


class Bounds(NamedTuple):
    """Bounds on the reading of one document: characters of its text, bytes of memory, seconds of processor time."""

    characters: int
    memory: int
    seconds: int


class DocumentReader:
    """The text of documents. Belongs to one event loop."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._turn = asyncio.Semaphore(at_once)

    async def text(self, kind: str, data: bytes, bounds: Bounds) -> str:
        """The text of a document of this kind. Raises DocumentError. Cancelled, it leaves no process."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(*_command(kind, bounds), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={})
            try:
                answer = await _answer(process, data, _ESCAPED * bounds.characters + 1024, bounds.seconds)
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
        return _said(answer)


def _command(kind: str, bounds: Bounds) -> tuple[str, ...]:
    numbers = (bounds.characters, _START + bounds.memory, bounds.seconds)
    return (sys.executable, "-I", "-X", "utf8", "-m", "outgate.documents.process", kind, *map(str, numbers))


async def _answer(process: Process, data: bytes, most: int, seconds: int) -> bytes:
    """What it says; it has several times its processor time, for it shares the machine, and others go first."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE * seconds):
            with suppress(ConnectionError):
                process.stdin.write(data)
                await process.stdin.drain()
            process.stdin.close()
            pieces, size = [], 0
            while piece := await process.stdout.read(65_536):
                size += len(piece)
                if size > most:
                    raise DocumentError("too_long")
                pieces.append(piece)
    except TimeoutError:
        raise DocumentError("too_slow") from None
    return b"".join(pieces)


def _said(answer: bytes) -> str:
    try:
        said = orjson.loads(answer)
    except orjson.JSONDecodeError:  # it was ended: by its limits, by the system
        raise DocumentError("too_slow_or_too_large") from None
    text = said.get("text") if isinstance(said, dict) else None
    if not isinstance(text, str):
        raise DocumentError(str(said.get("error", "damaged")) if isinstance(said, dict) else "damaged")
    return text
