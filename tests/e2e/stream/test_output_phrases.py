"""Answers cut by policy: errors of the SDKs, what leaves, the charge and the closing line."""

import anthropic
import openai
import pytest

from e2e.world import STAGES, World, anthropic_client, http, lines, openai_client
from support import behaviours as b
from support.waiting import until

MESSAGES = [{"role": "user", "content": "hi"}]
POLICY = (
    STAGES
    + """
output_phrases:
  phrases: [the provider]
"""
)
"""The scripted providers say: Hello from the provider."""


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("phrases"), *providers)
    with world.gateway(world.policy(POLICY)) as gateway:
        gateway.world = world
        yield gateway


def openai_said(gateway, *, stream):
    chat = openai_client(gateway).chat.completions
    if not stream:
        return chat.create(model="gpt-4o-mini", messages=MESSAGES).choices[0].message.content
    return [chunk.choices[0].delta.content or "" for chunk in chat.create(model="gpt-4o-mini", messages=MESSAGES, stream=True)]


def anthropic_said(gateway, *, stream):
    messages = anthropic_client(gateway).messages
    if not stream:
        return messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=MESSAGES).content[0].text
    with messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=MESSAGES) as events:
        return events.get_final_text()


ASK = {"openai": (openai_said, openai), "anthropic": (anthropic_said, anthropic)}
REFUSED = {"openai": openai.PermissionDeniedError, "anthropic": anthropic.BadRequestError}


@pytest.mark.parametrize("name", ASK)
def test_a_whole_answer_is_refused_with_a_status_that_the_sdk_knows(gateway, name):
    ask, _ = ASK[name]

    with pytest.raises(REFUSED[name]) as raised:
        ask(gateway, stream=False)
    assert "answer_refused" in raised.value.response.text
    assert "the provider" not in raised.value.response.text


@pytest.mark.parametrize("name", ASK)
def test_a_stream_that_is_cut_raises_in_the_sdk(gateway, providers, name):
    ask, sdk = ASK[name]
    providers[name == "anthropic"].script(b.provider(pace=0.02))

    with pytest.raises(sdk.APIError, match="refused by policy"):
        ask(gateway, stream=True)


@pytest.mark.parametrize(("name", "stream"), [(name, stream) for name in ASK for stream in (False, True)])
def test_the_closing_line_tells_who_cut_the_answer_and_charges_what_came(gateway, providers, name, stream):
    before = {line["id"] for line in lines(gateway.world)}
    providers[name == "anthropic"].script(b.provider(pace=0.02))
    url, model = {
        "openai": ("https://api.openai.com/v1/chat/completions", "gpt-4o-mini"),
        "anthropic": ("https://api.anthropic.com/v1/messages", "claude-sonnet-4-5"),
    }[name]
    with http(gateway) as client:
        reply = client.post(url, json={"model": model, "max_tokens": 9, "messages": MESSAGES, "stream": stream})
    assert "the provider" not in reply.text
    assert stream == reply.text.startswith(("data: ", "event: "))
    assert until(lambda: len({line["id"] for line in lines(gateway.world)} - before) == 1)
    (line,) = [line for line in lines(gateway.world) if line["id"] not in before]

    told = line.get("audit", line)
    assert ("denied", "answer_refused", "output_phrases") == (
        told["outcome"],
        told["outgate.denial.code"],
        told["outgate.denial.stage"],
    )
    assert ["output_phrases", "denied"] in [[stage, verdict] for stage, _, verdict, *_ in told["outgate.stages"]]
    assert told["gen_ai.usage.output_tokens"] > 0
    assert stream == told["outgate.usage.estimated"]
    verdict = told["outgate.verdicts"]["out.output_phrases"]
    assert ("denied", "phrase_1") == (verdict["action"], verdict["matches"][0]["rule"])
    assert "the provider" not in str(line)
