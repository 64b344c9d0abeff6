"""Fixed budget windows aligned to UTC; a clock that steps back never reopens one.

The time of day is read once; from then on the monotonic clock carries it, so that a step of the wall clock, in either direction,
neither resets a budget early nor reopens a window that has ended.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


class Window(NamedTuple):
    """Epoch seconds, start included, end not."""

    start: int
    end: int


def window_at(length: str | int, now: float) -> Window:
    """The window that holds `now`. `length` is `minute`, `hour`, `day`, `month` (a calendar month in UTC), or seconds."""
    if length == "month":
        first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return Window(int(first.timestamp()), int(following.timestamp()))
    seconds = _SECONDS[length] if isinstance(length, str) else length
    start = int(now // seconds) * seconds
    return Window(start, start + seconds)


def steady_clock(wall: Callable[[], float], monotonic: Callable[[], float]) -> Callable[[], float]:
    """A clock that gives epoch seconds, follows `monotonic`, and never runs backwards."""
    origin = wall() - monotonic()
    latest = float("-inf")

    def now() -> float:
        nonlocal latest
        latest = max(latest, origin + monotonic())
        return latest

    return now
