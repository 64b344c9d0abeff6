"""Answers have the form that was asked for, whatever their server sends, and an error under a status of success is one."""

import itertools

import orjson
import pytest

from outgate.dialects import registry
from outgate.dialects.answer_forms import Redirected, answer_as, answer_in
from outgate.dialects.events import ErrorEvent
from outgate.dialects.registry import SPECS, conversations
from outgate.errors import WireError
from outgate.inference.conversation import Conversation
from support.bedrock_answers import MODEL as BEDROCK
from support.talks import DIALECTS, PROVIDERS

ASKED = Conversation((), (), model="m")
APIS = [spec.name for spec in SPECS if spec.converter is not None]
PAIRS = list(itertools.product(conversations(), APIS))
every_pair = pytest.mark.parametrize(("client", "api"), PAIRS)
either_way = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
SAYING = [
    {"error": {"message": "busy today", "type": "server_error", "code": 503}},
    {"error": "busy today"},
    {"detail": "busy today"},
    {"detail": [{"loc": ["body", "model"], "msg": "busy today"}]},
    {"message": "busy today"},
    {"object": "error", "message": "busy today", "code": 40303},
    {"type": "error", "error": {"type": "overloaded_error", "message": "busy today"}},
    {"errors": ["busy today"]},
]


def operation_of(client, stream):
    url = DIALECTS[client].to(stream)
    return registry.request_line("POST", "/" + url.split("/", 3)[3]).operation


def decoder_of(client, api, *, stream, described=None):
    """A decoder for an answer in `api`, in the form that `stream` asks for."""
    operation = operation_of(client, stream)
    own = registry.dialect(client).answer(operation, stream, True)
    if client == api:
        return answer_as(operation, own, stream=stream, described=described)
    return answer_in(operation, api, ASKED, own, stream=stream, described=described)


def read(decoder, raw, size=0):
    chunks = [raw[at : at + size] for at in range(0, len(raw), size)] if size else [raw]
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.end()


def whole(api, text="hello there"):
    return orjson.dumps(PROVIDERS[api].whole({"model": BEDROCK}, text, (9, 5)))


def streamed(api, words=("hel", "lo there")):
    return b"".join(PROVIDERS[api].events({"stream_options": {"include_usage": True}}, list(words), (9, 5)))


def encoded(events):
    return b"".join(event.encode() for event in events if not event.hidden)


def heard(client, raw, stream):
    talk = DIALECTS[client]
    return talk.heard(raw) if stream else talk.said(orjson.loads(raw))


@every_pair
@either_way
@pytest.mark.parametrize("comes_streamed", [False, True], ids=["comes whole", "comes streamed"])
@pytest.mark.parametrize("described", [False, True])
@pytest.mark.parametrize("size", [0, 1, 7])
def test_either_form_becomes_the_one_that_was_asked_for(client, api, stream, comes_streamed, described, size):
    raw = streamed(api) if comes_streamed else whole(api)
    events = read(decoder_of(client, api, stream=stream, described=described), raw, size)

    assert "hello there" == heard(client, encoded(events), stream)
    assert events[-1].last
    assert not stream or DIALECTS[client].end in encoded(events).decode()
    assert any(event.usage is not None and event.usage.output_tokens == 5 for event in events)


@every_pair
@either_way
@pytest.mark.parametrize("tree", SAYING, ids=range(len(SAYING)))
def test_an_error_under_a_status_of_success_is_one_in_the_words_of_its_server(client, api, stream, tree):
    [*_, event] = read(decoder_of(client, api, stream=stream), orjson.dumps(tree))

    assert isinstance(event, ErrorEvent)
    assert 400 <= event.status < 600
    error = orjson.loads(event.encode())["error"]
    assert "busy today" in (error if isinstance(error, str) else error["message"])


@every_pair
def test_an_error_in_a_stream_is_the_error_of_a_whole_answer(client, api):
    if api == "bedrock":
        return
    raw = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy today"}}\n\n'
    [event] = read(decoder_of(client, api, stream=False), raw)

    assert isinstance(event, ErrorEvent)
    assert "busy today" in orjson.loads(event.encode())["error"]["message"]


@every_pair
@either_way
@pytest.mark.parametrize(
    "raw", [b"", b"[1]", b"[]", b'{"id":"x",', b"<html>busy</html>", b"busy", b"data: ", b"null", b"7", b'"x"']
)
def test_attack_of_garbage_that_passes_for_an_answer(client, api, stream, raw):
    with pytest.raises(WireError):
        read(decoder_of(client, api, stream=stream, described=False), raw)


@every_pair
@either_way
def test_half_of_a_stream_is_no_answer(client, api, stream):
    events = PROVIDERS[api].events({}, ["hel", "lo"], (9, 5))
    with pytest.raises(WireError, match=r"before its answer was complete|inside a frame"):
        read(decoder_of(client, api, stream=stream), b"".join(events[:-2])[:-3])


@pytest.mark.parametrize("client", conversations())
def test_an_array_of_events_is_a_stream(client):
    """Google's form of a stream for those who do not ask for events."""
    raw = streamed("gemini")
    trees = [orjson.loads(line.removeprefix(b"data: ")) for line in raw.split(b"\n\n") if line]

    assert "hello there" == heard(client, encoded(read(decoder_of(client, "gemini", stream=True), orjson.dumps(trees))), True)


@every_pair
@either_way
def test_an_answer_that_ended_with_an_error_is_no_success(client, api, stream):
    if client == "openai" or api != "openai":
        return
    raw = (streamed(api) if stream else whole(api)).replace(b'"stop"', b'"error"')
    told = encoded(read(decoder_of(client, api, stream=stream), raw))

    assert b'"error"' in told
    assert not stream or DIALECTS[client].end not in told.decode()


@pytest.mark.parametrize("client", conversations())
def test_the_callers_own_dialect_passes_as_it_came(client):
    """Members that nobody knows, and spaces."""
    for stream, raw in ((True, streamed(client)), (False, whole(client))):
        novel = raw.replace(b"{", b'{"novel":7,', 1)
        assert b'"novel":7' in encoded(read(decoder_of(client, client, stream=stream), novel))


@pytest.mark.parametrize("client", conversations())
@either_way
def test_a_redirect_is_an_error_with_the_words_of_its_page(client, stream):
    page = b"<html><head><title>302</title></head><body>Found <a href='https://x.test/?key=1'>here</a></body></html>"
    [event] = read(Redirected(operation_of(client, stream), 302), page)

    assert (True, 502) == (isinstance(event, ErrorEvent), event.status)
    message = orjson.loads(event.encode())["error"]["message"]
    assert "redirect (302)" in message
    assert "Found here" in message
    assert "x.test" not in message
