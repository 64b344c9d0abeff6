"""The log of a process, on standard error: lines of text, or JSON objects; what it tells may change while it runs.

`error` is for failures, `warning` also for what is refused or fails at a provider, `info` also for how each exchange ended.
"""

import logging
import signal
from datetime import UTC, datetime

import orjson

LEVELS = ("error", "warning", "info")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OURS = logging.getLogger("outgate")
_CHANGES = logging.getLogger("outgate.policy.reload")
"""Says that the policy has changed: nothing is wrong then, and everybody wants to know."""


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


class Log:
    """The log of this process. Of other packages, and of what is not ours, warnings are told whatever the level."""

    def __init__(self, style: str = "text", level: str = "warning") -> None:
        self.style, self.level, self._given = style, level, level
        self._handler = logging.StreamHandler()
        self._handler.setFormatter(_Objects() if style == "json" else logging.Formatter(_TEXT))

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
        """A line that is told whatever the level: in JSON an object, as text the line alone."""
        if self.style == "json":
            record = _OURS.makeRecord(_OURS.name, logging.INFO, "", 0, line, (), None)
            self._handler.handle(record)
        else:
            self._handler.stream.write(f"{line}\n")
            self._handler.flush()
