"""Requests become conversations: items are turns, and what cannot be carried is told or refused."""

import pytest

from outgate.errors import WireError
from outgate.inference.conversation import Call, Format, Media, Reasoning, Refused, Result, Role, Sampling, Text, Thought, Turn
from support.recorded_agents import ENCRYPTED, ai_sdk, codex
from support.responses_bodies import RESPONSES_RICH
from support.responses_spoken import CONVERTER, asked, lost


def turns(*items):
    return asked(input=[*items]).turns


def called(call, name="ls", **members):
    return {"type": "function_call", "call_id": call, "name": name, "arguments": "{}", **members}


def output(call, value="ok"):
    return {"type": "function_call_output", "call_id": call, "output": value}


def test_a_string_is_a_user_s_turn():
    assert (Turn(Role.USER, (Text("hi"),)),) == asked().turns


def test_instructions_and_what_a_developer_says_first_are_the_system_s():
    conversation = asked(
        instructions="Be kind.",
        input=[
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "Now."},
        ],
    )

    assert ("Be kind.", "Be short.") == tuple(text.text for text in conversation.system)
    assert [(Role.USER, "hi"), (Role.SYSTEM, "Now.")] == [(turn.role, turn.parts[0].text) for turn in conversation.turns]


def test_neighbouring_items_of_the_model_are_one_turn():
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "ok"}, {"type": "refusal", "refusal": "no"}],
    }
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"text": "a"}, {"text": "b"}], "encrypted_content": ENCRYPTED}
    [turn, results] = turns(thought, said, called("c1"), called("c2"), output("c1"), output("c2"))

    kept = Thought("a\n\nb", ENCRYPTED, "", "responses", {"id": "rs_1"})
    assert (kept, Text("ok"), Refused("no"), Call("c1", "ls", "{}"), Call("c2", "ls", "{}")) == turn.parts
    assert (Result("c1", (Text("ok"),), name="ls"), Result("c2", (Text("ok"),), name="ls")) == results.parts


def test_reasoning_in_words_is_read_before_its_summary():
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"text": "short"}],
        "content": [{"type": "reasoning_text", "text": "long"}],
    }

    assert "long" == turns(item)[0].parts[0].text


def test_a_result_may_hold_images():
    value = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "data:image/png;base64,iVBO"}]

    assert (Text("see"), Media("image", "image/png", "iVBO")) == turns(called("c1"), output("c1", value))[1].parts[0].parts


def test_calls_of_free_text_and_of_namespaces_are_functions():
    custom = {"type": "custom_tool_call", "call_id": "c1", "name": "run", "input": "ls -l"}
    [turn] = turns(custom, called("c2", "close", namespace="agents"))

    assert (Call("c1", "run", '{"input":"ls -l"}'), Call("c2", "agents__close", "{}")) == turn.parts


def test_parameters_become_nouns():
    form = {"type": "json_schema", "name": "out", "schema": {"type": "object"}, "strict": True, "description": "d"}
    conversation = asked(
        text={"format": form},
        reasoning={"effort": "max", "summary": "auto"},
        temperature=0.5, top_p=0.9, max_output_tokens=70, top_logprobs=3, user="u-1",
    )  # fmt: skip

    assert Format("schema", "out", {"type": "object"}, True, "d") == conversation.format
    assert Reasoning("xhigh", shown=True) == conversation.reasoning
    assert Sampling(temperature=0.5, top_p=0.9, max_tokens=70, logprobs=3) == conversation.sampling
    assert ("u-1", True, True) == (conversation.user, conversation.stream, conversation.usage_wanted)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"text": {"format": {"type": "json_object"}}}, Format("json")),
        ({"text": {"format": {"type": "text"}}}, None),
        ({"text": None}, None),
        ({}, None),
    ],
)
def test_forms_of_an_answer(members, expected):
    assert expected == asked(**members).format


@pytest.mark.parametrize(
    ("members", "losses"),
    [
        ({"metadata": {"team": "blue"}}, [("metadata", "metadata")]),
        ({"client_metadata": {"thread": "t"}}, [("metadata", "client_metadata")]),
        ({"prompt_cache_key": "k"}, [("cache_control", "prompt_cache_key")]),
        ({"service_tier": "flex"}, [("service_tier", "service_tier")]),
        ({"service_tier": "auto"}, []),
        ({"store": True}, [("stored", "store")]),
        ({"store": False}, []),
        ({"truncation": "auto"}, [("context", "truncation")]),
        ({"truncation": "disabled"}, []),
        ({"text": {"verbosity": "low"}}, [("members", "text.verbosity")]),
        ({"text": {"verbosity": "medium"}}, []),
        ({"include": ["reasoning.encrypted_content"]}, []),
        ({"include": ["file_search_call.results"]}, [("members", "include")]),
        ({"max_tool_calls": 3}, [("members", "max_tool_calls")]),
        ({"my secret words": 1}, [("members", "body")]),
        ({"input": [{"role": "assistant", "phase": "commentary", "content": "x"}]}, [("metadata", "input[0].phase")]),
        ({"input": [{"type": "web_search_call", "id": "ws"}]}, [("hosted_tools", "input[0]")]),
        ({"input": [{"type": "brand_new"}]}, [("hosted_tools", "input[0]")]),
        ({"input": [called("c", caller={"type": "program", "caller_id": "p"})]}, [("members", "input[0].caller")]),
    ],
)  # fmt: skip
def test_what_another_api_has_not_is_told(members, losses):
    assert losses == lost(**members)


@pytest.mark.parametrize(
    "members",
    [
        {"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"prompt": {"id": "pmpt_1"}}, {"background": True},
        {"input": [{"type": "item_reference", "id": "msg_1"}]}, {"input": [{"id": "msg_1"}]},
        {"input": [{"type": "compaction", "encrypted_content": ENCRYPTED}]},
    ],
)  # fmt: skip
def test_a_conversation_that_another_provider_keeps_is_refused(members):
    with pytest.raises(WireError, match="keeps"):
        asked(**members)


@pytest.mark.parametrize(
    "members",
    [
        {"input": 5}, {"input": [5]}, {"input": [{"role": "wizard", "content": "x"}]}, {"instructions": ["x"]}, {"text": "json"},
        {"text": {"format": {"type": "json_schema", "schema": "x"}}}, {"reasoning": "low"}, {"reasoning": {"effort": 5}},
        {"include": "x"}, {"input": [called("c", name=5)]}, {"input": [{"type": "reasoning", "summary": "x"}]},
    ],
)  # fmt: skip
def test_what_has_not_the_form_of_the_api_is_refused(members):
    with pytest.raises(WireError):
        asked(**members)


@pytest.mark.parametrize(
    "body", [codex(), codex("call_1", "{}", "ok"), {**ai_sdk("call_1", "{}", "ok", store=False), "stream": True}]
)
def test_agents_lose_nothing_but_what_is_harmless_or_hosted(body):
    _, losses = CONVERTER.read_request("", body)

    assert {loss.what for loss in losses} <= {"metadata", "cache_control", "hosted_tools"}


def test_a_body_with_everything_is_refused_for_what_is_kept_elsewhere():
    items = [item for item in RESPONSES_RICH["input"] if item.get("type") != "compaction" and item.get("role") != "wizard"]
    conversation, losses = CONVERTER.read_request("", {**RESPONSES_RICH, "input": items, "stream": True})

    assert ["send", "run", "mail__draft", "late"] == [tool.name for tool in conversation.tools]
    assert {"members", "hosted_tools", "metadata", "cache_control", "strict"} == {loss.what for loss in losses}
