"""An agent's loop at a provider of another dialect whose server gives every call the same id."""

import orjson
import pytest

from e2e.translating import line_of, post, translating
from e2e.world import anthropic_client
from support import behaviours as b
from support.openai_answers import call_chunk, chat_completion, chat_stream, chunk

READ = {"name": "read", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    with translating(tmp_path_factory.mktemp("agents"), providers, "") as gateway:
        yield gateway


def test_every_call_of_a_session_has_an_id_of_its_own(gateway, providers):
    upstream, messages = providers[0], [{"role": "user", "content": "read three files"}]
    client = anthropic_client(gateway)
    for path in ("a", "b", "c"):
        arguments = f'{{"path": "{path}"}}'
        upstream.script(
            b.sse([chat_stream(call_chunk(id="call_1", name="read"), call_chunk(arguments), chunk({}, finish="tool_calls"))])
        )
        with client.messages.stream(model="to-openai", max_tokens=99, tools=[READ], messages=messages) as stream:
            answer = stream.get_final_message()
        [call] = [block for block in answer.content if block.type == "tool_use"]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": f"file {path}"}
        messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]

    upstream.script(b.sse([chat_stream(chunk({"content": "done"}), chunk({}, finish="stop"))]))
    client.messages.create(model="to-openai", max_tokens=99, tools=[READ], messages=messages, stream=True).close()
    sent = orjson.loads(upstream.seen[-1].body)["messages"]
    called = [call["id"] for message in sent for call in message.get("tool_calls", ())]

    assert ["call_1", "call_1_2", "call_1_3"] == called
    assert called == [message["tool_call_id"] for message in sent if message["role"] == "tool"]


@pytest.mark.parametrize("stream", [False, True])
def test_attack_a_server_that_tells_no_tokens_spends_its_budget_all_the_same(gateway, providers, stream):
    words = "one two three four five six seven"
    whole = {**chat_completion(words), "usage": {}}
    providers[0].script(
        b.sse([chat_stream(chunk({"content": words}), chunk({}, finish="stop"))]) if stream else b.answer_json(whole)
    )
    body = {"max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
    line = line_of(gateway, post(gateway, "anthropic", "to-openai", body, stream=stream))

    assert "estimated" == line["outgate.charged"]
    assert 7 <= line["outgate.charged.output_tokens"] <= 14
