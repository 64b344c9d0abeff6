"""The log of a process, on standard error: lines of text, or JSON objects; what it tells may change while it runs.

`error` is for failures, `warning` also for what is refused or fails at a provider, `info` also for how each exchange ended.
"""

import fcntl
import logging
import os
import signal
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from time import gmtime

import orjson

LEVELS = ("error", "warning", "info")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OURS = logging.getLogger("outgate")
_CHANGES = logging.getLogger("outgate.policy.reload")
"""Says that the policy has changed: nothing is wrong then, and everybody wants to know."""

_JUST, _MOST = 10.0, 64
"""Seconds for which others do not say a line again, and lines that are remembered."""


class _Lines(logging.Formatter):
    """A line a record: its time in UTC, as commands tell it, level, logger and message."""

    converter = staticmethod(gmtime)
    default_msec_format = "%s.%03dZ"


class _Objects(logging.Formatter):
    """One JSON object a record: time (RFC 3339), level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(told).decode()


class FirstToSay(logging.Filter):
    """Lets a line about the gateway pass unless another of its processes has just said it: a reload is one event of many workers.

    `file` is shared by them. Lines about single exchanges, and those of other packages, always pass; so
    does everything where the file cannot be used.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.name.startswith(f"{_OURS.name}.") or self.says(f"{record.name} {record.getMessage()}", record.created)

    def says(self, line: str, now: float) -> bool:
        """Whether this process may say the line, at this epoch second; from then on others may not, for a while."""
        me, digest = str(os.getpid()), blake2b(line.encode(), digest_size=16).hexdigest()
        try:
            with open(self._file, "a+", opener=_private) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                told = [entry for entry in map(str.split, file) if len(entry) == 3 and now - _JUST < float(entry[2]) <= now]
                by = {entry[0]: entry[1] for entry in told}
                if by.get(digest, me) != me:
                    return False
                file.truncate(0)
                file.writelines(f"{' '.join(entry)}\n" for entry in (*told[-_MOST:], (digest, me, str(now))))
        except (OSError, ValueError):
            return True
        return True


def _told_better(record: logging.LogRecord) -> bool:
    """mitmproxy's line about a client that does not trust the authority: `Notices.distrusted` says who it is."""
    return record.name == "mitmproxy.proxy.server" and "trust the proxy's certificate" in record.getMessage()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


class Log:
    """The log of this process. Of other packages, and of what is not ours, warnings are told whatever the level. `first` keeps it
    from what another process has said.
    """

    def __init__(self, style: str = "text", level: str = "warning", first: FirstToSay | None = None) -> None:
        self.style, self.level, self._given, self._first = style, level, level, first
        self._handler = logging.StreamHandler()
        self._handler.addFilter(lambda record: not _told_better(record))
        if first is not None:
            self._handler.addFilter(first)
        self._handler.setFormatter(_Objects() if style == "json" else _Lines(_TEXT))

    def begin(self) -> "Log":
        """Take over what this process logs."""
        logging.basicConfig(level=logging.WARNING, handlers=[self._handler])
        self.use(self.level)
        return self

    def use(self, level: str) -> None:
        """Tell this much from now on. Raises ValueError where there is no such level."""
        _OURS.setLevel(level.upper())
        _CHANGES.setLevel("ERROR" if level == "error" else "INFO")
        self.level = level

    def heard(self, number: signal.Signals) -> str:
        """SIGUSR1 tells one level more, SIGUSR2 as much as at start again. Returns the level."""
        more = LEVELS[min(LEVELS.index(self.level) + 1, len(LEVELS) - 1)]
        self.use(more if number == signal.SIGUSR1 else self._given)
        return self.level

    def say(self, line: str) -> None:
        """A line that is told whatever the level."""
        if self._first is not None and not self._first.says(line, datetime.now(UTC).timestamp()):
            return
        self._handler.handle(_OURS.makeRecord(_OURS.name, logging.INFO, "", 0, line, (), None))
