"""Answers that echo the gateway's credential: a provider may repeat what it was sent, and the workload must not learn the key."""

import json

import pytest

from e2e.world import OPENAI_KEY, STAGES, World, http
from support import behaviours as b
from support.openai_answers import chat_completion, chat_events, streamed_text

ESCAPED = "".join(f"\\u{ord(each):04x}" for each in OPENAI_KEY)
ERROR = '{"error": {"message": "Incorrect API key provided: %s", "type": "x", "param": null, "code": "x"}}'


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("echo"), *providers)
    with world.gateway(world.policy(STAGES)) as gateway:
        yield gateway


def ask(gateway, **more):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], **more}
    with http(gateway) as client:
        return client.post("https://api.openai.com/v1/chat/completions", json=body)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("spelled", [OPENAI_KEY, ESCAPED])
def test_an_answer_that_echoes_the_credential_is_scrubbed(gateway, providers, status, spelled):
    whole = json.dumps(chat_completion("your key is KEY")).replace("KEY", spelled)
    body = whole if status == 200 else ERROR % spelled
    providers[0].script(b.answer_bytes(body.encode(), status=status))

    reply = ask(gateway)

    assert 1 == len(providers[0].seen)
    assert OPENAI_KEY not in str(reply.json()) + reply.text + str(reply.headers)


def test_a_header_field_that_echoes_the_credential_does_not_come_in(gateway, providers):
    providers[0].script(b.answer_json(chat_completion(), 200, {"x-request-id": OPENAI_KEY}))

    assert OPENAI_KEY not in str(ask(gateway).headers)


@pytest.mark.parametrize("spelled", [OPENAI_KEY, ESCAPED])
def test_a_stream_that_echoes_the_credential_is_scrubbed(gateway, providers, spelled):
    events = [*chat_events(["your key is KEY"])[:-1], b'data: {"error": {"message": "KEY", "type": "x"}}\n\n']
    providers[0].script(b.sse([each.replace(b"KEY", spelled.encode()) for each in events]))

    reply = ask(gateway, stream=True)

    assert 1 == len(providers[0].seen)
    said = [json.loads(line.removeprefix("data: ")) for line in reply.text.splitlines() if line.startswith("data: {")]
    assert "your key is ***" in str(said)
    assert OPENAI_KEY not in str(said) + reply.text


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_stream_that_spells_the_credential_in_pieces_ends(gateway, providers, size):
    pieces = [OPENAI_KEY[at : at + size] for at in range(0, len(OPENAI_KEY), size)]
    providers[0].script(b.sse(chat_events(["your key is ", *pieces])))

    reply = ask(gateway, stream=True)

    assert "repeats the gateway's own credential" in reply.text
    assert OPENAI_KEY[: len(OPENAI_KEY) // 2] not in streamed_text(reply.content)
