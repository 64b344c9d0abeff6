"""U1 for providers that no client speaks to as such: Bedrock, Azure, Vertex AI. Whatever they do, callers get their own API's error
within the deadline and a second, and never a fabricated success.
"""

import asyncio
import ssl
import time
from itertools import product

import httpx
import pytest

from e2e.world import PASSING_ALL, TOKEN, World
from support import bedrock_answers as bedrock
from support import behaviours as b
from support import gemini_answers as gemini
from support.bedrock_answers import MODEL
from support.scripted_upstream import ScriptedUpstream
from support.speed import slowness
from support.talks import DIALECTS, PROVIDERS

HEAD = 0.4
CLOUD = """
{name}:
  host: {name}.test
  {settings}
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}, sni: cloud.test}}
  timeouts: {{connect: 2, tls: 2, head: 0.4, idle: 0.4, total: 3}}
  credential: {{env: E2E_OPENAI_KEY}}
  replicas: {{health: {{failures: 1000, failure_share: 1}}}}
"""
CLOUDS = {
    "bedrock": ("dialect: bedrock", "bedrock"),
    "azure": ('azure_api_version: "2024-10-21"', "openai"),
    "vertex": ("dialect: gemini\n  vertex: {project: acme-1, location: us-central1}", "gemini"),
    "vertex-claude": ("dialect: anthropic\n  vertex: {project: acme-1, location: us-central1}", "anthropic"),
}
"""Settings of a provider, and the dialect in which it answers."""
STAGES = PASSING_ALL.replace(
    "model_map: {passthrough: true}",
    "model_map:\n  models:\n" + "".join(f'    on-{name}: [{{provider: {name}, model: "{MODEL}"}}]\n' for name in CLOUDS),
)
EVENTS = {
    name: PROVIDERS[speaks].events({"stream_options": {"include_usage": True}}, ["Hel", "lo ", "there"], (9, 5))
    for name, (_, speaks) in CLOUDS.items()
}


def _told(kind):
    """An error as any of these clouds may tell it."""
    return {"message": "busy", "error": {"message": "busy", "type": kind}}


HEADLESS = {
    **b.BROKEN_ANSWERS,
    "too many requests": (b.refuse(429, "7", _told("rate_limit_error")), 429),
    "an error": (b.refuse(500, None, _told("api_error")), 500),
    "an overload": (b.refuse(503, "7", _told("api_error")), 503),
}
"""Behaviours, and the status that callers get."""
MIDSTREAM = {
    "a reset": lambda events: b.reset("body", events),
    "a clean end": b.truncated,
    "a half close": b.half_close,
    "silence": b.stalled,
    "no event": lambda events: b.sse([*events, b"data: {nonsense\n\n"]),
    "a page": lambda events: b.sse([*events, b"<html>\n\n"]),
}
_SPOILT = EVENTS["bedrock"][2][:-5] + b"spoil"
FRAMES = {
    "a wrong checksum": [_SPOILT],
    "a frame that is cut short": [EVENTS["bedrock"][2][:-7]],
    "a frame of all memory": [b"\x7f\xff\xff\xff" + EVENTS["bedrock"][2][4:]],
    "throttling": [bedrock.exception("throttlingException", "slow down")],
    "an error of the model": [bedrock.exception("modelStreamErrorException", "it broke")],
    "an exception without a name": [bedrock.frame(b"{}", message_type="exception")],
    "an error of the service": [bedrock.frame(b"", message_type="error", error_code="500", error_message="broken")],
}
"""What only an event stream of Bedrock may do."""
ERRORS = {"server_error", "api_error", "timeout_error", "rate_limit_error", "overloaded_error", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
ERRORS |= {"INTERNAL", "RESOURCE_EXHAUSTED"}


@pytest.fixture(name="cloud", scope="module")
def _cloud(providers):
    with ScriptedUpstream("cloud.test", ca=providers[0].ca) as cloud:
        yield cloud


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, cloud, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("clouds"), *providers)
    own = {"port": cloud.port, "ca": world.folder / "upstream-ca.pem"}
    more = "".join(CLOUD.format(name=name, settings=settings, **own) for name, (settings, _) in CLOUDS.items())
    with world.inside(world.policy(STAGES, "- {name: all, retry: {attempts: 1}}", providers=more)) as gateway:
        yield gateway


@pytest.fixture(name="trusted", scope="module")
def _trusted(gateway):
    return ssl.create_default_context(cafile=str(gateway.ca))


@pytest.fixture(name="ask")
def _ask(gateway, cloud, trusted):
    """Asks a cloud that behaves so in every dialect at once: (dialect, stream, answer, seconds) of each."""
    options = {"proxy": gateway.proxy_url("app", TOKEN), "verify": trusted, "timeout": 60, "trust_env": False}

    async def one(client, name, dialect, stream):
        talk, began = DIALECTS[dialect], time.monotonic()
        to, model = talk.to(stream).replace(gemini.MODEL, f"on-{name}"), f"on-{name}"
        reply = await client.post(to, json={**talk.ask("hi", stream), **({} if dialect == "gemini" else {"model": model})})
        return dialect, stream, reply, time.monotonic() - began

    async def every(name, streams):
        async with httpx.AsyncClient(**options) as client:
            return await asyncio.gather(*(one(client, name, *each) for each in product(DIALECTS, streams)))

    def ask(behaviour, name, streams=(False, True)):
        cloud.otherwise = behaviour
        return asyncio.run(every(name, streams))

    before = cloud.otherwise
    yield ask
    cloud.otherwise = before
    cloud.forget()


def kind_of(reply, dialect):
    error = reply.json()["error"]
    assert error["message"]
    return error["status"] if dialect == "gemini" else error["type"]


def ends_badly(reply, dialect):
    """Whether it is an error of the dialect, in place of an answer or behind what has come of one."""
    if reply.status_code != 200:
        return reply.status_code >= 429 and kind_of(reply, dialect) in ERRORS
    talk = DIALECTS[dialect]
    events = [event.lstrip("\n") for event in reply.text.rstrip("\n").split("\n\n")]
    return any(event.startswith(talk.error) for event in events[-2:]) and talk.end not in reply.text


def in_time(ask, behaviour, name, bound, **more):
    """The answers, which came within the bound in one of three rounds."""
    for _ in range(3):
        told = ask(behaviour, name, **more)
        slowest = max(seconds for *_, seconds in told)
        if slowest < bound or slowest < bound * slowness():
            return [each[:3] for each in told]
    raise AssertionError(f"later than {bound} s: {[each[3] for each in told]}")


@pytest.mark.parametrize("fault", HEADLESS)
@pytest.mark.parametrize("name", CLOUDS)
def test_a_faulty_answer_of_a_cloud_is_the_callers_error_in_time(ask, fault, name):
    behaviour, status = HEADLESS[fault]

    for dialect, stream, reply in in_time(ask, behaviour, name, HEAD + 1):
        assert (status, True) == (reply.status_code, kind_of(reply, dialect) in ERRORS), (dialect, stream, reply.text)
        assert "canary" not in reply.text
        assert ("7" if status in (429, 503) else None) == reply.headers.get("retry-after")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("fault", MIDSTREAM)
@pytest.mark.parametrize("name", CLOUDS)
def test_a_stream_of_a_cloud_that_breaks_off_ends_in_the_callers_error(ask, fault, name, count):
    for dialect, _, reply in in_time(ask, MIDSTREAM[fault](EVENTS[name][:count]), name, 2 * HEAD + 1, streams=(True,)):
        assert ends_badly(reply, dialect), (dialect, reply.status_code, reply.text)


@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize("fault", FRAMES)
def test_a_faulty_frame_of_bedrock_ends_in_the_callers_error(ask, fault, count):
    behaviour = b.sse([*EVENTS["bedrock"][:count], *FRAMES[fault]])

    for dialect, _, reply in in_time(ask, behaviour, "bedrock", 2 * HEAD + 1, streams=(True,)):
        assert ends_badly(reply, dialect), (dialect, reply.status_code, reply.text)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CLOUDS)
def test_a_stream_that_never_ends_is_cut(ask, name):
    for dialect, _, reply in in_time(ask, b.endless(EVENTS[name][-3], 0.05), name, 3 + 1, streams=(True,)):
        assert ends_badly(reply, dialect), (dialect, reply.status_code, reply.text[-300:])
