"""Outages of providers, from the attempts of all workers: what fails where, since when, how often, and whether it answers again.

A worker counts its attempts and tells them in lines once a second (`Tally`); the supervisor hears the lines of all workers in the
order in which they come (`Outages`), so that no clocks are compared and nothing is kept on disk.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from outgate.errors import FailureKind, FailureReason
from outgate.inference.attempt import OWN, AttemptRecord
from outgate.metering.metrics import Sample

_NOT_ITS_OWN = frozenset({FailureKind.STALE, FailureKind.REFUSAL, FailureKind.CONTENT_FILTER, FailureKind.CONTEXT_LENGTH})
"""Failures that say nothing against a provider: it ended an idle connection, or answered as it does."""
_OF_THE_KEY = frozenset({401, 402, 403, 429})
_FORBIDDEN = 403
_QUIET, _FORGOTTEN, _STALE = 300.0, 86400.0, 10.0
"""Seconds for which a place that answers again is still told, one that nobody asked any more, and an unreadable credential that no
worker tells of.
"""
_MOST = 200
"""Outages that are told apart."""
_GONE = -1


class Outage(NamedTuple):
    """What fails where; without a failure, what answers. A credential has no endpoint; `status` is empty where none came."""

    backend: str
    endpoint: str
    failure: str = ""
    reason: str = ""
    status: str = ""


class Tally:
    """The attempts of one worker since the last `lines`."""

    def __init__(self) -> None:
        self._counts: Counter[Outage] = Counter()
        self._backends: frozenset[str] = frozenset()

    def keep(self, backends: Iterable[str]) -> None:
        """These backends are in force now: those that were and are no more are told of once."""
        now = frozenset(backends)
        self._counts.update({Outage(name, ""): _GONE for name in self._backends - now})
        self._backends = now

    def observe(self, attempt: AttemptRecord) -> None:
        """Count an attempt that has failed, or whose answer has begun. What is said of a workload's own key is its own."""
        if attempt.credential == OWN and attempt.status in _OF_THE_KEY:
            return
        self._counts[_outage(attempt)] += 1

    def ended(self, attempt: AttemptRecord) -> None:
        """Count an answer that had begun well and broke off."""
        if attempt.failure is not None:
            self.observe(attempt)

    def lines(self, credentials: Mapping[str, str] = {}) -> list[str]:
        """What is told now, answers first; `credentials` is, by backend, what is the matter with one (`Credentials.trouble`)."""
        counts, self._counts = self._counts, Counter()
        told = sorted(counts.items(), key=lambda entry: bool(entry[0].failure))
        troubles = (
            (Outage(backend, "", f"credential_{trouble}", f"credential.{trouble}"), 0) for backend, trouble in credentials.items()
        )
        return ["\t".join((*outage, str(count))) for outage, count in (*told, *troubles)]


class _Course:
    """How one outage goes: its first and last failure, how often, how many attempts were answered meanwhile, and since when."""

    __slots__ = ("answered", "back", "failed", "last", "since")

    def __init__(self, now: float) -> None:
        self.since = self.last = now
        self.failed = self.answered = 0
        self.back = 0.0

    def is_over(self, outage: Outage, now: float) -> bool:
        kept = _STALE if not outage.endpoint else _QUIET if self.back else _FORGOTTEN
        return now - self.last > kept


class Outages:
    """The outages that all workers tell of. `wall` gives epoch seconds."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._known: dict[Outage, _Course] = {}

    def hear(self, line: str) -> None:
        """Take one line of a worker. What is none is passed over."""
        try:
            *names, count = line.split("\t")
            self._take(Outage(*names), int(count), self._wall())
        except (ValueError, TypeError):
            return

    def samples(self) -> Iterator[Sample]:
        """Gauges of what fails now, and of what answers again for a while."""
        now = self._wall()
        self._known = {outage: course for outage, course in self._known.items() if not course.is_over(outage, now)}
        for outage, course in self._known.items():
            yield Sample("outgate_backend_failing", outage, float(not course.back))
            for at, seconds in (("since", course.since), ("last", course.last), ("answered", course.back)):
                yield Sample("outgate_backend_failing_seconds", (*outage, at), seconds)
            for result, count in (("failed", course.failed), ("answered", course.answered)):
                yield Sample("outgate_backend_failing_attempts", (*outage, result), float(count))

    def _take(self, told: Outage, count: int, now: float) -> None:
        if count == _GONE:
            self._known = {outage: course for outage, course in self._known.items() if outage.backend != told.backend}
        elif not told.failure:
            self._answered(told, count, now)
        else:
            self._failed(told, count, now)

    def _answered(self, told: Outage, count: int, now: float) -> None:
        for outage, course in self._known.items():
            if outage[:2] == told[:2]:
                course.answered += count
                course.back = course.back or now

    def _failed(self, told: Outage, count: int, now: float) -> None:
        course = self._known.get(told)
        if course is None or course.is_over(told, now):
            if len(self._known) >= _MOST:
                del self._known[min(self._known, key=lambda outage: self._known[outage].last)]
            course = self._known[told] = _Course(now)
        course.last, course.back = now, 0.0
        course.failed += count


def _outage(attempt: AttemptRecord) -> Outage:
    if attempt.failure is None and attempt.status == _FORBIDDEN:
        status, failure, reason = str(attempt.status), "forbidden", FailureReason.ANSWER_ERROR_STATUS
        return Outage(attempt.backend, attempt.endpoint, failure, reason, status)
    if attempt.failure is None or attempt.failure in _NOT_ITS_OWN:
        return Outage(attempt.backend, attempt.endpoint)
    status = str(attempt.status or "") if attempt.reason is FailureReason.ANSWER_ERROR_STATUS else ""
    return Outage(attempt.backend, attempt.endpoint, attempt.failure, attempt.reason or "", status)
