"""Budget of retries: of the requests to a provider in the last ten seconds, only a share may be repeated there.

A provider that fails under load would otherwise get a multiple of it. Each worker keeps its own count; all of them together keep
the share too. Going to another provider is not counted: it is load taken away.
"""

from collections import defaultdict, deque
from collections.abc import Callable

_SECONDS = 10.0
_LEAST = 10
"""Retries in the window that a provider of few requests gets in any case."""


class RetryBudget:
    """Requests and retries by provider. `monotonic` is in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._asked: dict[str, deque[float]] = defaultdict(deque)
        self._again: dict[str, deque[float]] = defaultdict(deque)

    def asked(self, provider: str) -> None:
        """A first attempt was made there."""
        self._recent(self._asked[provider]).append(self._monotonic())

    def spend(self, provider: str) -> None:
        """A retry is made there."""
        self._again[provider].append(self._monotonic())

    def allows(self, provider: str, share: float) -> bool:
        """Whether one more retry fits."""
        asked, again = len(self._recent(self._asked[provider])), len(self._recent(self._again[provider]))
        return again < max(_LEAST, share * asked)

    def _recent(self, times: deque[float]) -> deque[float]:
        oldest = self._monotonic() - _SECONDS
        while times and times[0] <= oldest:
            times.popleft()
        return times
