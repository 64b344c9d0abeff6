"""Values that only a provider can read leave byte for byte, joined to nothing; anything else in their place is text."""

import base64
import json

import pytest

from outgate.inference.prompt import Channel
from stages.test_redact import Redaction
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES

MAIL = "maria@mail.test"
LONG = "EqQBCkYIBxgCKkDq2mZ0V3Jm9yYWxzb3RoaXNpc2Jhc2U2NHRleHRvZmFzaWduYXR1cmVvZnRoaW5raW5n"
FORTY = LONG[:40]
WORDS = base64.b64encode(b"my key is hunter2, and I live in Kassel").decode()
SIGNED = [LONG, FORTY, "ZW5j"]
assert len(FORTY) == 40


def thoughts(role, *blocks):
    said = [{"role": "user", "content": "hi"}, {"role": role, "content": [*blocks, {"type": "text", "text": "ok"}]}]
    return ANTHROPIC, MESSAGES, {"model": "m", "max_tokens": 9, "messages": said}


def thinking(text, signature):
    return {"type": "thinking", "thinking": text, "signature": signature}


def reasoning(text, sealed, **members):
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}], "encrypted_content": sealed}
    return RESPONSES, RESPONSE, {"model": "m", "input": [{**item, **members}, {**item, **members}]}


def leaves(dialect, operation, body):
    return {leaf.text: leaf.channel for leaf in dialect.decode(operation, json.dumps(body).encode()).prompt.leaves}


def sent(dialect, operation, body):
    """What leaves, redacted."""
    request = dialect.decode(operation, json.dumps(body).encode())
    redacted, _ = Redaction()(request.prompt)
    return dialect.encode(operation, redacted, "m", request.params).decode()


@pytest.mark.parametrize("signature", SIGNED)
@pytest.mark.parametrize(
    "made",
    [
        lambda signature: thoughts("assistant", thinking("hm", signature), thinking(f"{MAIL} it is", signature)),
        lambda signature: thoughts("assistant", {"type": "redacted_thinking", "data": signature}, thinking(f"{MAIL}", signature)),
        lambda signature: reasoning(f"{MAIL} it is", signature),
    ],
    ids=["signature", "redacted_thinking", "encrypted_content"],
)
def test_what_is_signed_leaves_byte_for_byte_beside_a_mail_address(made, signature):
    wire = sent(*made(signature))

    assert 2 == wire.count(f'"{signature}"')
    assert MAIL not in wire


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        (LONG, Channel.SEALED),
        (FORTY, Channel.SEALED),
        (FORTY + "==", Channel.SEALED),
        ("A" * 1_048_576, Channel.SEALED),
        ("A" * 1_048_577, Channel.PARAMETER),
        (FORTY[:39], Channel.PARAMETER),
        (WORDS, Channel.PARAMETER),
        (WORDS.rstrip("="), Channel.PARAMETER),
        ("4111111111111111" * 3, Channel.PARAMETER),
        (f"{MAIL} {LONG}", Channel.REASONING),
        (f"{LONG} ", Channel.REASONING),
        (f"{LONG}é", Channel.REASONING),
    ],
)
def test_only_bounded_base64_is_carried_unread(text, channel):
    assert channel is leaves(*thoughts("assistant", thinking("hm", text)))[text]
    assert channel is leaves(*thoughts("assistant", {"type": "redacted_thinking", "data": text}))[text]
    assert channel is leaves(*reasoning("hm", text))[text]


@pytest.mark.parametrize("block", [thinking("hm", LONG), {"type": "redacted_thinking", "data": LONG}])
def test_thoughts_in_a_message_of_somebody_else_are_text(block):
    found = leaves(*thoughts("user", block))

    assert Channel.USER is found[LONG]
    assert Channel.USER is found.get("hm", Channel.USER)


@pytest.mark.parametrize("block", [thinking("hm", LONG), {"type": "redacted_thinking", "data": LONG}])
def test_thoughts_in_the_result_of_a_tool_are_text(block):
    result = {"type": "tool_result", "tool_use_id": "t", "content": [block]}

    assert Channel.TOOL_RESULT is leaves(*thoughts("user", result))[LONG]


@pytest.mark.parametrize("name", ["reasoning_details", "thought_signature"])
def test_members_that_nobody_knows_are_text(name):
    said = {"role": "assistant", "content": "ok", name: [{"type": "reasoning.encrypted", "data": LONG}]}
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}, said]}

    assert Channel.ASSISTANT is leaves(OPENAI, CHAT, body)[LONG]
