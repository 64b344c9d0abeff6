import pytest

from outgate.errors import FailureKind
from outgate.inference.attempt import AttemptRecord
from outgate.routing.latency import Latencies


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def attempt(seconds, *, status=200, failure=None, streams=False):
    return AttemptRecord(
        number=1, backend="b", endpoint="e", address="a", status=status, failure=failure, sent=True, seconds=seconds,
        streams=streams, provider="p", model="m",
    )  # fmt: skip


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="latencies")
def _latencies(clock):
    return Latencies(clock)


def test_what_was_never_measured_counts_as_fast(latencies):
    assert 0.0 == latencies.seconds("p", "m", streams=False)


def test_the_average_moves_with_each_measurement(latencies):
    for seconds in (1.0, 2.0, 2.0):
        latencies.observe(attempt(seconds))

    assert 1.36 == pytest.approx(latencies.seconds("p", "m", streams=False))


def test_streams_begin_earlier_and_are_measured_apart(latencies):
    latencies.observe(attempt(9.0))
    latencies.observe(attempt(0.5, streams=True))

    assert (9.0, 0.5) == (latencies.seconds("p", "m", streams=False), latencies.seconds("p", "m", streams=True))


@pytest.mark.parametrize("failed", [attempt(0.01, status=None, failure=FailureKind.CONNECT), attempt(0.01, status=503)])
def test_a_failure_is_no_fast_answer(latencies, failed):
    latencies.observe(failed)

    assert 30.0 == latencies.seconds("p", "m", streams=False)


def test_an_old_measurement_is_forgotten(latencies, clock):
    latencies.observe(attempt(9.0))
    clock.now += 61

    assert 0.0 == latencies.seconds("p", "m", streams=False)
    latencies.observe(attempt(1.0))
    assert 1.0 == latencies.seconds("p", "m", streams=False)
