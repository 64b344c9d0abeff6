import asyncio
from types import SimpleNamespace

import pytest

from outgate.errors import FailureKind, FailureReason, UpstreamError, WireError
from outgate.exchange.failures import beginning, failure_of, waits_for
from outgate.inference.stream import EventStream, Finish, Text
from outgate.net.headers import Headers
from outgate.stages.dispatch import FailedAttempt
from outgate.upstreams.events import UpstreamEvents
from outgate.upstreams.retry_policy import DEFAULT_ON, Failure, RoutePolicy

SAID = SimpleNamespace(texts=[Text(("choices", 0, "content"), "hi", None)], finish=None, calls_tool=False, last=False, tree={})
QUIET = SimpleNamespace(texts=[], finish=None, calls_tool=False, last=False, tree={})
REFUSES = SimpleNamespace(texts=[Text(("choices", 0, "refusal"), "no", None)], finish=None, calls_tool=False, last=False, tree={})


def ends(finish, tree=None):
    return SimpleNamespace(texts=[], finish=finish, calls_tool=False, last=True, tree=tree or {})


class _Call:
    """Pieces of an answer; the last may be an error, or a wait without end."""

    def __init__(self, *pieces):
        self._pieces = [*pieces]

    async def read(self):
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, Exception):
            raise piece
        if piece is None:
            await asyncio.Event().wait()
        return piece


def answer(*events, pieces=None, status=200, headers=()):
    """An execution whose answer has these events, one for each piece."""
    left = [*events]
    decoder = SimpleNamespace(feed=lambda _: [left.pop(0)] if left else [], end=lambda: left)
    source = UpstreamEvents(_Call(*(pieces if pieces is not None else [b"x"] * len(events))), decoder)
    facts = {"r.status": status, "r.headers": Headers(headers), "r.stream": EventStream(source)}
    return SimpleNamespace(get=facts.get), source


def failed(*events, pieces=None, status=200, headers=(), policy=RoutePolicy(sent=True)):  # noqa: B008 (frozen)
    async def run():
        execution, source = answer(*events, pieces=pieces, status=status, headers=headers)
        began = await beginning(execution, None, policy, policy.per_try)
        return failure_of(execution, None, began), source

    return asyncio.run(run())


def kind(*events, **more):
    found, _ = failed(*events, **more)
    return found and found.kind


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, None), (400, None), (404, None), (401, FailureKind.UNAUTHORIZED), (402, FailureKind.RATE_LIMITED),
        (408, FailureKind.SERVER_ERROR), (429, FailureKind.RATE_LIMITED), (500, FailureKind.SERVER_ERROR),
        (529, FailureKind.SERVER_ERROR),
    ],
)  # fmt: skip
def test_statuses_that_are_failures(status, expected):
    assert expected is kind(SAID, status=status)


def test_an_attempt_without_an_answer_says_itself_whether_it_was_sent():
    ended = FailedAttempt(code="c", status=502, message="m", kind=FailureKind.RESET, sent=True, reason=FailureReason.HEAD_CLOSED)

    found = failure_of(SimpleNamespace(get=lambda _: None), ended)

    assert (FailureKind.RESET, FailureReason.HEAD_CLOSED, Failure(FailureKind.RESET, unknown=True)) == (
        found.kind, found.reason, found.failure(0.0),
    )  # fmt: skip


def test_an_error_in_place_of_the_first_word_is_one_of_the_server():
    assert FailureKind.SERVER_ERROR is kind(QUIET, ends(Finish.ERROR))
    assert FailureKind.RATE_LIMITED is kind(ends(Finish.ERROR, {"error": {"type": "rate_limit_error"}}))


def test_what_a_model_would_not_do_is_told_by_its_answer():
    told = {"error": {"code": "context_length_exceeded"}}

    assert FailureKind.REFUSAL is kind(REFUSES)
    assert FailureKind.CONTENT_FILTER is kind(ends(Finish.CONTENT_FILTER))
    assert FailureKind.CONTEXT_LENGTH is kind(ends(Finish.ERROR, told), status=400)


def test_an_answer_that_breaks_before_its_first_word_may_have_been_billed():
    broken = UpstreamError(FailureKind.BROKEN_STREAM, "m", sent=True, reason=FailureReason.ANSWER_BROKEN_OFF)

    found, _ = failed(QUIET, pieces=[b"x", broken])
    malformed, _ = failed(pieces=[WireError("c", "m")])

    assert (FailureKind.NOT_BEGUN, True) == (found.kind, found.failure(0.0).unknown)
    assert (FailureKind.NOT_BEGUN, FailureReason.ANSWER_MALFORMED) == (malformed.kind, malformed.reason)


def test_an_answer_that_breaks_after_its_first_word_stands_and_is_read_to_its_break():
    broken = UpstreamError(FailureKind.BROKEN_STREAM, "m", sent=True)

    async def run():
        execution, source = answer(QUIET, SAID, pieces=[b"x", b"y", broken])
        assert None is failure_of(execution, None, await beginning(execution, None, RoutePolicy(sent=True), 0.0))
        assert [QUIET, SAID] == list(await anext(source))
        with pytest.raises(UpstreamError):
            await anext(source)

    asyncio.run(run())


def test_a_first_word_that_does_not_come_in_time_is_a_time_out():
    found, _ = failed(QUIET, pieces=[b"x", None], policy=RoutePolicy(per_try=0.01))

    assert (FailureKind.TIMEOUT, FailureReason.ANSWER_NOT_BEGUN) == (found.kind, found.reason)


def test_nothing_is_waited_for_where_the_route_need_not_know():
    assert not waits_for(RoutePolicy())
    assert waits_for(RoutePolicy(on=DEFAULT_ON | {FailureKind.REFUSAL}))
    assert None is kind(pieces=[WireError("c", "m")], policy=RoutePolicy())


def test_retry_after_is_read_of_the_answer():
    found, _ = failed(SAID, status=429, headers=[("retry-after", "7")])

    assert 7.0 == found.failure(0.0).retry_after
