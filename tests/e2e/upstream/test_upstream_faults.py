"""U1 and F2: whatever a provider does, the caller gets an error of its own dialect in time, and never a fabricated success."""

import asyncio
import socket
import time

import anthropic
import openai
import pytest
import trustme

from e2e.world import PASSING_ALL, TOKEN, World, anthropic_client, http, lines, openai_client
from support import behaviours as b
from support.anthropic_answers import anthropic_error as anthropic_error_body
from support.raw_client import Http2, Raw, http2_request, request
from support.scripted_upstream import ScriptedUpstream
from support.talks import DIALECTS
from support.waiting import until

MESSAGES = [{"role": "user", "content": "hi"}]
TEXTS = ["Hel", "lo ", "there"]
EVENTS = {dialect: talk.events({"stream_options": {"include_usage": True}}, TEXTS, (9, 5)) for dialect, talk in DIALECTS.items()}
TIMEOUTS = "{connect: 0.5, tls: 0.5, head: 0.4, idle: 0.4, total: 3}"


@pytest.fixture(name="dead", scope="module")
def _dead():
    """A port that refuses, and one that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refusing = socket.create_server(("127.0.0.1", 0))
        port = refusing.getsockname()[1]
        refusing.close()
        yield port, silent.getsockname()[1]


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, dead, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("upstreams"), *providers)
    with (
        ScriptedUpstream("other.test", ca=providers[0].ca) as wrong_name,
        ScriptedUpstream("liar.test", ca=trustme.CA()) as wrong_ca,
    ):
        ports = {"refusing": dead[0], "mute": dead[1], "misnamed": wrong_name.port, "untrusted": wrong_ca.port}
        more = "".join(
            f"""
            {name}:
              host: {name}.test
              endpoints: [{{address: "127.0.0.1:{port}"}}]
              allow_addresses: [127.0.0.0/8]
              tls: {{ca: {world.folder / "upstream-ca.pem"}}}
              timeouts: {TIMEOUTS}
            """
            for name, port in ports.items()
        )
        policy = world.policy(
            stages=PASSING_ALL,
            providers=more
            + """
            nowhere:
              host: nowhere.invalid
            """,
            routes="- {name: all, retry: {attempts: 1}}",
        )
        text = policy.read_text().replace("credential: {env", f"timeouts: {TIMEOUTS}\n    credential: {{env")
        policy.write_text(text)
        with world.gateway(policy) as gateway:
            gateway.world = world
            yield gateway


def ask(gateway, dialect="openai", *, stream=False, host=None):
    """Status, fields and text; in time."""
    talk, began = DIALECTS[dialect], time.monotonic()
    with http(gateway) as client:
        reply = client.post(f"https://{host or talk.host}{talk.target(stream)}", json=talk.ask("hi", stream))
    assert time.monotonic() - began < 15
    return reply


@pytest.mark.parametrize(
    ("host", "code", "status", "told"),
    [
        ("refusing.test", "upstream_connect_failed", 502, "could not be connected"),
        ("mute.test", "upstream_timed_out", 504, "in time"),
        ("misnamed.test", "upstream_tls_failed", 502, "its certificate, its name"),
        ("untrusted.test", "upstream_tls_failed", 502, "its certificate, its name"),
        ("nowhere.invalid", "upstream_dns_failed", 502, "no address"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_reached_is_an_error_answer_that_says_why(gateway, host, code, status, told, stream):
    reply = ask(gateway, host=host, stream=stream)

    assert (status, code) == (reply.status_code, reply.headers["x-outgate-reason"])
    assert {"message", "type", "param", "code", "request_id"} == set(reply.json()["error"])
    assert told in reply.json()["error"]["message"]


HEADLESS = {
    **b.BROKEN_ANSWERS,
    "another protocol": (b.garbage(b"SSH-2.0-OpenSSH_9.0\r\n"), 502),
    "a control character in a field": (b.garbage(b"HTTP/1.1 200 OK\r\nx-a: b\x01c\r\ncontent-length: 2\r\n\r\n{}"), 502),
}


@pytest.mark.parametrize("name", HEADLESS)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_faulty_answer_is_an_error_answer(gateway, providers, name, dialect, stream):
    behaviour, status = HEADLESS[name]
    provider = DIALECTS[dialect].provider(providers)
    provider.script(behaviour)

    reply = ask(gateway, dialect, stream=stream)

    provider.forget()
    assert status == reply.status_code
    assert "canary" not in reply.text
    error = reply.json()["error"]
    assert error["message"]
    kind = error["status"] if dialect == "gemini" else error["type"]
    assert kind in ("server_error", "api_error", "timeout_error", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL")


MIDSTREAM = {
    "a reset": lambda events: b.reset("body", events),
    "a clean end": b.truncated,
    "a half close": b.half_close,
    "silence": b.stalled,
    "no JSON": lambda events: b.sse([*events, b"data: {nonsense\n\n"]),
    "a page": lambda events: b.sse([*events, b"<html>\n\n"]),
}


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("name", MIDSTREAM)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_that_breaks_off_ends_with_the_dialects_error(gateway, providers, dialect, name, count):
    DIALECTS[dialect].provider(providers).script(MIDSTREAM[name](EVENTS[dialect][:-1][:count]))

    reply = ask(gateway, dialect, stream=True)

    assert DIALECTS[dialect].end not in reply.text
    if reply.status_code == 502:
        assert name in ("no JSON", "a page"), "what came in one piece with the fault may be refused with it"
        return
    assert 200 == reply.status_code
    events = [event.lstrip("\n") for event in reply.text.rstrip("\n").split("\n\n")]  # blank lines are signs of life
    *_, before, last = ("", *events)
    assert last.startswith(DIALECTS[dialect].error) or before.startswith(DIALECTS[dialect].error), reply.text


@pytest.mark.parametrize("name", MIDSTREAM)
def test_the_sdks_raise_on_a_broken_stream(gateway, providers, name):
    for provider, dialect in zip(providers[:2], ("openai", "anthropic"), strict=True):
        provider.script(MIDSTREAM[name](EVENTS[dialect][:3]))

    with pytest.raises(openai.APIError):
        list(openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True))
    with (
        pytest.raises(anthropic.APIError),
        anthropic_client(gateway).messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=MESSAGES) as stream,
    ):
        stream.get_final_message()


@pytest.mark.parametrize(
    ("status", "openai_error", "anthropic_error"),
    [
        (429, openai.RateLimitError, anthropic.RateLimitError),
        (500, openai.InternalServerError, anthropic.InternalServerError),
        (503, openai.InternalServerError, anthropic.InternalServerError),
        (400, openai.BadRequestError, anthropic.BadRequestError),
        (404, openai.NotFoundError, anthropic.NotFoundError),
    ],
)
def test_the_providers_own_errors_pass_with_retry_after(gateway, providers, status, openai_error, anthropic_error):
    providers[0].script(b.refuse(status, "7"))
    providers[1].script(b.refuse(status, "7", anthropic_error_body("api_error", "scripted refusal")))

    with pytest.raises(openai_error) as of_openai:
        openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
    with pytest.raises(anthropic_error) as of_anthropic:
        anthropic_client(gateway).messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=MESSAGES)

    assert ["7", "7"] == [raised.value.response.headers["retry-after"] for raised in (of_openai, of_anthropic)]
    assert ["scripted refusal"] * 2 == [
        raised.value.body["error"]["message"] if "error" in raised.value.body else raised.value.body["message"]
        for raised in (of_openai, of_anthropic)
    ]


def test_an_error_page_of_a_load_balancer_keeps_its_status_and_retry_after(gateway, providers):
    async def page(call):
        await call.answer(429, b"<html>slow down</html>", [("content-type", "text/html"), ("retry-after", "7")])

    providers[0].script(page)

    reply = ask(gateway)

    assert (429, "7") == (reply.status_code, reply.headers["retry-after"])
    assert "rate_limit_error" == reply.json()["error"]["type"]
    assert "slow down" in reply.json()["error"]["message"]


def test_a_slow_answer_that_keeps_coming_is_an_answer(gateway, providers):
    body = b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[]}'
    providers[0].script(b.trickle(body, 0.002))

    assert 200 == ask(gateway).status_code


def test_an_answer_that_takes_longer_than_all_of_it_may_is_cut(gateway, providers):
    providers[0].script(b.endless(EVENTS["openai"][1], 0.05))

    reply = ask(gateway, stream=True)

    assert '"error"' in reply.text.rstrip("\n").rpartition("\n\n")[2]
    assert until(lambda: providers[0].seen[0].aborted is not None)


@pytest.mark.parametrize("protocol", ["http1", "http2"])
def test_a_client_that_leaves_ends_the_upstream_call_within_a_second(gateway, providers, protocol):
    providers[0].script(b.endless(EVENTS["openai"][1], 0.01))
    body = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}'

    async def leave():
        async with Raw.to(gateway) as raw:
            await raw.connect("api.openai.com:443", TOKEN)
            await raw.tls("api.openai.com", ["h2" if protocol == "http2" else "http/1.1"])
            if protocol == "http2":
                link = await Http2(raw).start()
                stream = await link.begin(http2_request("/v1/chat/completions", "api.openai.com"), body)
                while not link.heard(stream):
                    await link.read()
                link.link.reset_stream(stream, 8)
                await link.flush()
                left = time.monotonic()
                await asyncio.to_thread(until, lambda: providers[0].seen[0].aborted is not None)
                return left  # the connection itself stayed up all the time
            await raw.send(request("POST", "/v1/chat/completions", host="api.openai.com", body=body))
            await raw.reader.read(100)
        return time.monotonic()

    left = asyncio.run(leave())

    assert until(lambda: providers[0].seen[0].aborted is not None)
    assert providers[0].seen[0].aborted - left < 2.5, "sooner than any limit of the call"
    assert until(lambda: "client_gone" in [line["outcome"] for line in lines(gateway.world)])


def test_a_provider_that_offers_the_next_request_an_old_answer_is_not_believed(gateway, providers):
    """Bytes after a whole answer, before anything was asked: the connection is not used again."""
    providers[0].script(b.garbage(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"))

    ask(gateway)
    assert 200 == ask(gateway).status_code
    assert len({seen.connection for seen in providers[0].seen}) == 2


def test_every_one_of_them_is_one_line(gateway, providers):
    ask(gateway)

    ids = [line["id"] for line in lines(gateway.world)]
    assert len(ids) == len(set(ids))
    assert [fault for provider in providers for fault in provider.faults] == []
