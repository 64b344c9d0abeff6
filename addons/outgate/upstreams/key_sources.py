"""Sources of keys: environment variables, files, directories of files, and commands. Each rotates without a restart.

A file or directory is looked at once a second at most, and read again when it changed. No text of a key is ever in a problem.
"""

import asyncio
import contextlib
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from outgate.net.secret import Secret
from outgate.upstreams.catalog import KeySource
from outgate.upstreams.renewal import Fresh, Renewal, RenewalError

_STAT_EVERY = 1.0
_LARGEST = 16 * 1024
_MOST = 64
"""Files of a directory that are read."""
_COMMAND_SECONDS = 10.0


class Reading(NamedTuple):
    """Keys in the order of their names, and what is wrong with those that are missing."""

    keys: tuple[Secret, ...]
    problem: str = ""


class Source(Protocol):
    """One source of keys."""

    def read(self) -> Reading:
        """The keys as they are now, without waiting."""

    def again(self, refused: Secret) -> None:
        """The provider has refused this key: look at the source again."""

    async def ready(self) -> None:
        """Wait until `read` can tell."""


class StillSource:
    """A variable, a file or a directory."""

    def __init__(self, source: KeySource, environ: Mapping[str, str], monotonic: Callable[[], float]) -> None:
        self._source, self._environ, self._monotonic = source, environ, monotonic
        self._reading: Reading | None = None
        self._stamps: tuple[_Stamp, ...] = ()
        self._looked = 0.0

    def read(self) -> Reading:
        now = self._monotonic()
        if self._reading is None or (not self._source.env and now - self._looked >= _STAT_EVERY):
            self._look(now)
        assert self._reading is not None
        return self._reading

    def again(self, refused: Secret) -> None:  # noqa: ARG002 (every key of a source is read)
        self._reading = None

    async def ready(self) -> None:
        """There is nothing to wait for."""

    def _look(self, now: float) -> None:
        self._looked = now
        stamps = _stamps(self._source)
        if self._reading is None or stamps != self._stamps:
            self._stamps, self._reading = stamps, _reading(self._source, self._environ)


class CommandSource:
    """A command that prints one key. It gets the environment of the gateway, and no standard input."""

    def __init__(
        self, name: str, source: KeySource, environ: Mapping[str, str], monotonic: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self._source, self._environ = source, environ
        self._renewal = Renewal(name, self._run, monotonic, random)

    def read(self) -> Reading:
        secret = self._renewal.value()
        return Reading((secret,) if secret is not None else (), self._renewal.problem)

    def again(self, refused: Secret) -> None:
        self._renewal.refused(refused)

    async def ready(self) -> None:
        await self._renewal.ready()

    async def _run(self) -> Fresh:
        printed = await _printed(self._source.command, self._environ)
        key, problem = _line(printed, f"what {Path(self._source.command[0]).name} prints")
        if problem:
            raise RenewalError(problem)
        return Fresh(Secret(key), self._source.every, float("inf"))


class _Stamp(NamedTuple):
    """What changes when a file is rewritten, or a link to it is moved."""

    name: str
    mtime_ns: int
    inode: int
    size: int


def line_of(env: str, file: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The one line of printable ASCII that a variable or a file holds, or what is wrong with it. Never shows it."""
    text, source = (environ.get(env, ""), f"the variable {env}") if env else (contents(file), f"the file {file}")
    return _line(text, source)


def _line(text: str, source: str) -> tuple[str, str]:
    text = text.strip()
    if not text:
        return "", f"{source} is missing or empty"
    if not text.isascii() or not text.isprintable():
        return "", f"{source} holds more than one line of printable ASCII"
    return text, ""


def _reading(source: KeySource, environ: Mapping[str, str]) -> Reading:
    if source.directory:
        files = _files(source.directory)
        lines = [line_of("", str(file), environ) for file in files] or [("", f"the directory {source.directory} holds no file")]
    else:
        lines = [line_of(source.env, source.file, environ)]
    problems = [problem for _, problem in lines if problem]
    return Reading(tuple(Secret(key) for key, problem in lines if not problem), problems[0] if problems else "")


def _files(directory: str) -> list[Path]:
    """The files of a mounted secret: what begins with a dot is how it is swapped."""
    try:
        found = sorted(path for path in Path(directory).iterdir() if not path.name.startswith(".") and path.is_file())
    except OSError:
        return []
    return found[:_MOST]


def contents(file: str) -> str:
    """The text of a small file; empty where it cannot be read, or is not ASCII."""
    try:
        with Path(file).open(encoding="ascii") as opened:
            return opened.read(_LARGEST)
    except (OSError, UnicodeError):
        return ""


def _stamps(source: KeySource) -> tuple[_Stamp, ...]:
    files = _files(source.directory) if source.directory else [Path(source.file)] if source.file else []
    found = []
    for file in files:
        with contextlib.suppress(OSError):
            seen = file.stat()
            found.append(_Stamp(file.name, seen.st_mtime_ns, seen.st_ino, seen.st_size))
    return tuple(found)


async def _read(stream: asyncio.StreamReader) -> bytes:
    """All that comes, or a little more than the largest: one read gives what one write sent."""
    printed = b""
    while len(printed) <= _LARGEST and (piece := await stream.read(_LARGEST)):
        printed += piece
    return printed


async def _printed(command: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """What the command prints. Raises RenewalError where it cannot be run, fails or takes too long."""
    name = Path(command[0]).name
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (OSError, ValueError):
        raise RenewalError(f"{name} cannot be run") from None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_COMMAND_SECONDS):
            printed = await _read(process.stdout)
            status = await process.wait() if len(printed) <= _LARGEST else -1
    except TimeoutError:
        raise RenewalError(f"{name} takes too long") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        raise RenewalError(f"{name} ended with status {status}" if status > 0 else f"{name} was ended, or prints too much")
    return printed.decode("ascii", "replace")
