"""Outages of providers, told by several workers: since when, how often, and whether it answers again."""

import pytest

from outgate.errors import FailureKind, FailureReason
from outgate.inference.attempt import AttemptRecord
from outgate.metering.outages import Outages, Tally

REFUSED = ("main", "eu:443", "connect_failed", "connect.refused", "")


def attempt(**fields):
    told = {"number": 1, "backend": "main", "endpoint": "eu:443", "address": "192.0.2.1:443", "sent": True, "seconds": 0.1}
    return AttemptRecord(**told | {"status": None, "failure": None} | fields)


def refused():
    return attempt(failure=FailureKind.CONNECT, reason=FailureReason.CONNECT_REFUSED)


def answered(status=200, **fields):
    return attempt(status=status, **fields)


class Gateway:
    """Two workers and a supervisor, at a time of ours."""

    def __init__(self):
        self.now = 1000.0
        self.workers = Tally(), Tally()
        self.outages = Outages(lambda: self.now)

    def tell(self, worker, *attempts, at=None, **unreadable):
        self.now = at or self.now
        for each in attempts:
            self.workers[worker].observe(each)
        for line in self.workers[worker].lines(unreadable):
            self.outages.hear(line)
        return self.shown()

    def shown(self):
        """Place with its values: failing, since, last, answered, failed attempts, answered ones."""
        found = {}
        for sample in self.outages.samples():
            found.setdefault(sample.labels[:5], []).append(sample.value)
        return found


@pytest.fixture(name="gateway")
def _gateway():
    return Gateway()


def test_what_fails_is_told_with_its_first_time_and_its_number_over_all_workers(gateway):
    gateway.tell(0, refused(), refused(), at=1000)

    assert {REFUSED: [1, 1000, 1060, 0, 3, 0]} == gateway.tell(1, refused(), at=1060)


def test_an_answer_to_another_worker_ends_it_and_it_is_told_for_a_while(gateway):
    gateway.tell(0, refused())

    assert {REFUSED: [0, 1000, 1000, 1010, 1, 2]} == gateway.tell(1, answered(), answered(400), at=1010)
    gateway.now = 1301
    assert {} == gateway.shown()


def test_one_that_fails_now_and_then_keeps_its_first_time_and_its_share(gateway):
    gateway.tell(0, refused())
    gateway.tell(0, answered(), at=1100)

    assert {REFUSED: [1, 1000, 1200, 0, 2, 1]} == gateway.tell(0, refused(), at=1200)


def test_after_a_long_while_it_is_another_outage(gateway):
    gateway.tell(0, refused())
    gateway.tell(0, answered())

    assert {REFUSED: [1, 2000, 2000, 0, 1, 0]} == gateway.tell(0, refused(), at=2000)


def test_nobody_asks_any_more_and_it_is_told_for_a_day(gateway):
    gateway.tell(0, refused())
    gateway.now = 1000 + 86400
    assert gateway.shown()
    gateway.now += 1
    assert not gateway.shown()


def test_an_answer_of_one_place_says_nothing_of_another(gateway):
    gateway.tell(0, refused())

    assert [1, 1000, 1000, 0, 1, 0] == gateway.tell(0, answered(endpoint="us:443"))[REFUSED]


def test_a_place_that_the_policy_has_no_more_is_told_no_more(gateway):
    gateway.workers[0].keep(["main", "other"])
    gateway.tell(0, refused())
    gateway.workers[0].keep(["other"])

    assert {} == gateway.tell(0)


def test_an_unreadable_credential_is_told_while_a_worker_says_so(gateway):
    place = ("main", "", "credential_unreadable", "credential.unreadable", "")

    assert {place: [1, 1000, 1000, 0, 0, 0]} == gateway.tell(0, main="unreadable")
    assert {place: [1, 1000, 1009, 0, 0, 0]} == gateway.tell(1, main="unreadable", at=1009)
    gateway.now = 1020
    assert {} == gateway.shown()


STATUS = FailureReason.ANSWER_ERROR_STATUS


@pytest.mark.parametrize(
    ("told", "place"),
    [
        (answered(401, failure=FailureKind.UNAUTHORIZED, reason=STATUS), ("unauthorized", "answer.error_status", "401")),
        (answered(403), ("forbidden", "answer.error_status", "403")),
        (answered(503, failure=FailureKind.SERVER_ERROR, reason=STATUS), ("server_error", "answer.error_status", "503")),
        (
            answered(200, failure=FailureKind.BROKEN_STREAM, reason=FailureReason.ANSWER_BROKEN_OFF),
            ("broken_stream", "answer.broken_off", ""),
        ),
    ],
)
def test_a_status_that_says_the_provider_fails_is_a_label(gateway, told, place):
    assert [("main", "eu:443", *place)] == list(gateway.tell(0, told))


@pytest.mark.parametrize(
    "told",
    [
        answered(401, failure=FailureKind.UNAUTHORIZED, reason=STATUS, credential="workload"),
        answered(403, credential="workload"),
        attempt(failure=FailureKind.STALE, reason=FailureReason.HEAD_IDLE_CONNECTION_LOST),
        answered(200, failure=FailureKind.REFUSAL, reason=FailureReason.ANSWER_REFUSED),
        answered(400),
    ],
)
def test_what_is_not_the_providers_fault_is_no_outage(gateway, told):
    assert {} == gateway.tell(0, told)


def test_an_answer_that_breaks_off_after_its_beginning_is_a_failure(gateway):
    gateway.workers[0].ended(attempt(status=200, failure=FailureKind.BROKEN_STREAM, reason=FailureReason.ANSWER_BROKEN_OFF))
    gateway.workers[0].ended(answered())

    assert [("main", "eu:443", "broken_stream", "answer.broken_off", "")] == list(gateway.tell(0))


@pytest.mark.parametrize("line", ["", "a", "a\tb\tc\td\te\tf", "a\tb\tc\td\te\tf\tg\t1", "\t".join(["x"] * 5)])
def test_what_is_no_line_is_passed_over(gateway, line):
    gateway.outages.hear(line)

    assert {} == gateway.shown()


def test_outages_are_bounded_and_the_latest_stay(gateway):
    for number in range(300):
        gateway.now += 1
        gateway.tell(0, attempt(endpoint=f"e{number}", failure=FailureKind.CONNECT, reason=FailureReason.CONNECT_REFUSED))

    assert [f"e{number}" for number in range(100, 300)] == [place[1] for place in gateway.shown()]
