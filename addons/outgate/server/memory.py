"""Give free memory back to the system, and keep the garbage collector off what start-up has made.

Reading tokenizers and prices leaves 30 MB of free heap. glibc keeps what was freed below the top of its heap; `malloc_trim(3)`
returns it. Blocks above a threshold are returned when they are freed, but glibc raises that threshold to the largest block it has
seen freed, and one long request would make all others stay: `mallopt(3)` fixes it. Elsewhere this does nothing.
"""

import asyncio
import ctypes
import gc
from collections.abc import Awaitable, Callable, Sequence

PAUSES = (1.0, 10.0, 60.0)
"""Seconds between the times: after start, after what is read lazily, and once more after warm-up."""


_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_LARGE = 256 * 1024


def return_large_blocks() -> None:
    """From now on, blocks as large as a long request's body go back to the system when they are freed, and threads, which are few,
    share one heap.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if option is not None:
        option(_M_MMAP_THRESHOLD, _LARGE)
        option(_M_ARENA_MAX, 1)


_YOUNG, _OLDER = 10_000, 2
"""Objects made and kept between two looks for reference cycles, and how often the young are looked at before the older are.

Exchanges leave no cycles, closed connections do. All that is in flight at once is fewer objects than that, or it would be looked at
over and over."""


def freeze_startup_objects() -> None:
    """Leave what start-up has made out of garbage collection, which would walk over all of it time and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLDER, _OLDER)


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
