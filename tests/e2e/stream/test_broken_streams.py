"""F2: a broken stream never hangs and never passes for whole. A fault at every event and at the flush, in both dialects."""

import time
from copy import replace

import anthropic
import openai
import pytest

from e2e.world import World, anthropic_client, http, lines, openai_client
from support import behaviours as b
from support.waiting import until

MESSAGES = [{"role": "user", "content": "hi"}]
_IN_TIME = 10.0
"""Seconds; a stream that nobody ends would stay open until the client gives up, after 20."""


class Faulty:
    """Lets `good` events pass, holding each back until the next has come, then raises; at the flush where all have passed."""

    def __init__(self, good: int) -> None:
        self.good, self.held = good, []

    def feed(self, event):
        if not self.good:
            raise RuntimeError("canary-in-stream")
        self.good -= 1
        out, self.held = self.held, [event]
        return out

    def flush(self):
        raise RuntimeError("canary-in-flush")


def faulty(good):
    """`dispatch`, with a broken stage behind it."""

    def breaking(step):
        async def run(facts):
            status, headers, stream, source = await step.run(facts)
            return (status, headers, stream.through(Faulty(good)), source)

        return replace(step, run=run, waits=True)

    return {"dispatch": breaking}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("streams"), *providers)
    with world.inside(world.policy()) as gateway:
        gateway.world = world
        gateway.broken = faulty(2)
        for url in ("https://api.openai.com/v1/chat/completions", "https://api.anthropic.com/v1/messages"):
            with http(gateway) as client:  # certificates are minted, the tokenizer is read
                client.post(url, json={"model": "gpt-4o-mini", "max_tokens": 9, "messages": MESSAGES, "stream": True})
        yield gateway


@pytest.fixture(autouse=True)
def _mended(gateway):
    yield
    gateway.broken = {}


def ask(gateway, dialect, *, stream=True):
    """Status, text, and whether the HTTP message came to its proper end; in time."""
    began = time.monotonic()
    with http(gateway) as client:
        if dialect == "openai":
            body = {"model": "gpt-4o-mini", "messages": MESSAGES, "stream": stream}
            reply = client.post("https://api.openai.com/v1/chat/completions", json=body)
        else:
            body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": MESSAGES, "stream": stream}
            reply = client.post("https://api.anthropic.com/v1/messages", json=body)
    assert time.monotonic() - began < _IN_TIME
    return reply.status_code, reply.text


END = {"openai": "[DONE]", "anthropic": "message_stop"}
ERROR = {"openai": 'data: {"error":{', "anthropic": 'event: error\ndata: {"type":"error"'}


@pytest.mark.parametrize("good", range(11))
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_fault_at_any_event_ends_the_stream_with_the_dialects_error(gateway, providers, dialect, good):
    gateway.broken = faulty(good)
    providers[dialect == "anthropic"].script(b.provider(pace=0.02))

    status, text = ask(gateway, dialect)

    assert END[dialect] not in text
    assert "canary" not in text
    assert (status == 200) == (good > 1), "the first event is held back until the second has passed"
    if status == 200:
        assert 1 == text.count(ERROR[dialect])
        assert text.rindex("\n\n") == len(text) - 2
        assert ERROR[dialect] in text.rstrip("\n").rpartition("\n\n")[2]
    else:
        assert (503, '"stage_failed"') == (status, '"stage_failed"' if '"stage_failed"' in text else text)
    assert text.count("data: ") <= max(good, 1), "what the broken stage held back was not judged"


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_fault_in_a_whole_answer_is_an_error_answer(gateway, dialect):
    for good in (0, 1):
        gateway.broken = faulty(good)

        status, text = ask(gateway, dialect, stream=False)

        assert 503 == status
        assert '"stage_failed"' in text
        assert "Hello" not in text


@pytest.mark.parametrize("good", [0, 2, 20])
def test_the_sdks_raise(gateway, providers, good):
    gateway.broken = faulty(good)
    for provider in providers:
        provider.script(b.provider(pace=0.02))

    with pytest.raises(openai.APIError):
        list(openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True))
    with (
        pytest.raises(anthropic.APIError),
        anthropic_client(gateway).messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=MESSAGES) as stream,
    ):
        stream.get_final_message()


def test_every_one_of_them_has_its_closing_line(gateway):
    gateway.broken = faulty(2)
    before = {line["id"] for line in lines(gateway.world)}

    ask(gateway, "openai")

    assert until(lambda: len({line["id"] for line in lines(gateway.world)} - before) == 1)
    assert until(lambda: not gateway.gateway.exchanges)
