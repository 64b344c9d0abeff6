"""Answers that call tools, kept and given again: in each API, whole and streamed, by the same words and by others, to real SDKs."""

import re

import orjson
import pytest

from e2e.asking import AGAIN, HOW, POLICY, starting
from e2e.world import anthropic_client, lines, openai_client
from support.behaviours import sse
from support.tool_calls import ARGUMENTS, answering

KEEPING = POLICY.replace("scope: tenant", "scope: tenant\n  tools: true\n  tool_calls: true")
SCHEMA = {"type": "object", "properties": {"device": {"type": "string"}}}
FUNCTION = {"name": "reset", "parameters": SCHEMA}


@pytest.fixture(name="start")
def _start(providers, tmp_path, monkeypatch):
    yield from starting(providers, tmp_path, monkeypatch)


async def calls_the_tool(call):
    answer = answering(orjson.loads(call.seen.body))
    await (sse([answer])(call) if isinstance(answer, bytes) else call.answer_json(answer))


def chat(gateway, text, *, stream):
    """What the SDK reads: the call, and the tokens of the input, all and cached."""
    client = openai_client(gateway).chat.completions
    given = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": text}],
        "tools": [{"type": "function", "function": FUNCTION}],
    }
    if stream:
        with client.stream(**given, stream_options={"include_usage": True}) as events:
            done = events.until_done().get_final_completion()
    else:
        done = client.create(**given)
    call, details = done.choices[0].message.tool_calls[0], done.usage.prompt_tokens_details
    return (call.id, call.function.name, call.function.arguments), done.usage.prompt_tokens, details and details.cached_tokens


def responses(gateway, text, *, stream):
    client = openai_client(gateway).responses
    given = {"model": "gpt-5", "input": text, "tools": [{"type": "function", "strict": False, **FUNCTION}]}
    if stream:
        with client.stream(**given) as events:
            done = events.until_done().get_final_response()
    else:
        done = client.create(**given)
    call, usage = done.output[0], done.usage
    return (call.call_id, call.name, call.arguments), usage.input_tokens, usage.input_tokens_details.cached_tokens


def messages(gateway, text, *, stream):
    client = anthropic_client(gateway).messages
    given = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": text}],
        "tools": [{"name": "reset", "input_schema": SCHEMA}],
    }
    if stream:
        with client.stream(**given) as events:
            done = events.get_final_message()
    else:
        done = client.create(**given)
    call, usage = done.content[-1], done.usage
    cached = usage.cache_read_input_tokens
    return (call.id, call.name, orjson.dumps(call.input).decode()), usage.input_tokens + (cached or 0), cached


ASKED = {"chat": (chat, "call_1"), "responses": (responses, "call_1"), "messages": (messages, "toolu_1")}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("api", ASKED)
def test_a_call_is_repeated_as_it_was_made_and_its_usage_is_marked_as_cached(start, providers, api, stream):
    asking = start(KEEPING)
    for provider in providers:
        provider.forget()
        provider.script(*[calls_the_tool] * 3)
    ask, name = ASKED[api]
    told = []
    for text in (HOW, HOW, AGAIN):
        told.append(ask(asking.gateway, text, stream=stream))
        asking.settle()

    assert [(name, "reset", ARGUMENTS)] * 3 == [call for call, _, _ in told]
    assert [9] * 3 == [total for _, total, _ in told]
    assert [9] * 2 == [cached for _, _, cached in told[1:]]
    assert told[0][2] != 9
    assert 1 == asking.sent
    tiers = [(line["outgate.cache"][-1]["tier"], line["outgate.charged.input_tokens"]) for line in lines(asking.world)]
    assert [("similar", 9), ("exact", 0), ("similar", 0)] == tiers


MINE, YOURS = "jane.roe@acme-shop.com", "john.doe@corp-mail.com"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("api", ASKED)
def test_a_call_that_names_what_was_redacted_names_the_callers_own(start, providers, api, stream):
    asking = start(KEEPING)

    async def names_it(call):
        body = orjson.loads(call.seen.body)
        name = re.search(rb"EMAIL_[a-z]{12}", call.seen.body)[0].decode()
        answer = answering(body, orjson.dumps({"device": name}).decode())
        await (sse([answer])(call) if isinstance(answer, bytes) else call.answer_json(answer))

    for provider in providers:
        provider.forget()
        provider.script(names_it)
    ask, _ = ASKED[api]
    told = []
    for mail in (MINE, YOURS):
        told.append(ask(asking.gateway, f"Reset what {mail} has.", stream=stream)[0][2])
        asking.settle()

    assert [{"device": MINE}, {"device": YOURS}] == [orjson.loads(each) for each in told]
    assert 1 == asking.sent


@pytest.mark.parametrize("setting", ["", "  tools: true"], ids=["nothing", "tools alone"])
def test_without_the_setting_no_call_is_kept(start, providers, setting):
    asking = start(POLICY.replace("scope: tenant", f"scope: tenant\n{setting}"))
    providers[0].forget()
    providers[0].script(*[calls_the_tool] * 2)
    for _ in range(2):
        chat(asking.gateway, HOW, stream=False)
        asking.settle()

    assert 2 == asking.sent
