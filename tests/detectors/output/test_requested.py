"""Values of a request are known again in other spellings, and no others."""

import asyncio

import pytest

from outgate.detectors.output import requested
from outgate.detectors.output.requested import Requested

TEXTS = ["My mail is Jane.Doe@Example.com,", "my card 4111-1111 1111\n1111"]


@pytest.mark.parametrize(
    ("value", "known"),
    [("jane.doe@example.com", True), ("4111 1111 1111 1111", True), ("john.doe@example.com", False), ("5500000000000004", False)],
)
def test_what_the_request_holds_is_known(value, known):
    assert known is asyncio.run(Requested(TEXTS).holds(value))


def test_what_is_searched_is_bounded_and_more_counts_as_unknown(monkeypatch):
    monkeypatch.setattr(requested, "_MOST", 10)
    held = Requested(["x" * 20, "4111111111111111"])

    assert not asyncio.run(held.holds("4111111111111111"))


def test_a_long_request_is_read_in_stretches(monkeypatch):
    monkeypatch.setattr(requested, "_STRETCH", 7)

    assert asyncio.run(Requested(TEXTS).holds("4111 1111 1111 1111"))
