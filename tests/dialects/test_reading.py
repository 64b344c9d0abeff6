"""K4: a marker planted at every string of a rich body is visible to every policy, in its channel, and can be replaced."""

import copy
import json
import random

import pytest

from outgate.dialects.json_body import dump
from outgate.dialects.reading import read
from outgate.dialects.rules import Rule, free
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from support.responses_bodies import RESPONSES_RICH, responses_body
from support.wire_bodies import (
    ANTHROPIC,
    ANTHROPIC_RICH,
    CHAT,
    EMBEDDINGS,
    MESSAGES,
    OPENAI,
    OPENAI_RICH,
    RESPONSE,
    RESPONSES,
    anthropic_body,
    openai_body,
    spelled,
)

MARK = "PLANTED"
BLOBS = {
    "/messages/2/content/2/input_audio/data": "audio",
    "/messages/0/content/1/source/data": "image",
    "/input/1/content/4/input_audio/data": "audio",
}
"""Strings that are no text; each announces its kind instead."""
BODIES = {
    "openai": (OPENAI, CHAT, OPENAI_RICH),
    "anthropic": (ANTHROPIC, MESSAGES, ANTHROPIC_RICH),
    "responses": (RESPONSES, RESPONSE, RESPONSES_RICH),
}


def pointers(value, path=""):
    """Every JSON pointer to a string of a body, and into the JSON inside its strings."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from pointers(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from pointers(inner, f"{path}/{position}")
    elif isinstance(value, str):
        yield path


def names(value, path=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}/{key}"
            yield from names(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from names(inner, f"{path}/{position}")


def holder(body, pointer):
    *way, last = pointer.split("/")[1:]
    for step in way:
        body = body[int(step) if isinstance(body, list) else step]
    return body, int(last) if isinstance(body, list) else last


def plant(body, pointer, text=MARK):
    body = copy.deepcopy(body)
    container, key = holder(body, pointer)
    container[key] = text
    return body


CASES = [(name, pointer) for name, (_, _, body) in BODIES.items() for pointer in pointers(body) if pointer != "/model"]
NAMES = [
    (name, pointer)
    for name, (_, _, body) in BODIES.items()
    for pointer in names(body)
    if pointer not in {"/model", "/messages", "/input"}
]


@pytest.mark.parametrize(("name", "pointer"), CASES)
def test_a_marker_at_every_string_is_seen_and_can_be_replaced(name, pointer):
    dialect, operation, body = BODIES[name]
    planted = plant(body, pointer)
    if pointer.endswith("/role"):
        planted = plant(body, pointer, "user " + MARK)
    request = dialect.decode(operation, dump(planted))
    found = [index for index, leaf in enumerate(request.prompt.leaves) if MARK in leaf.text]
    if pointer in BLOBS:
        assert BLOBS[pointer] in request.prompt.unjudged
        return

    assert len(found) == 1
    changed = request.prompt.replace({found[0]: "CLEAN"})
    sent = dialect.encode(operation, changed, "m", request.params, None)
    assert MARK.encode() not in sent
    assert b"CLEAN" in sent


@pytest.mark.parametrize(("name", "pointer"), NAMES)
def test_a_marker_as_an_added_member_name_is_seen_and_can_be_replaced(name, pointer):
    dialect, operation, body = BODIES[name]
    planted = copy.deepcopy(body)
    container, _ = holder(planted, pointer)
    container[MARK] = 1
    request = dialect.decode(operation, dump(planted))
    found = [index for index, leaf in enumerate(request.prompt.leaves) if leaf.channel is Channel.KEY and leaf.text == MARK]

    assert len(found) == 1
    sent = dialect.encode(operation, request.prompt.replace({found[0]: "CLEAN"}), "m", request.params, None)
    assert MARK.encode() not in sent
    assert b'"CLEAN":1' in sent


@pytest.mark.parametrize("path", ["/to", "/cc/0", "/cc/1/deep"])
def test_a_marker_inside_tool_arguments_is_seen_and_quoted_again(path):
    arguments = plant(json.loads(OPENAI_RICH["messages"][3]["tool_calls"][0]["function"]["arguments"]), path, 'say "PLANTED"')
    body = plant(OPENAI_RICH, "/messages/3/tool_calls/0/function/arguments", json.dumps(arguments))
    request = OPENAI.decode(CHAT, dump(body))
    [(index, leaf)] = [(i, leaf) for i, leaf in enumerate(request.prompt.leaves) if MARK in leaf.text]

    assert ('say "PLANTED"', Channel.TOOL_ARGUMENTS, 3) == (leaf.text, leaf.channel, leaf.turn)
    sent = json.loads(OPENAI.encode(CHAT, request.prompt.replace({index: 'a "new" one'}), "m", request.params, None))
    inner = json.loads(sent["messages"][3]["tool_calls"][0]["function"]["arguments"])
    assert plant(arguments, path, 'a "new" one') == inner


def test_the_name_of_a_tool_argument_is_seen_and_can_be_replaced():
    request = OPENAI.decode(CHAT, dump(OPENAI_RICH))
    [(index, leaf)] = [(i, leaf) for i, leaf in enumerate(request.prompt.leaves) if leaf.text == "deep"]
    sent = json.loads(OPENAI.encode(CHAT, request.prompt.replace({index: "shallow"}), "m", request.params, None))

    assert Channel.KEY is leaf.channel
    assert [{"shallow": "x"}] == json.loads(sent["messages"][3]["tool_calls"][0]["function"]["arguments"])["cc"][1:]


def test_a_card_number_without_quotes_is_seen_in_tool_arguments_of_every_dialect():
    for dialect, operation, body in BODIES.values():
        leaves = dialect.decode(operation, dump(body)).prompt.leaves

        assert [Channel.TOOL_ARGUMENTS] == [leaf.channel for leaf in leaves if leaf.text == "4111111111111111"]


def test_two_names_renamed_to_one_are_refused():
    reading = read(b'{"a":1,"b":2}', free(Channel.USER))
    edits = {(leaf.box, leaf.key): "same" for leaf in reading.leaves}
    with pytest.raises(WireError) as caught:
        reading.document.encode(edits)

    assert "duplicate_key" == caught.value.code


def test_names_and_values_of_one_member_change_together_and_keep_their_order():
    reading = read(b'{"a":"x","b":{"c":"y"},"z":0}', free(Channel.USER))
    edits = {(leaf.box, leaf.key): leaf.text.upper() for leaf in reading.leaves}

    assert b'{"A":"X","B":{"C":"Y"},"Z":0}' == reading.document.encode(edits)
    assert b'{"a":"x","b":{"c":"y"},"z":0}' == reading.document.encode({})


def test_channels_of_an_openai_conversation():
    leaves = OPENAI.decode(CHAT, dump(OPENAI_RICH)).prompt.leaves
    channels = {leaf.text: (leaf.channel, leaf.turn) for leaf in leaves}
    expected = {
        "be kind": (Channel.SYSTEM, 0),
        "and short": (Channel.SYSTEM, 1),
        "look": (Channel.USER, 2),
        "https://example.test/cat.png": (Channel.USER, 2),
        "no": (Channel.ASSISTANT, 3),
        "thinking": (Channel.REASONING, 3),
        "{not json": (Channel.TOOL_ARGUMENTS, 3),
        "ls -l": (Channel.TOOL_ARGUMENTS, 3),
        "sent": (Channel.TOOL_RESULT, 4),
        "done": (Channel.TOOL_RESULT, 5),
        "abra": (Channel.USER, 6),
        "wizard": (Channel.USER, 6),
        "sends mail": (Channel.TOOL_DEFINITION, -1),
        "u-1": (Channel.PARAMETER, -1),
        "END": (Channel.PARAMETER, -1),
        "team": (Channel.KEY, -1),
    }

    assert expected == {text: channels[text] for text in expected}


def test_channels_of_an_anthropic_conversation():
    leaves = ANTHROPIC.decode(MESSAGES, dump(ANTHROPIC_RICH)).prompt.leaves
    channels = {leaf.text: (leaf.channel, leaf.turn) for leaf in leaves}
    expected = {
        "be kind": (Channel.SYSTEM, -1),
        "look": (Channel.USER, 0),
        "plain": (Channel.ASSISTANT, 3),
        "inner": (Channel.USER, 0),
        "hm": (Channel.REASONING, 1),
        "c2ln": (Channel.PARAMETER, 1),
        "bob": (Channel.TOOL_ARGUMENTS, 1),
        "w": (Channel.TOOL_RESULT, 1),
        "sent": (Channel.TOOL_RESULT, 2),
        "r": (Channel.TOOL_RESULT, 2),
        "sends": (Channel.TOOL_DEFINITION, -1),
        "u-1": (Channel.PARAMETER, -1),
    }

    assert expected == {text: channels[text] for text in expected}


def test_structural_strings_are_no_leaves():
    texts = {leaf.text for leaf in OPENAI.decode(CHAT, dump(OPENAI_RICH)).prompt.leaves}

    assert not texts & {"gpt-4o", "system", "user", "assistant", "text", "function", "string", "object", "messages", "properties"}


def test_what_is_not_text_announces_its_kind():
    openai = OPENAI.decode(CHAT, dump(OPENAI_RICH)).prompt.unjudged
    anthropic = ANTHROPIC.decode(MESSAGES, dump(ANTHROPIC_RICH)).prompt.unjudged

    assert {"image", "audio", "file", "unknown", "hosted_tool", "remote_url"} == openai
    assert {"image", "unknown", "hosted_tool", "remote_url"} == anthropic  # its documents are words


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]], ["a", [1]], ["a", 1]])
def test_token_arrays_announce_their_kind(tokens):
    prompt = OPENAI.decode(EMBEDDINGS, dump({"model": "m", "input": tokens})).prompt

    assert {"token_array"} == prompt.unjudged


def test_a_rule_refuses_a_part_it_does_not_have():
    with pytest.raises(TypeError):
        Rule(Channel.USER, text={"a": Channel.USER})


@pytest.mark.parametrize(
    "made",
    [(OPENAI, CHAT, openai_body), (ANTHROPIC, MESSAGES, anthropic_body), (RESPONSES, RESPONSE, responses_body)],
    ids=["openai", "anthropic", "responses"],
)
def test_every_string_of_random_bodies_is_a_leaf_or_an_allowed_value(made):
    dialect, operation, generate = made
    r = random.Random(5)
    for _ in range(500):
        body = generate(r)
        texts = {leaf.text for leaf in dialect.decode(operation, spelled(r, body)).prompt.leaves}
        allowed = {
            "user",
            "system",
            "assistant",
            "tool",
            "text",
            "function",
            "tool_use",
            "function_call",
            "function_call_output",
            body["model"],
        }
        strings = {holder(body, p)[0][holder(body, p)[1]] for p in pointers(body) if not p.endswith("/arguments") and "//" not in p}

        assert not strings - texts - allowed
