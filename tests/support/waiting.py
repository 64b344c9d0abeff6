"""Wait for what another thread or process will do, in small steps: the event ends it, and the clock only where it never comes."""

import threading
import time
from collections.abc import Callable

PATIENCE = 30.0
"""Seconds: what a machine full of other work may take, and no figure of the gateway's."""


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """True as soon as `condition` holds; False when it still does not after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.005)
    return True
