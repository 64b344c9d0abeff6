"""The health of one part of a worker: told when it changes, and not at every failure in between."""

import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Health:
    """`what` names the part, `monotonic` is in seconds; `reason` says why the part does not work, and is empty while it does.

    `changed`, when set, is called with every new reason.
    """

    def __init__(self, what: str, monotonic: Callable[[], float]) -> None:
        self._what, self._monotonic = what, monotonic
        self.reason = ""
        self.changed: Callable[[str], None] | None = None
        self._since, self._failures = 0.0, 0

    def failed(self, reason: str) -> None:
        """It has just failed: one line at the first time, then a count."""
        self._failures += 1
        if not self.reason:
            self._since = self._monotonic()
            _log.error("%s: %s", self._what, reason)
            self._become(reason)

    def worked(self) -> None:
        """It has just worked."""
        if self.reason:
            seconds, failures = self._monotonic() - self._since, self._failures
            _log.warning("%s: work again after %.1f s and %d failures", self._what, seconds, failures)
            self._failures = 0
            self._become("")

    def _become(self, reason: str) -> None:
        self.reason = reason
        if self.changed is not None:
            self.changed(reason)
