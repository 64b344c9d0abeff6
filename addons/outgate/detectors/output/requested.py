"""Values that the request itself holds: what the caller sent is no news to it."""

import re
from asyncio import sleep
from collections.abc import Iterable, Sequence

_NOISE = re.compile(r"[^\w@]|_")
_STRETCH = 65_536
"""Characters that are read before others on the event loop have their turn."""
_MOST = 200_000_000
"""Characters searched for the values of one answer; a value beyond it counts as one that the request does not hold."""


class Requested:
    """The text of a request, read when it is first asked about. Compared without case and without what stands between digits."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._compact: list[str] | None = None
        self._known: dict[str, bool] = {}
        self._left = _MOST

    async def holds(self, value: str) -> bool:
        """Whether the request holds this value."""
        wanted = compact(value)
        if wanted not in self._known:
            self._known[wanted] = await self._searched(wanted)
        return self._known[wanted]

    async def _searched(self, wanted: str) -> bool:
        if self._compact is None:
            self._compact = await _compacted(self._texts)
        for text in self._compact:
            if self._left < 0:
                return False
            self._left -= len(text)
            if wanted in text:
                return True
            if len(text) > _STRETCH:
                await sleep(0)
        return False


def compact(text: str) -> str:
    """Letters, digits and `@`, in lower case."""
    return _NOISE.sub("", text).casefold()


async def _compacted(texts: Iterable[str]) -> list[str]:
    found: list[str] = []
    read = 0
    for text in texts:
        pieces = []
        for start in range(0, len(text), _STRETCH):
            pieces.append(compact(text[start : start + _STRETCH]))
            read += len(pieces[-1])
            if read > _STRETCH:
                read = 0
                await sleep(0)
        found.append("".join(pieces))
    return found
