"""Errors of providers in any shape: the status is theirs, and so is the text, in a shape of which SDKs make typed errors."""

import orjson
import pytest

from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES

SPOKEN = [(OPENAI, CHAT), (ANTHROPIC, MESSAGES), (RESPONSES, RESPONSE)]
every_dialect = pytest.mark.parametrize(("spoken", "operation"), SPOKEN, ids=["openai", "anthropic", "responses"])


def told(spoken, operation, raw, status):
    [event] = spoken.read(operation, raw, False, status=status)
    assert event.last
    return orjson.loads(event.encode())["error"]


@every_dialect
@pytest.mark.parametrize(
    ("status", "raw", "text"),
    [
        (422, b'{"detail":[{"loc":["body","model"],"msg":"field required","type":"missing"}]}', "body.model: field required"),
        (422, b'{"detail":"Model not loaded"}', "Model not loaded"),
        (400, b'{"object":"error","message":"max context length is 4096 tokens","code":400}', "max context length is 4096 tokens"),
        (500, b'{"errors":[{"message":"one"},{"message":"two"}]}', "one; two"),
        (503, b'{"status":"loading","eta":3}', '{"status":"loading","eta":3}'),
        (524, b"<!DOCTYPE html><html><style>b{}</style><title>524: A timeout</title><p>Try &amp; wait</p></html>",
         "The provider answered 524: 524: A timeout Try & wait"),
        (502, b"upstream connect error\r\n\x00", "The provider answered 502: upstream connect error"),
        (502, b"", "The provider answered 502 and no more."),
        (404, b'["no","such"]', 'The provider answered 404: ["no","such"]'),
        (500, b'data: {"object":"error","message":"busy"}\n\n', "busy"),
        (500, b'event: error\ndata: {"message":"busy"}', "busy"),
        (400, b"\xef\xbb\xbf{\"detail\":NaN,\"message\":\"odd\"}", "odd"),
    ],
)  # fmt: skip
def test_the_text_of_any_error_is_passed_on(spoken, operation, status, raw, text):
    error = told(spoken, operation, raw, status)

    assert text == error["message"]
    assert isinstance(error["type"], str)


def test_errors_of_a_dialect_pass_as_they_are():
    openai = b'{"error":{"message":"m","type":"t","param":null,"code":"c"}}'
    anthropic = b'{"type":"error","error":{"type":"rate_limit_error","message":"m"},"request_id":"r"}'

    assert openai == OPENAI.read(CHAT, openai, False, status=429)[0].encode()
    assert openai == RESPONSES.read(RESPONSE, openai, False, status=429)[0].encode()
    assert anthropic == ANTHROPIC.read(MESSAGES, anthropic, True, status=429)[0].encode()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'{"error":{"message":"openai says"}}', "openai says"),
        (b'{"error":"ollama says"}', "ollama says"),
        (b'{"type":"error","message":"flat"}', "flat"),
    ],
)
def test_errors_of_another_api_are_said_in_anthropics(raw, text):
    error = told(ANTHROPIC, MESSAGES, raw, 500)

    assert {"type": "api_error", "message": text} == error


def test_a_provider_code_is_kept():
    raw = b'{"object":"error","message":"m","code":"context_length_exceeded"}'

    assert "context_length_exceeded" == told(OPENAI, CHAT, raw, 400)["code"]
    assert {"error_code": "context_length_exceeded"} == told(ANTHROPIC, MESSAGES, raw, 400)["details"]


@every_dialect
def test_a_long_error_is_bounded(spoken, operation):
    assert len(told(spoken, operation, b"x" * 3_000_000, 500)["message"]) < 2_100
    assert len(told(spoken, operation, orjson.dumps({"detail": "y" * 9_000}), 500)["message"]) < 2_100


@every_dialect
def test_the_text_of_an_error_is_judged(spoken, operation):
    [event] = spoken.read(operation, b"no such key for <EMAIL_1>", False, status=401)

    assert any("<EMAIL_1>" in text.text for text in event.texts)
