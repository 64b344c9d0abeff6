"""Give memory back to the system that was only needed for a moment: reading tokenizers and prices leaves 30 MB of free heap.

glibc keeps what was freed below the top of its heap; `malloc_trim(3)` returns it. Elsewhere this does nothing.
"""

import asyncio
import ctypes
from collections.abc import Awaitable, Callable, Sequence

PAUSES = (1.0, 10.0, 60.0)
"""Seconds between the times: after start, after what is read lazily, and once more after warm-up."""


def trim() -> None:
    """Return free heap to the system."""
    release = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if release is not None:
        release(0)


async def trim_after_start(sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, pauses: Sequence[float] = PAUSES) -> None:
    """Trim a few times in the first minutes, beside the event loop."""
    for pause in pauses:
        await sleep(pause)
        await asyncio.to_thread(trim)
