import orjson
import pytest

from outgate.dialects.registry import operation_for
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from support.wire_bodies import CHAT, EMBEDDINGS, OPENAI

USER = [{"role": "user", "content": "hi"}]


def decode(**extra):
    return OPENAI.decode(CHAT, orjson.dumps({"model": "gpt-4o", "messages": USER, **extra}))


def encode(request, model="gpt-4o", max_tokens=None):
    return orjson.loads(OPENAI.encode(CHAT, request.prompt, model, request.params, max_tokens))


def test_params_are_read():
    params = decode(stream=True, max_completion_tokens=7, n=2, temperature=1, stream_options={"include_usage": True}).params
    bare = decode().params

    assert (True, 7, 2, 1.0, True) == (params.stream, params.max_tokens, params.n, params.temperature, params.include_usage)
    assert (False, None, 1, None, False) == (bare.stream, bare.max_tokens, bare.n, bare.temperature, bare.include_usage)


@pytest.mark.parametrize(
    "extra",
    [
        {"stream": "true"}, {"stream": 1}, {"max_tokens": "5"}, {"max_tokens": 0}, {"max_tokens": True}, {"max_tokens": 1.5},
        {"n": -1}, {"temperature": "hot"}, {"temperature": True},
        {"stream_options": "yes"}, {"stream_options": {"include_usage": 1}},
        {"max_tokens": 5, "max_completion_tokens": 6}, {"model": None}, {"model": ""}, {"model": 4}, {"model": "m" * 257},
        {"messages": "hi"}, {"messages": []}, {"messages": ["hi"]}, {"messages": [{"content": "x"}]},
        {"messages": [{"role": ["user"]}]},
    ],
)  # fmt: skip
def test_parameters_of_a_wrong_type_are_refused(extra):
    with pytest.raises(WireError) as caught:
        decode(**extra)

    assert "bad_parameter" == caught.value.code


def test_the_routed_model_replaces_the_requested_one():
    request = decode()

    assert "gpt-4o" == request.model
    assert "local" == encode(request, "local")["model"]


@pytest.mark.parametrize(
    ("extra", "model", "bound", "expected"),
    [
        ({}, "gpt-4o", 50, {"max_tokens": 50}),
        ({}, "o3-mini", 50, {"max_completion_tokens": 50}),
        ({}, "gpt-5", 50, {"max_completion_tokens": 50}),
        ({}, "openai/o1", 50, {"max_completion_tokens": 50}),
        ({}, "gpt-4o", None, {}),
        ({"max_tokens": 5}, "gpt-4o", 50, {"max_tokens": 5}),
        ({"max_tokens": None}, "gpt-4o", 50, {"max_tokens": 50}),
        ({"max_completion_tokens": 5}, "gpt-4o", 50, {"max_completion_tokens": 5}),
    ],
)
def test_a_maximum_is_set_only_where_the_caller_set_none(extra, model, bound, expected):
    sent = encode(decode(**extra), model, bound)

    assert expected == {name: value for name, value in sent.items() if name.startswith("max_") and value is not None}


def test_streamed_usage_is_asked_for_beside_the_callers_options():
    assert {"include_usage": True} == encode(decode(stream=True))["stream_options"]
    assert {"other": "x", "include_usage": True} == encode(decode(stream=True, stream_options={"other": "x"}))["stream_options"]
    assert "stream_options" not in encode(decode())


def test_an_edit_inside_stream_options_keeps_the_usage_flag():
    request = decode(stream=True, stream_options={"other": "private"})
    [index] = [i for i, leaf in enumerate(request.prompt.leaves) if leaf.text == "private"]
    sent = orjson.loads(OPENAI.encode(CHAT, request.prompt.replace({index: "x"}), "m", request.params, None))

    assert {"other": "x", "include_usage": True} == sent["stream_options"]


@pytest.mark.parametrize(
    ("extra", "admitted", "sent"),
    [({"store": True}, (), False), ({"store": True}, ("store",), True), ({"store": False}, (), False), ({}, (), None)],
)
def test_an_answer_is_kept_at_the_provider_only_where_the_policy_admits_it(extra, admitted, sent):
    request = decode(**extra)
    wire = orjson.loads(OPENAI.encode(CHAT, request.prompt, "m", request.params, state=frozenset(admitted)))

    assert sent is wire.get("store")


def test_a_wish_to_keep_the_answer_is_true_or_false():
    with pytest.raises(WireError, match="store"):
        decode(store="yes")


def test_where_a_body_goes_out_as_it_came_store_is_state_at_the_provider():
    request = OPENAI.decode(operation_for("POST", "/v1/chat/completions/x"), orjson.dumps({"messages": USER, "store": True}))

    assert ("store",) == request.params.server_state


def test_tools_are_named_and_identified():
    tools = [{"type": "function", "function": {"name": "a"}}, {"type": "custom", "custom": {"name": "b"}}]

    assert ("a", "b") == decode(tools=tools).tools.names
    assert decode(tools=tools).tools.identity != decode(tools=tools[:1]).tools.identity
    assert decode().tools == decode(tools=None).tools


def test_audio_output_is_announced():
    assert {"audio"} == decode(modalities=["text", "audio"]).prompt.unjudged


@pytest.mark.parametrize(
    "extra",
    [{"web_search_options": {}}, {"tools": [{"type": "mcp", "server_url": "https://evil.example"}]}, {"tools": [{"type": 1}]}],
)
def test_what_the_provider_runs_announces_itself(extra):
    assert {"hosted_tool"} == decode(**extra).prompt.unjudged
    assert not decode(tools=[{"type": "function"}, {"type": "custom"}, {"name": "f"}], functions=[{"name": "g"}]).prompt.unjudged


def test_embeddings_round_trip():
    request = OPENAI.decode(EMBEDDINGS, b'{"model":"e","input":["one","two"],"dimensions":8}')

    assert [("one", Channel.USER), ("two", Channel.USER)] == [(leaf.text, leaf.channel) for leaf in request.prompt.leaves]
    assert b'{"model":"r","input":["one","two"],"dimensions":8}' == OPENAI.encode(
        EMBEDDINGS, request.prompt, "r", request.params, 5
    )
    with pytest.raises(WireError):
        OPENAI.decode(EMBEDDINGS, b'{"model":"e"}')


def test_models_are_listed():
    listed = orjson.loads(OPENAI.models(["a", "b"], 5))

    assert ("list", ["a", "b"]) == (listed["object"], [model["id"] for model in listed["data"]])
    assert {"id": "a", "object": "model", "created": 5, "owned_by": "outgate"} == listed["data"][0]


def test_a_body_of_another_path_is_opaque_and_its_strings_are_shown():
    operation = operation_for("POST", "/v1/threads")
    request = OPENAI.decode(operation, b'{"model":"m","input":"hello","previous_response_id":"r"}')
    sent = OPENAI.encode(operation, request.prompt, "r", request.params, None)

    assert ({"opaque"}, ("previous_response_id",)) == (request.prompt.unjudged, request.params.server_state)
    assert "hello" in {leaf.text for leaf in request.prompt.leaves}
    assert b'{"model":"r","input":"hello","previous_response_id":"r"}' == sent
