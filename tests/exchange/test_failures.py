import asyncio
from types import SimpleNamespace

import pytest

from outgate.dialects.answer_forms import answer_in
from outgate.dialects.registry import dialect, operation_for
from outgate.errors import FailureKind, FailureReason, UpstreamError, WireError
from outgate.exchange.failures import beginning, error_of, failure_of, waits_for
from outgate.inference.conversation import Conversation
from outgate.inference.stream import EventStream, Finish, Text
from outgate.net.headers import Headers
from outgate.stages.dispatch import FailedAttempt
from outgate.upstreams.events import UpstreamEvents
from outgate.upstreams.retry_policy import DEFAULT_ON, OF_THE_ANSWER, Failure, RoutePolicy
from support import bedrock_answers
from support.sse import event as sse_event

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


CALLERS = {
    "openai": operation_for("POST", "/v1/chat/completions"),
    "responses": operation_for("POST", "/v1/responses"),
    "anthropic": operation_for("POST", "/v1/messages"),
    "gemini": operation_for("POST", "/v1beta/models/m:streamGenerateContent?alt=sse"),
}
LIMIT, SERVER = FailureKind.RATE_LIMITED, FailureKind.SERVER_ERROR


def _responses(code):
    return {"type": "response.failed", "response": {"id": "r", "status": "failed", "error": {"code": code, "message": "m"}}}


def _anthropic(kind, message="m"):
    return {"type": "error", "error": {"type": kind, "message": message}}


def _gemini(code, status):
    return {"error": {"code": code, "status": status, "message": "m"}}


STREAMED = [
    ("openai", {"error": {"message": "m", "type": "invalid_request_error", "code": None}}, None),
    ("openai", {"error": {"message": "m", "type": "BadRequestError", "code": 400}}, None),
    ("openai", {"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, None),
    ("openai", {"error": {"message": "m", "type": "invalid_request_error", "code": "context_length_exceeded"}}, None),
    ("openai", {"error": {"message": "m", "code": "content_policy_violation"}}, None),
    ("openai", {"error": {"message": "m", "type": "tokens", "code": "rate_limit_exceeded"}}, LIMIT),
    ("openai", {"error": {"message": "m", "code": "429"}}, LIMIT),
    ("openai", {"error": {"message": "m", "type": "server_error", "code": None}}, SERVER),
    ("openai", {"error": {"message": "m", "type": "InternalServerError", "code": 500}}, SERVER),
    ("openai", {"error": {"message": "m", "code": 408}}, SERVER),
    ("openai", {"error": "m"}, SERVER),
    ("responses", _responses("invalid_prompt"), None),
    ("responses", _responses("context_length_exceeded"), None),
    ("responses", _responses("invalid_image_format"), None),
    ("responses", {"type": "error", "code": "invalid_request_error", "message": "m", "param": None}, None),
    ("responses", _responses("rate_limit_exceeded"), LIMIT),
    ("responses", _responses("server_error"), SERVER),
    ("responses", _responses("vector_store_timeout"), SERVER),
    ("anthropic", _anthropic("invalid_request_error"), None),
    ("anthropic", _anthropic("invalid_request_error", "prompt is too long: 210000 tokens"), None),
    ("anthropic", _anthropic("not_found_error"), None),
    ("anthropic", _anthropic("rate_limit_error"), LIMIT),
    ("anthropic", _anthropic("overloaded_error"), SERVER),
    ("anthropic", _anthropic("api_error"), SERVER),
    ("gemini", _gemini(400, "INVALID_ARGUMENT"), None),
    ("gemini", _gemini(429, "RESOURCE_EXHAUSTED"), LIMIT),
    ("gemini", _gemini(503, "UNAVAILABLE"), SERVER),
    ("bedrock", "validationException", None),
    ("bedrock", "throttlingException", LIMIT),
    ("bedrock", "modelStreamErrorException", SERVER),
    ("bedrock", "modelTimeoutException", SERVER),
]


def errors_of(api, told, caller):
    """The events of an error in a stream of `api`, as a caller of another or the same dialect gets them."""
    raw = bedrock_answers.exception(told, "m") if isinstance(told, str) else sse_event(told)
    operation = CALLERS[caller]
    decoder = dialect(caller).answer(operation, True, True, 200)
    if api != caller:
        decoder = answer_in(operation, api, Conversation((), (), model="m"), decoder, stream=True, status=200)
    return [event for event in decoder.feed(raw) if event.finish is Finish.ERROR]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("api", "told", "expected"), STREAMED)
def test_attack_of_a_caller_whose_bad_requests_would_trip_the_endpoint_for_everyone(api, told, expected, caller):
    events = errors_of(api, told, caller)

    assert events
    assert [expected] * len(events) == [error_of(event) for event in events]
    began = kind(*events)
    assert began is expected or (expected is None and began in OF_THE_ANSWER), "before the first word, a route may list it"
