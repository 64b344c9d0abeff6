"""A worker process as the supervisor sees it: whether it serves, since when it gives no sign of life, and its troubles."""

import asyncio
import contextlib
import signal

QUIET, DEAD = 5, 10
"""Seconds without a sign of life after which a worker does not count as ready, and after which it is replaced; counted one by one,
so that a machine that was suspended finds its workers alive.
"""


class WorkerProcess:
    """One worker process and its readiness. `silent` is how many seconds it gave no sign of life."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.process: asyncio.subprocess.Process | None = None
        self.serves = self.served = False
        self.silent = 0
        self.trouble = ""
        """Why it serves nothing that spends; empty while it does."""
        self.untold = b""
        self.failures = 0
        self.ended: float | None = None
        """When it ended, in monotonic seconds, until it serves again."""

    @property
    def ready(self) -> bool:
        return self.serves and self.silent < QUIET

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def write(self, line: str) -> None:
        """Write to its standard input, where it is there."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.write(f"{line}\n".encode())

    def has_ended(self, now: float) -> None:
        self.serves, self.trouble, self.untold, self.ended = False, "", b"", now

    def is_back(self, now: float) -> float | None:
        """It serves: after how many seconds again, None where it is the first time."""
        after = now - self.ended if self.served and self.ended is not None else None
        self.serves, self.served, self.failures, self.ended = True, True, 0, None
        return after
