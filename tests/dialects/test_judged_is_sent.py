"""P2 and P7: what was judged is what is sent, read by whoever reads it, and nothing that the caller sent is lost."""

import json
import random
import shutil
import subprocess

import orjson
import pytest

from support.responses_bodies import responses_body
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES, anthropic_body, openai_body, spelled

MADE = {
    "openai": (OPENAI, CHAT, openai_body),
    "anthropic": (ANTHROPIC, MESSAGES, anthropic_body),
    "responses": (RESPONSES, RESPONSE, responses_body),
}

COUNT = 5_000
READER = """
const lines = require("fs").readFileSync(0, "utf8").split("\\n").filter(Boolean);
for (const line of lines) { process.stdout.write(JSON.stringify(JSON.parse(JSON.parse(line))) + "\\n"); }
"""


def exact(value):
    """A value in which true is not 1, 1 is not 1.0, and -0.0 is not 0.0."""
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return value if isinstance(value, str) else repr(value)


def sent(dialect, operation, raw):
    request = dialect.decode(operation, raw)
    return dialect.encode(operation, request.prompt, request.model, request.params, None)


@pytest.mark.slow
@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_p7_round_trip_of_generated_bodies(made):
    dialect, operation, generate = made
    r = random.Random(7)
    for _ in range(COUNT // 2):
        body = generate(r)
        raw = spelled(r, body)
        wire = sent(dialect, operation, raw)

        assert exact(body) == exact(json.JSONDecoder().decode(wire.decode()))
        assert wire == sent(dialect, operation, wire)


def judged_and_sent(seed):
    """Random bodies with random edits: the tree as policies see it, and the bytes."""
    r = random.Random(seed)
    for _ in range(COUNT):
        dialect, operation, generate = r.choice(tuple(MADE.values()))
        request = dialect.decode(operation, spelled(r, generate(r)))
        prompt = request.prompt
        chosen = [i for i in range(len(prompt.leaves)) if r.random() < 0.2]
        prompt = prompt.replace({i: f'<{i}> "é\n' for i in chosen})
        yield prompt, request, dialect.encode(operation, prompt, request.model, request.params, None)


def strings(value):
    if isinstance(value, dict):
        return [*value, *(text for inner in value.values() for text in strings(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.slow
def test_p2_every_parser_reads_what_was_judged():
    for prompt, _, wire in judged_and_sent(2):
        tree = prompt.document.edited(dict(prompt.edits))
        by_json = json.JSONDecoder().decode(wire.decode())

        assert exact(tree) == exact(by_json)
        assert dict.fromkeys(by_json) == dict.fromkeys(orjson.loads(wire))
        edited = [leaf.text for leaf in prompt.leaves if leaf.text.startswith("<")]
        everything = strings(by_json) + [t for text in strings(by_json) if text.startswith("{") for t in inside(text)]
        assert not [text for text in edited if text not in everything]


def inside(text):
    try:
        return strings(json.JSONDecoder().decode(text))
    except ValueError:
        return []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_p2_node_reads_what_was_judged():
    wires = [wire for _, _, wire in judged_and_sent(4)]
    given = b"\n".join(orjson.dumps(wire.decode()) for wire in wires)
    done = subprocess.run([shutil.which("node"), "-e", READER], input=given, capture_output=True, timeout=60, check=True)
    read = done.stdout.decode().strip("\n").split("\n")

    assert COUNT == len(read)
    for wire, line in zip(wires, read, strict=True):
        assert floats(json.JSONDecoder().decode(wire.decode())) == floats(json.JSONDecoder().decode(line))


def floats(value):
    """Every number as the double that JavaScript makes of it."""
    if isinstance(value, dict):
        return {key: floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [floats(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"temperature": 0}, {"temperature": 1}),
        ({"stream": True}, {"stream": False}),
        ({"response_format": {"type": "text"}}, {"response_format": {"type": "json_object"}}),
        ({"tool_choice": "auto"}, {"tool_choice": "none"}),
        ({"user": "a"}, {"user": "b"}),
        ({"brand_new": 1}, {"brand_new": 2}),
        ({"messages": [{"role": "user", "content": "x"}]}, {"messages": [{"role": "system", "content": "x"}]}),
        ({"messages": [{"role": "user", "content": "x", "flag": True}]}, {"messages": [{"role": "user", "content": "x"}]}),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}]},
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AB"}}]}]},
        ),
    ],
)
def test_requests_that_differ_outside_their_words_have_different_identities(one, other):
    base = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    first, second = (OPENAI.decode(CHAT, orjson.dumps({**base, **extra})).params.identity for extra in (one, other))

    assert first != second


def test_identity_leaves_out_words_and_model_and_does_not_depend_on_spelling():
    one = OPENAI.decode(CHAT, b'{"model":"a","messages":[{"role":"user","content":"secret one"}],"n":1,"seed":2}').params.identity
    two = OPENAI.decode(CHAT, b'{"seed":2, "n":1, "messages":[{"content":"other", "role":"user"}], "model":"b"}').params.identity

    assert one == two
    assert b"secret" not in one


def test_a_number_and_its_digits_as_a_string_have_different_identities():
    def identity(card):
        block = {"type": "tool_use", "id": "t", "name": "f", "input": {"card": card}}
        body = {"model": "m", "max_tokens": 1, "messages": [{"role": "assistant", "content": [block]}]}
        return ANTHROPIC.decode(MESSAGES, orjson.dumps(body)).params.identity

    assert identity(4111111111111111) != identity("4111111111111111")
