"""The Responses API through the gateway: the SDK, and the tool loops that Codex and the AI SDK lead, redacted on the way out."""

import json

import openai
import pytest

from e2e.world import OPENAI_KEY, STAGES, World, http, lines, openai_client
from outgate.stores.state_secret import StateSecret
from support import behaviours as b
from support.placeholders import numbered, placeholder
from support.recorded_agents import MAIL, ai_sdk, codex
from support.responses_answers import called, response, response_events, said, thought
from support.sse import TEXT

REDACTING = STAGES + "redact: {entities: [EMAIL_ADDRESS]}\ncount_tokens: {}\nadmit_parts: {allow_unjudged: [hosted_tool]}\n"
"""Codex offers a web search of the provider's."""
TOOLS = [
    {"type": "function", "name": "send", "strict": True, "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}
]
URL = "https://api.openai.com/v1/responses"


@pytest.fixture(name="redacting", scope="module")
def _redacting(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("redacting"), *providers)
    with world.gateway(world.policy(REDACTING)) as gateway:
        yield world, gateway


@pytest.fixture(name="mail")
def _mail(redacting):
    """What stands for MAIL in what leaves."""
    world, _ = redacting
    return placeholder(MAIL, workload="app", tenant="t1", secret=StateSecret.in_folder(world.folder / "state"))


def sent(provider, index=-1):
    """The body that left, with its placeholders numbered."""
    return json.loads(*numbered(provider.seen[index].body.decode()))


def test_the_sdks_first_example(shared, providers):
    _, gateway = shared
    reply = openai_client(gateway).responses.create(model="gpt-5", input="Say hello.")

    assert (TEXT, 14) == (reply.output_text, reply.usage.total_tokens)
    seen = providers[0].seen[-1]
    assert ("/v1/responses", f"Bearer {OPENAI_KEY}") == (seen.target, seen.header("authorization"))
    assert (False, ["reasoning.encrypted_content"]) == (sent(providers[0])["store"], sent(providers[0])["include"])


def test_streamed_and_collected_by_the_sdk(shared):
    _, gateway = shared
    events = list(openai_client(gateway).responses.create(model="gpt-5", input="hi", stream=True))
    with openai_client(gateway).responses.stream(model="gpt-5", input="hi") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()

    assert TEXT == "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert list(range(len(events))) == [event.sequence_number for event in events]
    assert (TEXT, TEXT, 14) == (text, final.output_text, final.usage.total_tokens)


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_loop_of_two_turns(redacting, providers, mail, stream):
    _, gateway = redacting
    client = openai_client(gateway)
    output = [thought(f"mail {mail}"), called("send", f'{{"to": "{mail}"}}')]
    answer = b.sse(response_events(output, size=3)) if stream else b.answer_json(response(output))
    providers[0].script(answer, b.provider(f"Sent to {mail}."))
    items = [{"role": "user", "content": f"Mail {MAIL}"}]

    first = ask(client, items, stream=stream)
    call = first.output[1]
    assert json.loads(call.arguments) == {"to": MAIL}
    assert first.output[0].summary[0].text == f"mail {MAIL}"

    items += first.output
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"ok, {MAIL}"})
    second = ask(client, items, stream=stream)

    assert second.output_text == f"Sent to {MAIL}."
    assert not [seen for seen in providers[0].seen if MAIL.encode() in seen.body]
    reasoning, made, done = sent(providers[0])["input"][1:]
    assert reasoning["encrypted_content"] == "gAAAA" + "Q" * 80
    assert (json.loads(made["arguments"]), done["output"]) == ({"to": "<EMAIL_1>"}, "ok, <EMAIL_1>")


def ask(client, items, *, stream):
    if not stream:
        return client.responses.create(model="gpt-5", input=items, tools=TOOLS)
    with client.responses.stream(model="gpt-5", input=items, tools=TOOLS) as events:
        return events.get_final_response()


def test_values_come_back_the_same_in_pieces_and_in_what_repeats_them(redacting, providers, mail):
    _, gateway = redacting
    output = [said(f"Mail {mail} or {mail}"), called("send", f'{{"to": "{mail}"}}')]
    for size in (1, 2, 5, 64):
        providers[0].script(b.sse(response_events(output, size=size)))
        events = list(openai_client(gateway).responses.create(model="gpt-5", input=f"Mail {MAIL}", stream=True))
        told = {}
        for event in events:
            if event.type.endswith(".delta"):
                told[event.type] = told.get(event.type, "") + event.delta
        by_type = {event.type: event for event in events}
        whole = by_type["response.completed"].response

        text, arguments = f"Mail {MAIL} or {MAIL}", f'{{"to": "{MAIL}"}}'
        assert text == told["response.output_text.delta"] == by_type["response.output_text.done"].text == whole.output_text
        assert arguments == told["response.function_call_arguments.delta"] == whole.output[1].arguments
        assert arguments == by_type["response.function_call_arguments.done"].arguments
        assert arguments == by_type["response.output_item.done"].item.arguments


def test_codex_leads_its_tool_loop(redacting, providers, mail):
    world, gateway = redacting
    providers[0].script(
        b.sse(response_events([thought(""), called("exec_command", f'{{"cmd":"mail {mail}"}}')], "gpt-5-codex")),
        b.provider("Done."),
    )
    with http(gateway) as client:
        first = client.post(URL, json=codex())
        second = client.post(URL, json=codex("call_1", f'{{"cmd":"mail {MAIL}"}}', f"mailed {MAIL}\n"))

    assert (200, 200) == (first.status_code, second.status_code)
    assert f"mail {MAIL}" in json.loads(data(first, "response.function_call_arguments.done")["arguments"])["cmd"]
    assert "Done." in second.text
    turn = sent(providers[0])
    kept = codex("call_1", '{"cmd":"mail <EMAIL_1>"}', "mailed <EMAIL_1>\n")
    kept["input"][2]["content"][0]["text"] = "Mail <EMAIL_1>"
    assert turn == kept
    line = lines(world)[-1]
    assert (line["outgate.tokens.counted"] or line["outgate.tokens.at_most"]) > 0


def data(reply, kind):
    block = next(block for block in reply.text.split("\n\n") if block.startswith(f"event: {kind}\n"))
    return json.loads(block.partition("\ndata: ")[2])


def test_the_ai_sdk_is_told_what_would_admit_its_references_and_goes_on_without_them(redacting, providers, mail):
    _, gateway = redacting
    answer = b.answer_json(response([thought(""), called("exec_command", f'{{"cmd":"mail {mail}"}}')]))
    providers[0].script(answer)
    with http(gateway) as client:
        first = client.post(URL, json=ai_sdk())
        stored = client.post(URL, json=ai_sdk("call_1", "{}", "ok"))
        sent_again = client.post(URL, json=ai_sdk("call_1", f'{{"cmd":"mail {MAIL}"}}', "ok", store=False))

    assert json.loads(first.json()["output"][1]["arguments"]) == {"cmd": f"mail {MAIL}"}
    assert (400, "server_state") == (stored.status_code, stored.json()["error"]["code"])
    assert "item_reference" in stored.json()["error"]["message"]
    assert "`allow_server_state`" in stored.json()["error"]["message"]
    assert (200, TEXT) == (sent_again.status_code, sent_again.json()["output"][0]["content"][0]["text"])
    assert '{"cmd":"mail <EMAIL_1>"}' == sent(providers[0])["input"][2]["arguments"]


def test_a_policy_may_admit_what_the_provider_keeps(world, providers):
    stages = STAGES + "admit_parts: {allow_server_state: [store, item_reference, previous_response_id]}\n"
    with world.gateway(world.policy(stages)) as gateway, http(gateway) as client:
        replies = [client.post(URL, json=ai_sdk()), client.post(URL, json=ai_sdk("call_1", "{}", "ok"))]

    assert [200, 200] == [reply.status_code for reply in replies]
    assert {"store", "include"}.isdisjoint(sent(providers[0]))
    assert "rs_1" == sent(providers[0])["input"][1]["id"]


def test_refusals_raise_typed_errors(shared):
    _, gateway = shared
    client = openai_client(gateway)
    with pytest.raises(openai.BadRequestError) as stored:
        client.responses.create(model="gpt-5", previous_response_id="resp_1", input="hi")
    with pytest.raises(openai.BadRequestError) as unread:
        client.responses.create(model="gpt-5", input=[{"role": "user", "content": [{"type": "input_image", "file_id": "x"}]}])
    with pytest.raises(openai.BadRequestError):
        client.responses.retrieve("resp_1")

    assert ("server_state", "unjudged_content") == (stored.value.code, unread.value.code)


def test_a_stream_that_breaks_off_raises(shared, providers):
    _, gateway = shared
    providers[0].script(b.sse(response_events()[:6]))
    with pytest.raises(openai.APIError) as caught:
        list(openai_client(gateway).responses.create(model="gpt-5", input="hi", stream=True))

    assert "upstream_broken_answer" == caught.value.code
