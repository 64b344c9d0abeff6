"""A body that a server which ignores the case of names would read otherwise is refused: what is judged is what is served."""

import copy
import json

import pytest

from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.prompt import Channel
from support.wire_bodies import ANTHROPIC, CHAT, EMBEDDINGS, MESSAGES, OPENAI, RESPONSE, RESPONSES, Spoken

TURN = {"role": "user", "content": "hi"}
DIALECTS = {"openai": (OPENAI, CHAT), "anthropic": (ANTHROPIC, MESSAGES), "responses": (RESPONSES, RESPONSE)}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "description": "an a"}}, "required": ["a"]}
OPENAI_BODY = {
    "model": "m",
    "max_tokens": 5,
    "messages": [
        TURN,
        {"role": "user", "content": [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "https://x.test"}}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":"b"}'}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
}
ANTHROPIC_BODY = {
    "model": "m",
    "max_tokens": 5,
    "system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://x.test"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"a": "b"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "t"}]}]},
    ],
    "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA}],
    "tool_choice": {"type": "tool", "name": "f"},
}
RESPONSES_BODY = {
    "model": "m",
    "max_output_tokens": 5,
    "instructions": "be kind",
    "input": [
        TURN,
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "t"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "https://x.test", "detail": "low"}]},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "x"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":"b"}', "caller": {"type": "direct"}},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "t"}]},
        {"type": "custom_tool_call", "call_id": "d", "name": "g", "input": "x"},
        {"type": "item_reference", "id": "i"},
    ],
    "tools": [
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA},
        {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "custom", "name": "g"}]},
    ],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}, "verbosity": "low"},
    "reasoning": {"effort": "low"},
    "stream_options": {"include_obfuscation": False},
}
BODIES = {"openai": OPENAI_BODY, "anthropic": ANTHROPIC_BODY, "responses": RESPONSES_BODY}
FREE = {"properties", "input"}
"""Objects whose names are the caller's own."""


def places(value, path=()):
    """The path of every object of a body whose names a dialect knows."""
    if isinstance(value, dict):
        if not path or path[-1] not in FREE:
            yield path
        value = value.items()
    elif isinstance(value, list):
        value = enumerate(value)
    else:
        return
    for key, inner in value:
        yield from places(inner, (*path, key))


def at(body, path):
    for key in path:
        body = body[key]
    return body


def refusal(spoken, body):
    speaker, operation = DIALECTS[spoken]
    try:
        speaker.decode(operation, json.dumps(body).encode())
    except WireError as error:
        return error.code
    return None


CASES = [(spoken, path, name) for spoken, body in BODIES.items() for path in places(body) for name in at(body, path)]


@pytest.mark.parametrize(("spoken", "path", "name"), CASES, ids=lambda each: "/".join(map(str, each)) if each else "body")
def test_a_known_name_in_another_case_is_refused_wherever_it_stands(spoken, path, name):
    body = copy.deepcopy(BODIES[spoken])
    at(body, path)[name.upper()] = "other"

    assert "ambiguous_name" == refusal(spoken, body)


def test_many_places_were_tried():
    assert 60 < len(CASES)
    assert set(BODIES) == {spoken for spoken, path, _ in CASES if "tools" in path and "parameters" not in path}


@pytest.mark.parametrize("name", ["\u017ftream", "max_to\u212aens", "max_output_to\u212aens", "Previous_Response_Id", "STORE"])
@pytest.mark.parametrize("spoken", DIALECTS)
def test_folding_is_that_of_unicode_and_covers_state_at_the_provider(spoken, name):
    other = {"max_to\u212aens", "max_output_to\u212aens"} - {
        next(each for each in BODIES[spoken] if "max" in each).replace("k", "\u212a")
    }

    assert (None if name in other else "ambiguous_name") == refusal(spoken, BODIES[spoken] | {name: 1})


def test_a_file_at_the_provider_hides_under_no_other_case():
    part = {"type": "file", "file": {"File_Id": "file-1"}}

    assert "ambiguous_name" == refusal("openai", OPENAI_BODY | {"messages": [{"role": "user", "content": [part]}]})


def test_so_it_is_in_a_request_for_embeddings():
    with pytest.raises(WireError) as refused:
        OPENAI.decode(EMBEDDINGS, b'{"model":"m","input":"a","Input":"b"}')

    assert "ambiguous_name" == refused.value.code


@pytest.mark.parametrize("spoken", DIALECTS)
def test_a_name_that_nobody_knows_is_not(spoken):
    body = copy.deepcopy(BODIES[spoken]) | {"X_Vendor": 1}
    for path in list(places(body)):
        at(body, path)["Weight"] = 1

    assert None is refusal(spoken, body)


@pytest.mark.parametrize("spoken", DIALECTS)
def test_names_of_properties_arguments_and_metadata_are_the_callers_own(spoken):
    body = copy.deepcopy(BODIES[spoken]) | {"metadata": {"A": "1", "a": "2"}}
    own = {"Type": {"type": "string"}, "TYPE": {"type": "string"}, "Role": {"type": "string"}}
    tool = body["tools"][0]
    (tool.get("input_schema") or tool.get("parameters") or tool["function"]["parameters"])["properties"] = own
    if spoken == "responses":
        body["input"][4]["arguments"] = '{"Name":"x","name":"y","Arguments":"z"}'
    elif spoken == "openai":
        body["messages"][2]["tool_calls"][0]["function"]["arguments"] = '{"Name":"x","name":"y","Arguments":"z"}'
    else:
        body["messages"][1]["content"][0]["input"] = {"Name": "x", "name": "y", "Type": "z"}

    assert None is refusal(spoken, body)


def test_an_api_that_nobody_knows_has_names_of_its_own():
    request = Spoken("none").decode(Operation("none", Kind.OPAQUE), b'{"Model":"b","extra":{"model":"c","Input":"d"}}')

    assert {"b", "c", "d"} <= {leaf.text for leaf in request.prompt.leaves}


@pytest.mark.parametrize(
    "arguments", ['{"a":"x","a":"y"}', '{"b":{"a":1,"a":2}}', '[{"a":1,"\\u0061":2}]', '{"a":"\\u003a","a":1}']
)
def test_tool_arguments_that_name_a_member_twice_are_refused(arguments):
    body = copy.deepcopy(OPENAI_BODY)
    body["messages"][2]["tool_calls"][0]["function"]["arguments"] = arguments

    assert "duplicate_key" == refusal("openai", body)


@pytest.mark.parametrize("arguments", ['{"a":', "plain words", "{'a': 1}", ""])
def test_tool_arguments_that_are_no_json_are_judged_as_they_stand(arguments):
    body = copy.deepcopy(OPENAI_BODY)
    body["messages"][2]["tool_calls"][0]["function"]["arguments"] = arguments
    leaves = OPENAI.decode(CHAT, json.dumps(body).encode()).prompt.leaves

    assert arguments in [leaf.text for leaf in leaves if leaf.channel is Channel.TOOL_ARGUMENTS]


def test_what_a_model_said_is_taken_as_it_said_it():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1,"a":2}'}}
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
    raw = json.dumps({"id": "x", "object": "chat.completion", "Id": "y", "choices": [choice]}).encode()
    events = OPENAI.redecode(CHAT, False, raw)

    assert ['{"a":1,"a":2}'] == [text.text for event in events for text in event.texts if text.text.startswith("{")]
