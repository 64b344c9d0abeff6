"""Remember how soon each model's answers begin, at this worker: a moving average, forgotten where nothing was measured lately.

What is forgotten counts as fast, so that it is tried again: once a minute, and not only when all others have become slow.
"""

from collections.abc import Callable

from outgate.inference.attempt import AttemptRecord

_NEW, _PENALTY, _FRESH = 0.2, 30.0, 60.0
"""Weight of a new measurement; seconds that a failure counts; seconds for which a measurement is believed."""


class Latencies:
    """Averages by provider, model, and whether the answer was streamed (else it begins when it is whole)."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._known: dict[tuple[str, str, bool], tuple[float, float]] = {}

    def observe(self, attempt: AttemptRecord) -> None:
        """Take an attempt that has ended or whose answer has begun."""
        if not attempt.provider:
            return
        failed = attempt.failure is not None or (attempt.status or 500) >= 500
        seconds, now = _PENALTY if failed else attempt.seconds, self._monotonic()
        key = (attempt.provider, attempt.model, attempt.streams)
        before, at = self._known.get(key, (seconds, now))
        if now - at > _FRESH:
            before = seconds
        self._known[key] = (before + _NEW * (seconds - before), now)

    def seconds(self, provider: str, model: str, *, streams: bool) -> float:
        """The average; zero where none is known that is fresh."""
        average, at = self._known.get((provider, model, streams), (0.0, 0.0))
        return average if self._monotonic() - at <= _FRESH else 0.0
