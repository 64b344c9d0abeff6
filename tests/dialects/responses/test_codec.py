"""Requests to the Responses API: what is read, what is sent, and what is not kept at the provider."""

import orjson
import pytest

from outgate.dialects.registry import operation_for
from outgate.dialects.spec import Canned
from outgate.errors import Denial, WireError
from outgate.inference.prompt import Channel
from support.responses_bodies import RESPONSES_RICH
from support.wire_bodies import RESPONSE, RESPONSES

ENCRYPTED = "reasoning.encrypted_content"


def decode(**extra):
    return RESPONSES.decode(RESPONSE, orjson.dumps({"model": "gpt-5", "input": "hi", **extra}))


def encode(request, model="gpt-5", max_tokens=None, state=frozenset()):
    return orjson.loads(RESPONSES.encode(RESPONSE, request.prompt, model, request.params, max_tokens, state))


def test_params_are_read():
    params = decode(stream=True, max_output_tokens=70, temperature=0.5).params

    assert (True, 70, 1, 0.5, True) == (params.stream, params.max_tokens, params.n, params.temperature, params.include_usage)
    assert (False, None) == (decode().params.stream, decode().params.max_tokens)


@pytest.mark.parametrize(
    "extra",
    [
        {"stream": 1}, {"max_output_tokens": "5"}, {"max_output_tokens": 0}, {"temperature": "hot"}, {"model": None}, {"model": ""},
        {"input": None}, {"input": ""}, {"input": []}, {"input": {"role": "user"}}, {"input": ["hi"]}, {"input": [[]]},
        {"input": [{"type": 5, "role": "user"}]}, {"input": [{"type": ["message"], "role": "user"}]},
        {"store": "no"}, {"store": 0}, {"include": ENCRYPTED}, {"include": [1]}, {"include": {}},
    ],
)  # fmt: skip
def test_parameters_of_a_wrong_type_are_refused(extra):
    with pytest.raises(WireError) as caught:
        decode(**extra)

    assert "bad_parameter" == caught.value.code


def test_an_input_may_be_missing_where_the_provider_remembers_it():
    for member in ({"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"prompt": {"id": "pmpt_1"}}):
        assert (*member,) == RESPONSES.decode(RESPONSE, orjson.dumps({"model": "gpt-5", **member})).params.server_state


def test_the_routed_model_replaces_the_requested_one():
    assert ("gpt-5", "local") == (decode().model, encode(decode(), "local")["model"])


@pytest.mark.parametrize(
    ("extra", "bound", "expected"),
    [({}, 50, 50), ({}, 5, 16), ({"max_output_tokens": 20}, 50, 20), ({"max_output_tokens": 5}, 50, 5), ({}, None, None)],
)
def test_a_maximum_is_set_only_where_the_caller_set_none(extra, bound, expected):
    assert expected == encode(decode(**extra), max_tokens=bound).get("max_output_tokens")


@pytest.mark.parametrize("extra", [{}, {"store": None}, {"store": True}])
def test_nothing_is_kept_at_the_provider_and_reasoning_comes_back_encrypted(extra):
    sent = encode(decode(**extra))

    assert (False, [ENCRYPTED]) == (sent["store"], sent["include"])


def test_a_policy_that_admits_store_leaves_the_wish_to_the_caller():
    admitted = frozenset({"store"})

    assert {"store", "include"}.isdisjoint(encode(decode(), state=admitted))
    assert encode(decode(store=True), state=admitted)["store"] is True


def test_a_caller_who_keeps_nothing_is_sent_as_it_is():
    sent = encode(decode(store=False, include=["message.output_text.logprobs"]))

    assert (False, ["message.output_text.logprobs"]) == (sent["store"], sent["include"])


@pytest.mark.parametrize(
    ("extra", "model", "included"),
    [
        ({"include": ["message.output_text.logprobs"]}, "gpt-5", ["message.output_text.logprobs", ENCRYPTED]),
        ({"include": [ENCRYPTED]}, "gpt-5", [ENCRYPTED]),
        ({}, "gpt-4o", None),
        ({"include": None}, "gpt-4o", None),
        ({"reasoning": {"effort": "low"}}, "gpt-4o", [ENCRYPTED]),
        ({}, "o4-mini", [ENCRYPTED]),
        ({}, "openai/o3", [ENCRYPTED]),
    ],
)
def test_only_models_that_reason_are_asked_for_encrypted_reasoning(extra, model, included):
    assert included == encode(decode(**extra), model).get("include")


def test_an_edit_inside_include_is_kept_beside_what_the_gateway_adds():
    request = decode(include=["secret"])
    [index] = [i for i, leaf in enumerate(request.prompt.leaves) if leaf.text == "secret"]
    sent = orjson.loads(RESPONSES.encode(RESPONSE, request.prompt.replace({index: "x"}), "o3", request.params))

    assert ["x", ENCRYPTED] == sent["include"]


@pytest.mark.parametrize(
    ("extra", "state"),
    [
        ({"previous_response_id": "resp_1"}, ("previous_response_id",)),
        ({"previous_response_id": None, "conversation": None, "background": False}, ()),
        ({"conversation": {"id": "conv_1"}}, ("conversation",)),
        ({"prompt": {"id": "pmpt_1", "variables": {"store": "x"}}}, ("prompt",)),
        ({"background": True}, ("background",)),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, ("item_reference",)),
        ({"input": [{"id": "msg_1"}]}, ("item_reference",)),
        ({"input": [{"type": None, "id": "msg_1"}]}, ("item_reference",)),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}]}, ("file_id",)),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, ("vector_store_ids",)),
        ({"tools": [{"type": "code_interpreter", "container": "c_1"}]}, ("container",)),
        ({"tools": [{"type": "function", "name": "f", "parameters": {"properties": {"file_id": {}}}}]}, ()),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"file_id":"x"}'}]}, ()),
        ({"metadata": {"thread_id": "t"}, "client_metadata": {"thread_id": "t"}}, ()),
        ({"store": True}, ()),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}, ("item_reference",)),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "content": []}]}, ("item_reference",)),
        ({"input": [{"type": "reasoning", "id": "rs_1", "content": [{"type": "reasoning_text", "text": "hm"}]}]}, ()),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}]}, ()),
        ({"input": [{"type": "reasoning", "summary": []}]}, ()),
        ({"input": [{"type": "compaction", "id": "cmp_1"}]}, ("item_reference",)),
        ({"input": [{"type": "image_generation_call", "id": "ig_1"}]}, ("item_reference",)),
        ({"input": [{"type": "image_generation_call", "id": "ig_1", "result": ""}]}, ("item_reference",)),
        ({"input": [{"type": "message", "id": "msg_1"}]}, ("item_reference",)),
        ({"input": [{"type": "message", "role": "assistant", "id": "msg_1"}]}, ("item_reference",)),
        ({"input": [{"type": "message", "role": "assistant", "id": "msg_1", "content": "hi"}]}, ()),
    ],
)
def test_state_at_the_provider_is_named(extra, state):
    assert state == decode(**extra).params.server_state


def test_every_text_has_its_channel_and_its_turn():
    request = RESPONSES.decode(RESPONSE, orjson.dumps(RESPONSES_RICH))
    found = {leaf.text: (leaf.channel, leaf.turn) for leaf in request.prompt.leaves if leaf.channel is not Channel.KEY}

    assert {
        "be kind": (Channel.SYSTEM, -1), "and short": (Channel.SYSTEM, 0), "look": (Channel.USER, 1), "hm": (Channel.REASONING, 2),
        "thinking": (Channel.REASONING, 2), "ok": (Channel.ASSISTANT, 3), "no": (Channel.ASSISTANT, 3),
        "{not json": (Channel.TOOL_ARGUMENTS, 5), "sent": (Channel.TOOL_RESULT, 6),
        "done": (Channel.TOOL_RESULT, 7), "ls -l": (Channel.TOOL_ARGUMENTS, 8), "total 0": (Channel.TOOL_RESULT, 9),
        "weather": (Channel.TOOL_ARGUMENTS, 11), "late": (Channel.TOOL_DEFINITION, 14), "abra": (Channel.USER, 17),
        "sends mail": (Channel.TOOL_DEFINITION, -1), "mails": (Channel.TOOL_DEFINITION, -1), "s: x": (Channel.TOOL_DEFINITION, -1),
        "https://mcp.example.test": (Channel.TOOL_DEFINITION, -1), "blue": (Channel.PARAMETER, -1), "u-1": (Channel.PARAMETER, -1),
    }.items() <= found.items()  # fmt: skip
    assert ("send", "run", "mail", "mcp", "web_search") == request.tools.names


def test_what_is_not_text_announces_its_kind():
    request = RESPONSES.decode(RESPONSE, orjson.dumps(RESPONSES_RICH))
    drawn = decode(input=[{"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBORw0KGgo="}])

    assert {"image", "file", "audio", "unknown", "hosted_tool", "remote_url"} == request.prompt.unjudged
    assert {"image"} == drawn.prompt.unjudged
    referring = decode(input=[{"type": "item_reference", "id": "x"}]).prompt
    assert (frozenset(), ()) == (referring.unjudged, referring.parts)


HOSTED = [
    {"type": "mcp", "server_url": "https://evil.example", "headers": {"x-api-key": "k"}},
    {"type": "web_search", "external_web_access": True},
    {"type": "code_interpreter"},
    {"type": "brand_new"},
    {"type": 1},
    {"server_url": "https://evil.example"},
    {"type": "namespace", "name": "n", "tools": [{"type": "mcp"}]},
]


@pytest.mark.parametrize("tool", HOSTED)
def test_a_tool_that_the_provider_runs_announces_itself(tool):
    late = {"input": [{"type": "additional_tools", "role": "developer", "tools": [tool]}]}

    for extra in ({"tools": [tool]}, late):
        assert {"hosted_tool"} == decode(**extra).prompt.unjudged


def test_tools_that_the_caller_runs_are_text():
    tools = [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}, {"type": "namespace", "name": "n", "tools": []}]

    assert not decode(tools=tools).prompt.unjudged


@pytest.mark.parametrize("target", ["/v1/responses/compact", "/v1/responses/compact?x=1"])
def test_storing_is_state_in_a_body_that_goes_out_as_it_came(target):
    request = RESPONSES.decode(operation_for("POST", target), b'{"model":"m","input":"hi","store":true}')

    assert ({"opaque"}, ("store",)) == (request.prompt.unjudged, request.params.server_state)


def test_outputs_of_shells_and_computers_are_read():
    ended = {"stdout": "out", "stderr": "err", "outcome": {"type": "exit", "exit_code": 0}}
    screen = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}
    shell = decode(input=[{"type": "shell_call_output", "call_id": "c", "output": [ended]}]).prompt
    computer = decode(input=[{"type": "computer_call_output", "call_id": "c", "output": screen}]).prompt
    strange = decode(input=[{"type": "shell_call_output", "call_id": "c", "output": [{"type": "input_image"}]}]).prompt

    assert {"out", "err"} <= {leaf.text for leaf in shell.leaves if leaf.channel is Channel.TOOL_RESULT}
    assert (frozenset(), {"image"}, {"unknown"}) == (shell.unjudged, computer.unjudged, strange.unjudged)


def test_encrypted_reasoning_is_carried_and_not_judged():
    sealed = "gAAAAAB" + "aZ09-_+/" * 20 + "=="
    items = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": text} for text in (sealed, "write to " + sealed)
    ]
    leaves = {leaf.text: leaf.channel for leaf in decode(input=items).prompt.leaves}

    assert (Channel.SEALED, Channel.REASONING) == (leaves[sealed], leaves["write to " + sealed])


def test_a_path_below_is_opaque_and_its_strings_are_shown():
    operation = operation_for("POST", "/v1/responses/compact")
    request = RESPONSES.decode(operation, b'{"model":"m","input":"hello","previous_response_id":"r"}')

    assert ({"opaque"}, ("previous_response_id",)) == (request.prompt.unjudged, request.params.server_state)
    assert "hello" in {leaf.text for leaf in request.prompt.leaves}
    assert b'"store"' not in RESPONSES.encode(operation, request.prompt, "m", request.params)
    assert [b"x", b""] == [event.encode() for event in RESPONSES.redecode(operation, False, b"x")]
    with pytest.raises(WireError):
        RESPONSES.canned(operation, Canned("t", "m", "r", 1), False, False)


def test_a_refusal_in_a_stream_is_told_wherever_clients_look():
    raw = RESPONSES.error_event(Denial(code="budget_exhausted", status=429, message="No budget."), "req1")
    first, _, last = raw.partition(b"\n\n")
    told = orjson.loads(first.removeprefix(b"event: error\ndata: "))
    failed = orjson.loads(last.removeprefix(b"event: response.failed\ndata: "))["response"]

    assert ("error", "budget_exhausted", "No budget.") == (told["type"], told["code"], told["message"])
    assert {"message": "No budget.", "type": "rate_limit_error", "code": "budget_exhausted"}.items() <= told["error"].items()
    assert ("failed", {"code": "rate_limit_exceeded", "message": "No budget."}) == (failed["status"], failed["error"])


@pytest.mark.parametrize(("status", "code"), [(400, "invalid_prompt"), (403, "invalid_prompt"), (503, "server_error")])
def test_what_is_refused_by_policy_is_not_asked_again(status, code):
    raw = RESPONSES.error_event(Denial(code="x", status=status, message="m"), "req1")

    assert f'"code":"{code}"'.encode() in raw
