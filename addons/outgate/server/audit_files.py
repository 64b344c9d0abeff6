"""Keep audit files within bounds, and copy closing lines to standard output, beside the workers that write them.

The files are the record: what reads standard output may stop, and then holds up neither a request nor another file.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from outgate.stores.following import Following
from outgate.stores.retention import Kept, remove
from outgate.stores.segments import Full

_log = logging.getLogger(__name__)
_KEEP_EVERY, _FOLLOW_EVERY, _LAST_WORDS = 60.0, 0.5, 5.0
"""Seconds between two looks at what is kept, and at what is new; and for the last lines to be taken at the end."""


class AuditSettings(NamedTuple):
    """When a file is full, what is kept of full ones, and whether closing lines go to standard output too."""

    full: Full = Full()
    kept: Kept = Kept()
    copied: bool = False


AS_IT_COMES = AuditSettings()


async def keep(audit: Path, kept: Kept, now: Callable[[], float]) -> None:
    """Remove what is not kept, once a minute, until cancelled."""
    while kept.bounded:
        try:
            if gone := await asyncio.to_thread(remove, audit, kept, now()):
                _log.info("%d audit files removed: beyond what is kept", gone)
        except OSError as error:
            _log.error("audit files could not be removed: %s", error.strerror)
        await asyncio.sleep(_KEEP_EVERY)


class AuditCopy:
    """Copies closing lines, from when this is made, to a descriptor, on a thread of its own: whoever reads it may be slow."""

    def __init__(self, accounts: Path, descriptor: int) -> None:
        self._following, self._descriptor = Following(accounts), descriptor
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Copy what was written until now, and end; what is not taken within seconds is left."""
        self._stopping.set()
        self._thread.join(_LAST_WORDS)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(_FOLLOW_EVERY):
                self._copy()
            self._copy()
        except OSError as error:
            _log.error("audit lines are no longer copied to standard output: %s", error.strerror)

    def _copy(self) -> None:
        for line in self._following.new():
            left = memoryview(line)
            while left:
                left = left[os.write(self._descriptor, left) :]
