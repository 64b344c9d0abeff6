"""Conversations between dialects through the real gateway: every client at every provider, streamed and not."""

import orjson
import pytest

from e2e.translating import either_way, every_pair, line_of, post, providers_by_api, said, translating
from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, anthropic_client, http
from outgate.metering.metrics import render
from support import anthropic_answers as anthropic
from support import behaviours as b
from support.sse import TEXT
from support.talks import DIALECTS, PROVIDERS
from support.tool_calls import ARGUMENTS
from support.translations import CARRIED, FEATURES, arguments_of, calling, refusing
from support.waiting import until

ADMITTED = "admit_parts: {allow_unjudged: [image, remote_url], allow_server_state: [fileData]}\n"
NOT_CARRIED = {("bedrock", "image by URL")}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    with translating(tmp_path_factory.mktemp("translation"), providers, ADMITTED) as gateway:
        yield gateway


@pytest.fixture(name="at")
def _at(providers):
    return providers_by_api(providers)


def ask(gateway, client, model, *, stream=False, feature="text"):
    return post(gateway, client, model, FEATURES[client][feature], stream=stream)


@every_pair
@either_way
def test_text_comes_back_in_the_clients_dialect(gateway, at, client, api, stream):
    reply = ask(gateway, client, f"to-{api}", stream=stream)

    [seen] = at[api].seen
    assert (200, TEXT) == (reply.status_code, said(client, reply, stream=stream))
    assert PROVIDERS[api].target(stream) == seen.target
    line = line_of(gateway, reply)
    assert (9, 5) == (line["gen_ai.usage.input_tokens"], line["gen_ai.usage.output_tokens"])
    assert (client, api) == (line["outgate.translation"]["source"], line["outgate.translation"]["target"])


@every_pair
@either_way
def test_a_tool_call_comes_back_with_its_arguments(gateway, at, client, api, stream):
    answer = calling(api, stream=stream)
    at[api].script(b.sse([answer]) if stream else b.answer_json(answer))
    reply = ask(gateway, client, f"to-{api}", stream=stream, feature="tools")

    assert 200 == reply.status_code, reply.text
    assert "reset" in reply.text
    assert orjson.loads(ARGUMENTS) == arguments_of(client, reply.content, stream=stream)
    assert DIALECTS[client].end in reply.text or not stream


@every_pair
@pytest.mark.parametrize("feature", sorted(CARRIED))
def test_what_a_request_holds_reaches_the_provider(gateway, at, client, api, feature):
    reply = ask(gateway, client, f"to-{api}", feature=feature)
    if (api, feature) in NOT_CARRIED:
        assert (400, []) == (reply.status_code, at[api].seen)
        return

    assert 200 == reply.status_code, reply.text
    assert CARRIED[feature] in at[api].seen[0].body.decode()


@either_way
def test_what_an_answer_loses_is_counted_and_told(gateway, at, stream):
    thought = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    whole = anthropic.message(TEXT) | {"content": [thought, *anthropic.message(TEXT)["content"]]}
    events = [
        anthropic.message_start(),
        anthropic.block_start(0, **thought),
        anthropic.block_stop(0),
        anthropic.block_start(1, type="text", text=""),
    ]
    events += [anthropic.text_delta(TEXT, 1), anthropic.block_stop(1), anthropic.message_delta(), anthropic.STOP]
    at["anthropic"].script(b.sse([anthropic.message_stream(*events)]) if stream else b.answer_json(whole))
    counted = 'outgate_translation_losses_total{from="anthropic",to="openai",what="signatures"} '
    before = _number(gateway, counted)
    reply = ask(gateway, "openai", "to-anthropic", stream=stream)

    assert (200, TEXT) == (reply.status_code, said("openai", reply, stream=stream))
    told = {"source": "openai", "target": "anthropic", "lost": [], "answer_lost": ["signatures"]}
    assert told == line_of(gateway, reply)["outgate.translation"]
    assert until(lambda: _number(gateway, counted) == before + 1)


def _number(gateway, series):
    told = render(gateway.world.folder / "state" / "metrics").decode().splitlines()
    return next((float(line.removeprefix(series)) for line in told if line.startswith(series)), 0)


@every_pair
@either_way
def test_an_error_is_told_in_the_clients_dialect(gateway, at, client, api, stream):
    at[api].script(b.answer_json(refusing(api), 429))
    reply = ask(gateway, client, f"to-{api}", stream=stream)

    assert (429, "scripted refusal") == (reply.status_code, reply.json()["error"]["message"])


@every_pair
def test_a_loss_that_no_policy_accepts_is_refused(gateway, at, client, api):
    reply = ask(gateway, client, f"to-{api}", feature="unknown member")

    assert (400, "translation_loss") == (reply.status_code, reply.headers["x-outgate-reason"])
    assert [] == at[api].seen


@every_pair
def test_a_broken_stream_is_not_taken_for_whole(gateway, at, client, api):
    talk = PROVIDERS[api]
    at[api].script(b.truncated(talk.events({"stream": True}, [TEXT], (9, 5))[:3]))
    try:
        heard = ask(gateway, client, f"to-{api}", stream=True).text
    except OSError:
        heard = ""

    assert DIALECTS[client].end not in heard


@either_way
def test_fallback_to_a_provider_of_another_dialect(gateway, at, stream):
    at["openai"].script(b.refuse(500))
    reply = ask(gateway, "openai", "either", stream=stream)

    assert (200, TEXT) == (reply.status_code, said("openai", reply, stream=stream))
    assert [1, 1] == [len(at[name].seen) for name in ("openai", "anthropic")]
    assert ["openai", "anthropic"] == [each["backend"] for each in line_of(gateway, reply)["outgate.attempts"]]


@either_way
def test_fallback_to_the_callers_own_dialect_translates_nothing(gateway, at, stream):
    at["anthropic"].script(b.refuse(500))
    reply = ask(gateway, "openai", "back", stream=stream)

    assert (200, TEXT) == (reply.status_code, said("openai", reply, stream=stream))
    assert "outgate.translation" not in line_of(gateway, reply)


def test_attack_of_fields_of_one_api_at_another(gateway, at):
    talk = DIALECTS["anthropic"]
    fields = {"anthropic-version": "2023-06-01", "anthropic-beta": "x-2025-01-01", "x-api-key": "sk-ant-own"}
    with http(gateway) as session:
        session.post(talk.url, json={**FEATURES["anthropic"]["text"], "model": "to-openai"}, headers=fields)
    ask(gateway, "openai", "to-anthropic")

    [chat], [message] = at["openai"].seen, at["anthropic"].seen
    assert [] == [name for name, _ in chat.fields if name.startswith("anthropic-") or name == "x-api-key"]
    assert ("2023-06-01", ANTHROPIC_KEY) == (message.header("anthropic-version"), message.header("x-api-key"))
    assert OPENAI_KEY not in str(message.fields)


def test_the_anthropic_sdk_at_a_chat_server_with_a_tool_call(gateway, at):
    at["openai"].script(b.sse([calling("openai", stream=True)]))
    tools = [{"name": "reset", "input_schema": {"type": "object"}}]
    asked = {"model": "to-openai", "max_tokens": 99, "tools": tools, "messages": [{"role": "user", "content": "reset it"}]}
    with anthropic_client(gateway).messages.stream(**asked) as events:
        answer = events.get_final_message()

    [call] = [block for block in answer.content if block.type == "tool_use"]
    assert ("reset", orjson.loads(ARGUMENTS), "tool_use") == (call.name, call.input, answer.stop_reason)
