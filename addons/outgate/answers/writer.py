"""Write to the answer file in one thread of the process, so that no exchange ever waits for the disk.

The thread takes what comes within a tenth of a second together, in one transaction: to change threads for each answer would cost
the event loop more than all else that it does for the exchange. While answers come it looks by itself, and is not told. What waits
to be written is bounded; beyond it, and when the disk is full, it is dropped and counted: the answer is merely not given again. A
damaged file is set aside here, and another is begun.
"""

import sqlite3
import struct
from collections import Counter, deque
from collections.abc import Callable
from threading import Condition, Thread

from outgate.answers.entries import evict, trim
from outgate.answers.file import AnswerFile, DamagedError, is_corrupt
from outgate.stores.answers import Room
from outgate.stores.health import Health

type Work = Callable[[sqlite3.Connection], object]
_MOST, _MOST_BYTES, _BATCH = 1024, 16 * 1024 * 1024, 256
_TRIM, _GATHER = 5.0, 0.1


class Writer:
    """`submit` never waits; `room` is what the file may hold, None for the process that does not decide it.

    `health` says in one line when nothing can be written, and again when it can.
    """

    def __init__(self, file: AnswerFile, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._file, self.wall, self._monotonic = file, wall, monotonic
        self.room: Room | None = None
        self.health = Health("file of cached answers (memory serves without it)", monotonic)
        self._changed = Condition()
        self._lost = Counter[str]()
        self._waiting: deque[tuple[Work, int, int]] = deque()
        self._bytes = 0
        self._busy = self._closing = self._hurried = self._asleep = False
        self._thread: Thread | None = None
        self._db: sqlite3.Connection | None = None
        self._generation = -1
        self._trimmed = -_TRIM

    def submit(self, work: Work, size: int = 0, generation: int | None = None) -> bool:
        """Do this with the next transaction; False where too much waits already. It is for what the file is now, or was then."""
        with self._changed:
            if self._closing or len(self._waiting) >= _MOST or self._bytes + size > _MOST_BYTES:
                self._lost["queue_full"] += 1
                return False
            self._bytes += size
            self._waiting.append((work, size, self._file.generation() if generation is None else generation))
            self._start()
            if self._asleep or len(self._waiting) == _BATCH:
                self._asleep = False
                self._changed.notify_all()
            return True

    def lost(self) -> dict[str, int]:
        """What was not written since this was last asked, by reason."""
        if not self._lost:
            return {}
        with self._changed:
            lost, self._lost = dict(self._lost), Counter()
        return lost

    def suspect(self, generation: int) -> None:
        """A reader found the file of this generation damaged: set it aside, even when there is nothing to write."""
        self.submit(_damaged, generation=generation)

    def flush(self, limit: float = 10.0) -> bool:
        """Wait until everything submitted so far is done; False after `limit` seconds."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, limit)

    def close(self, limit: float = 2.0) -> None:
        """Write what waits, for a while, and end the thread."""
        self.flush(limit)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(limit)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="answers", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._gather()
                if not self._waiting:
                    break
                self._hurried = self._hurried and len(self._waiting) > _BATCH
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                self._bytes -= sum(size for _, size, _ in batch)
                self._busy = True
            self._write(batch)
        self._disconnect()

    def _gather(self) -> None:
        """Wait for a batch; where nothing comes for a while, until something does."""
        self._changed.wait_for(self._is_due, _GATHER)
        if not self._waiting and not self._closing:
            self._asleep = True
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._asleep = False
            self._changed.wait_for(self._is_due, _GATHER)

    def _is_due(self) -> bool:
        return self._hurried or self._closing or len(self._waiting) >= _BATCH

    def _write(self, batch: list[tuple[Work, int, int]]) -> None:
        try:
            db = self._connected()
            db.execute("begin immediate")
            try:
                self._apply(db, batch)
                db.execute("commit")
            except BaseException:
                if db.in_transaction:
                    db.execute("rollback")
                raise
        except (sqlite3.Error, OSError) as error:
            self._lose("failed", len(batch))
            self._failed(error)
        else:
            self.health.worked()

    def _apply(self, db: sqlite3.Connection, batch: list[tuple[Work, int, int]]) -> None:
        now = self._file.generation()
        for work, _, generation in batch:
            if generation == now:
                try:
                    work(db)
                except (ValueError, TypeError, OverflowError, struct.error):
                    self._lose("unwritable")
        if self._monotonic() - self._trimmed >= _TRIM:
            self._trimmed = self._monotonic()
            trim(db, self.wall())
        if self.room is not None:
            evict(db, self.room)

    def _connected(self) -> sqlite3.Connection:
        generation = self._file.generation()
        if self._db is None or generation != self._generation:
            self._disconnect()
            self._generation = generation
            self._db = self._file.open(write=True)
        return self._db

    def _lose(self, reason: str, count: int = 1) -> None:
        with self._changed:
            self._lost[reason] += count

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _failed(self, error: Exception) -> None:
        self._disconnect()
        if isinstance(error, sqlite3.Error) and is_corrupt(error):
            try:
                self._file.set_aside(self._generation, str(error))
            except OSError as worse:
                error = worse
            else:
                return
        self.health.failed(str(error))


def _damaged(_: sqlite3.Connection) -> None:
    raise DamagedError("a page cannot be read")
