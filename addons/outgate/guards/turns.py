"""Search texts on the event loop in turns: a long one in a thread, and others have their turn between short ones."""

from asyncio import sleep, to_thread
from collections.abc import Callable, Mapping

_TURN, _LONG = 16_384, 32_768
"""Characters searched before others on the event loop have their turn, and in a text that is searched in a thread instead."""


async def in_turns[T](texts: Mapping[bytes, str], search: Callable[[str], T], cost: Callable[[str], int] = len) -> dict[bytes, T]:
    """What the search gives for each text, by its key. `cost` is how many characters a text counts as."""
    found: dict[bytes, T] = {}
    read = 0
    for key, text in texts.items():
        characters = cost(text)
        if characters > _LONG:
            found[key] = await to_thread(search, text)
            continue
        found[key] = search(text)
        read += characters
        if read > _TURN:
            read = 0
            await sleep(0)
    return found
