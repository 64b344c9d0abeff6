from datetime import UTC, datetime

import pytest

from outgate.stores.windows import Window, steady_clock, window_at
from support.budgets import NOON, Clock


@pytest.mark.parametrize(
    ("length", "start", "seconds"),
    [("minute", NOON, 60), ("hour", NOON, 3600), ("day", NOON - 12 * 3600, 86400), (7, NOON - NOON % 7, 7)],
)
def test_a_window_is_aligned_and_holds_its_moment(length, start, seconds):
    assert Window(int(start), int(start) + seconds) == window_at(length, NOON + 0.5)


@pytest.mark.parametrize(
    ("day", "first", "following"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_month_is_a_calendar_month_in_utc(day, first, following):
    assert Window(int(first.timestamp()), int(following.timestamp())) == window_at("month", day.timestamp())


def test_the_end_of_a_window_is_the_start_of_the_next():
    window = window_at("hour", NOON)

    assert window.end == window_at("hour", window.end).start


@pytest.mark.parametrize("step", [-86400, -3600, -1, 1, 3600, 86400])
def test_a_step_of_the_wall_clock_changes_nothing(step):
    clock = Clock()
    now = steady_clock(clock.wall, clock.monotonic)
    clock.step(step)
    clock.pass_(5)

    assert NOON + 5 == now()


def test_the_clock_never_runs_backwards():
    clock = Clock()
    now = steady_clock(clock.wall, clock.monotonic)
    before = now()
    clock.elapsed -= 10

    assert before == now()
