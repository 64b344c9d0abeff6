"""Answers pass as they are, through the whole gateway: heads and signs of life at once, odd events, errors in any shape."""

import threading

import openai
import orjson
import pytest

from e2e.world import STAGES, World, http, lines, openai_client
from support import behaviours as b
from support.sse import event
from support.talks import DIALECTS
from support.waiting import until

POLICY = STAGES + "admit_parts: {}\nredact: {}\n"
MAIL = "maria.canary@mail.test"
MESSAGES = [{"role": "user", "content": "hi"}]
TOKENS = (9, 5)
every_dialect = pytest.mark.parametrize("talk", DIALECTS.values(), ids=DIALECTS)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("pass"), *providers)
    with world.inside(world.policy(POLICY)) as gateway:
        yield gateway


@pytest.fixture(name="line")
def _line(gateway):
    """The closing line of the one exchange of a test."""
    before = {line["id"] for line in lines(gateway.world)}

    def fresh():
        return [line for line in lines(gateway.world) if line["id"] not in before]

    def line():
        assert until(lambda: len(fresh()) == 1)
        return fresh()[0]

    return line


def alive(condition, events, sign=b""):
    """The head, then this sign of life now and then until `condition` holds, then the events."""

    async def behave(call):
        await call.head(200, [b.SSE, b.CHUNKED])
        while not condition():
            await call.pause(0.02)
            if sign:
                await call.chunk(sign)
        await call.chunk(b"".join(events))
        await call.chunk(b"")

    return behave


@every_dialect
@pytest.mark.parametrize("sign", [b": keepalive\n\n", b": one line\n", b"data: : keepalive\n\n", b"\n\n"])
def test_the_head_and_signs_of_life_come_before_the_first_event(gateway, providers, talk, sign):
    seen = threading.Event()
    talk.provider(providers).script(alive(seen.is_set, talk.events({}, ["hello"], TOKENS), sign))
    with http(gateway) as client, client.stream("POST", talk.to(True), json=talk.ask("hi", True)) as reply:
        pieces = reply.iter_raw()
        first = next(pieces)
        seen.set()
        rest = b"".join(pieces)

    assert (200, talk.life) == (reply.status_code, first[: len(talk.life)])
    assert ("hello", True) == (talk.heard(rest), talk.end in rest.decode())


@every_dialect
def test_the_head_comes_though_nothing_follows_it(gateway, providers, talk):
    seen = threading.Event()
    talk.provider(providers).script(alive(seen.is_set, talk.events({}, ["hello"], TOKENS)))
    with http(gateway) as client, client.stream("POST", talk.to(True), json=talk.ask("hi", True)) as reply:
        assert 200 == reply.status_code
        seen.set()
        assert "hello" == talk.heard(reply.read())


@every_dialect
def test_an_unreadable_keep_alive_is_dropped_and_counted(gateway, providers, talk, line):
    events = talk.events({}, ["hel", "lo"], TOKENS)
    talk.provider(providers).script(b.sse([events[0], b"data: : keepalive\n\n", *events[1:]], pace=0.01))
    with http(gateway) as client:
        reply = client.post(talk.to(True), json=talk.ask("hi", True))

    assert ("hello", True) == (talk.heard(reply.content), talk.end in reply.text)
    assert ("answered", {"bad_json": 1}) == (line()["outcome"], line()["outgate.attempts"][0]["events.dropped"])


async def without_reasons(call):
    """The question again, a character a chunk: their reasons are empty and their choices have no index."""
    asked = DIALECTS["openai"].asked(orjson.loads(call.seen.body))
    chunks = [{"choices": [{"delta": {"content": each}, "finish_reason": ""}]} for each in asked]
    last = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    await b.sse([*map(event, chunks), event(last), b"data: [DONE]\n\n"])(call)


def test_a_placeholder_split_over_chunks_with_empty_reasons_is_restored(gateway, providers):
    talk = DIALECTS["openai"]
    talk.provider(providers).script(without_reasons)
    with http(gateway) as client:
        reply = client.post(talk.to(True), json=talk.ask(f"Write to {MAIL} now", True))

    assert f"Write to {MAIL} now" == talk.heard(reply.content)


ERRORS = [
    (422, b'{"detail":[{"loc":["body","model"],"msg":"field required"}]}', "application/json", "body.model: field required"),
    (400, b'{"object":"error","message":"max context length is 4096 tokens","code":400}', "application/json", "max context length"),
    (524, b"<html><body>A timeout occurred</body></html>", "text/html", "A timeout occurred"),
    (503, b"no healthy upstream", "text/plain", "no healthy upstream"),
    (429, b'data: {"message":"slow down"}\n\n', "text/event-stream", "slow down"),
]


@every_dialect
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "body", "kind", "text"), ERRORS)
def test_an_error_of_any_shape_keeps_its_status_and_its_text(gateway, providers, talk, stream, status, body, kind, text):
    talk.provider(providers).script(*[b.answer_bytes(body, kind, status)] * 3)
    with http(gateway) as client:
        reply = client.post(talk.to(stream), json=talk.ask("hi", stream))

    assert (status, "application/json") == (reply.status_code, reply.headers["content-type"])
    assert text in reply.json()["error"]["message"]


def test_the_sdk_raises_its_typed_error_with_the_providers_text(gateway, providers):
    providers[0].script(b.answer_bytes(ERRORS[0][1], status=422))

    with pytest.raises(openai.UnprocessableEntityError, match="field required"):
        openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)


@pytest.mark.parametrize(
    ("body", "what"), [(b"<html>", "bad_json"), (b"[]", "not_an_object"), (b"", "truncated"), (b'{"choices":[', "bad_json")]
)
def test_the_closing_line_says_what_was_malformed(gateway, providers, line, body, what):
    talk = DIALECTS["openai"]
    providers[0].script(b.answer_bytes(body))
    with http(gateway) as client:
        reply = client.post(talk.url, json=talk.ask("hi", False))

    assert 502 == reply.status_code
    assert line()["outgate.attempts"][0]["fault"].startswith(f"{what}: ")


@pytest.mark.parametrize("kind", ["Text/Event-Stream", "text/plain; charset=utf-8", "application/octet-stream"])
def test_a_stream_whose_server_does_not_call_it_one_is_one(gateway, providers, kind):
    talk = DIALECTS["openai"]
    providers[0].script(b.answer_bytes(b"".join(talk.events({}, ["hello"], TOKENS)), kind))
    with http(gateway) as client:
        reply = client.post(talk.to(True), json=talk.ask("hi", True))

    assert ("hello", "text/event-stream") == (talk.heard(reply.content), reply.headers["content-type"].lower()[:17])
