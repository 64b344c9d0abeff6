"""Hot reload: a changed policy file, or file that it names, replaces the policy in force whole, or not at all."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from outgate.errors import PolicyError, Problem
from outgate.policy.changes import changes
from outgate.policy.live import LivePolicy

_log = logging.getLogger(__name__)

_LOGGED = "mend the cause that the log gives"
_PIN = "restore the policy of the pin, or restart with the revision of this one"

type Stamp = tuple[int, int, int] | None
"""Modification time, size and inode of a file; None where it cannot be looked at."""


class Reloader:
    """Holds the live policy of a process.

    `load` compiles the file (load.load_policy with the ports of the process). `pin`, when not empty, is the only revision that
    may take effect. `swapped` is told of every policy that takes effect, `refused` of every file that does not, and with False when
    it is mended. `files` lists what the policy file names, also where it is refused: the watch looks at them too.
    """

    def __init__(
        self, path: Path, load: Callable[[Path], LivePolicy], *, pin: str = "",
        swapped: Callable[[LivePolicy], None] | None = None, refused: Callable[[bool], None] | None = None,
        files: Callable[[Path], Iterable[Path]] = lambda _: (),
    ) -> None:  # fmt: skip
        self.current: LivePolicy | None = None
        self.problems: tuple[Problem, ...] = ()
        self._path = path
        self._load = load
        self._pin = pin
        self._swapped = swapped
        self._refused = refused
        self._files = files
        self._stamps: dict[Path, Stamp] = {}
        self._lock = asyncio.Lock()
        self._stops: set[asyncio.Task[None]] = set()

    async def start(self) -> LivePolicy:
        """The first policy. Raises PolicyError."""
        problems = await self.reload()
        if self.current is None:
            raise PolicyError(problems)
        return self.current

    async def reload(self) -> tuple[Problem, ...]:
        """Load the file now. All its problems, where it is refused: the policy in force stays in force."""
        async with self._lock:
            self._stamps = await asyncio.to_thread(self._watched)
            try:
                policy = await self._prepared()
            except PolicyError as error:
                self.problems = error.problems
                kept = ", the one in force stays" if self.current is not None else ""
                _log.error("the policy %s is refused%s\n%s", self._path, kept, error)
                if self._refused is not None:
                    self._refused(True)
                return self.problems
            mended, self.problems = bool(self.problems), ()
            if mended and self._refused is not None:
                self._refused(False)
            if policy is None and self.current is not None:
                told = "is good again, and the one in force" if mended else "says nothing new, and stays in force"
                _log.info("the policy %s %s", self._path, told)
            if policy is not None:
                self._swap(policy)
            return ()

    async def watch(self, pause: Callable[[], Awaitable[None]]) -> None:
        """Reload whenever the file has changed, looking after every `pause`. Ends when cancelled."""
        while True:
            await pause()
            if await asyncio.to_thread(_stamps_of, self._stamps) != self._stamps:
                await self.reload()

    async def stop(self) -> None:
        """Retire the policy in force and wait for the stages that are being stopped."""
        policy, self.current = self.current, None
        if policy is not None:
            await policy.stop()
        if self._stops:
            await asyncio.wait(self._stops)

    async def _prepared(self) -> LivePolicy | None:
        """The policy of the file, its stages started; None where it is the one in force. Raises PolicyError."""
        policy = await self._loaded()
        if self._pin and policy.revision != self._pin:
            message = f"its revision is {policy.revision}, and this process is pinned to {self._pin}"
            raise PolicyError((Problem(code="E_REVISION_PIN", message=message, repair=_PIN, file=str(self._path), line=1),))
        if self.current is not None and policy.revision == self.current.revision:
            return None
        try:
            await policy.start()
        except Exception as error:
            _log.exception("a stage of %s could not be started", self._path)
            message = f"a stage could not be started: {type(error).__name__}"
            raise PolicyError(
                (Problem(code="E_STAGE_START", message=message, repair=_LOGGED, file=str(self._path), line=1),)
            ) from error
        return policy

    async def _loaded(self) -> LivePolicy:
        """Whatever goes wrong while loading refuses the policy; the watch goes on."""
        try:
            return await asyncio.to_thread(self._load, self._path)
        except PolicyError:
            raise
        except Exception as error:
            _log.exception("%s could not be loaded", self._path)
            message = f"it could not be loaded: {type(error).__name__}"
            raise PolicyError((Problem(code="E_LOAD", message=message, repair=_LOGGED, file=str(self._path), line=1),)) from error

    def _swap(self, policy: LivePolicy) -> None:
        old, self.current = self.current, policy
        if old is not None:
            _log.info("policy %s takes effect: %s", policy.revision, changes(old.parts, policy.parts))
        if self._swapped is not None:
            self._swapped(policy)
        if old is not None:
            old.retire(self._stop_soon)

    def _stop_soon(self, policy: LivePolicy) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(policy.stop())
        self._stops.add(task)
        task.add_done_callback(self._stops.discard)

    def _watched(self) -> dict[Path, Stamp]:
        """What to watch, looked at before it is loaded: what changes meanwhile is loaded again."""
        try:
            named = tuple(self._files(self._path))
        except Exception:
            _log.exception("the files that %s names could not be listed", self._path)
            named = ()
        return _stamps_of((self._path, *named))


def _stamps_of(paths: Iterable[Path]) -> dict[Path, Stamp]:
    return {path: _stamp_of(path) for path in paths}


def _stamp_of(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
