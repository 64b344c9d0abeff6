"""Work beside the exchanges of a process."""

import asyncio
from collections.abc import Callable
from typing import Any


async def every(seconds: float, work: Callable[[], None]) -> None:
    """Do the work again and again, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        work()


def each_of[T](*listeners: Callable[[T], Any]) -> Callable[[T], None]:
    """One listener that tells all of these."""

    def tell(event: T) -> None:
        for listener in listeners:
            listener(event)

    return tell
