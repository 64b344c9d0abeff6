"""The unmodified SDKs read what the gateway writes: typed errors, mid-stream errors, canned answers, model lists."""

import anthropic
import httpx2
import openai
import pytest

from outgate.dialects.spec import Canned
from outgate.errors import Denial
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES

STATUSES = {
    400: ("BadRequestError", "BadRequestError"),
    401: ("AuthenticationError", "AuthenticationError"),
    403: ("PermissionDeniedError", "PermissionDeniedError"),
    404: ("NotFoundError", "NotFoundError"),
    409: ("ConflictError", "ConflictError"),
    413: ("APIStatusError", "RequestTooLargeError"),
    422: ("UnprocessableEntityError", "UnprocessableEntityError"),
    429: ("RateLimitError", "RateLimitError"),
    500: ("InternalServerError", "InternalServerError"),
    502: ("InternalServerError", "InternalServerError"),
    503: ("InternalServerError", "ServiceUnavailableError"),
    504: ("InternalServerError", "DeadlineExceededError"),
}
TURN = [{"role": "user", "content": "hi"}]


def transport(raw, status=200, kind="application/json"):
    def handle(_):
        return httpx2.Response(status, content=raw, headers={"content-type": kind, "x-request-id": "req1", "request-id": "req1"})

    return httpx2.Client(transport=httpx2.MockTransport(handle))


def openai_sdk(raw, status=200, kind="application/json"):
    return openai.OpenAI(api_key="k", max_retries=0, http_client=transport(raw, status, kind))


def anthropic_sdk(raw, status=200, kind="application/json"):
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=transport(raw, status, kind))


def denial(status):
    return Denial(code="some_reason", status=status, message="Refused by policy.")


def ask_openai(sdk, **extra):
    return sdk.chat.completions.create(model="m", messages=TURN, **extra)


def ask_anthropic(sdk, **extra):
    return sdk.messages.create(model="m", max_tokens=5, messages=TURN, **extra)


@pytest.mark.parametrize("status", STATUSES)
def test_openai_raises_its_typed_error(status):
    with pytest.raises(openai.APIStatusError) as caught:
        ask_openai(openai_sdk(OPENAI.error(denial(status), "req1"), status))

    assert getattr(openai, STATUSES[status][0]) is type(caught.value)
    assert ("some_reason", "req1", True) == (caught.value.code, caught.value.request_id, "Refused by policy." in str(caught.value))
    assert caught.value.type


@pytest.mark.parametrize("status", STATUSES)
def test_anthropic_raises_its_typed_error(status):
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask_anthropic(anthropic_sdk(ANTHROPIC.error(denial(status), "req1"), status))

    named = getattr(anthropic, STATUSES[status][1], None) or getattr(anthropic._exceptions, STATUSES[status][1])
    assert named is type(caught.value)
    assert ("some_reason", "Refused by policy.") == (caught.value.error_code, caught.value.api_message)
    assert "req1" == caught.value.body["request_id"]
    assert caught.value.type


def streamed(dialect, operation):
    events = dialect.canned(operation, Canned("Hello there", "m", "req1", 1), True, True)
    return [event.encode() for event in events]


def test_openai_raises_in_the_middle_of_a_stream():
    raw = streamed(OPENAI, CHAT)[0] + OPENAI.error_event(denial(403), "req1")
    received = []
    with pytest.raises(openai.APIError) as caught:
        received.extend(ask_openai(openai_sdk(raw, kind=OPENAI.content_type(True)), stream=True))

    assert ("some_reason", "permission_error") == (caught.value.code, caught.value.type)


@pytest.mark.parametrize("status", [403, 429, 503])
def test_anthropic_raises_in_the_middle_of_a_stream(status):
    raw = b"".join(streamed(ANTHROPIC, MESSAGES)[:3]) + ANTHROPIC.error_event(denial(status), "req1")
    with pytest.raises(anthropic.APIStatusError) as caught:
        list(ask_anthropic(anthropic_sdk(raw, kind=ANTHROPIC.content_type(True)), stream=True))

    assert "some_reason" == caught.value.error_code


def test_openai_reads_a_canned_answer():
    whole = b"".join(event.encode() for event in OPENAI.canned(CHAT, Canned("Hello", "m", "req1", 1), False, False))
    chunks = list(ask_openai(openai_sdk(b"".join(streamed(OPENAI, CHAT)), kind=OPENAI.content_type(True)), stream=True))

    assert "Hello" == ask_openai(openai_sdk(whole)).choices[0].message.content
    assert "Hello there" == "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert (["stop"], 0) == ([c.choices[0].finish_reason for c in chunks if c.choices][1:], chunks[-1].usage.total_tokens)


def test_anthropic_reads_a_canned_answer():
    whole = b"".join(event.encode() for event in ANTHROPIC.canned(MESSAGES, Canned("Hello", "m", "req1", 1), False, False))
    sdk = anthropic_sdk(b"".join(streamed(ANTHROPIC, MESSAGES)), kind=ANTHROPIC.content_type(True))
    with sdk.messages.stream(model="m", max_tokens=5, messages=TURN) as stream:
        final = stream.get_final_message()

    assert "Hello" == ask_anthropic(anthropic_sdk(whole)).content[0].text
    assert ("Hello there", "end_turn") == (final.content[0].text, final.stop_reason)


@pytest.mark.parametrize("status", STATUSES)
def test_the_responses_client_raises_its_typed_error(status):
    with pytest.raises(openai.APIStatusError) as caught:
        openai_sdk(RESPONSES.error(denial(status), "req1"), status).responses.create(model="m", input="hi")

    assert getattr(openai, STATUSES[status][0]) is type(caught.value)
    assert ("some_reason", "req1", True) == (caught.value.code, caught.value.request_id, "Refused by policy." in str(caught.value))


def test_the_responses_client_raises_in_the_middle_of_a_stream():
    raw = b"".join(streamed(RESPONSES, RESPONSE)[:4]) + RESPONSES.error_event(denial(403), "req1")
    with pytest.raises(openai.APIError) as caught:
        list(openai_sdk(raw, kind=RESPONSES.content_type(True)).responses.create(model="m", input="hi", stream=True))

    assert ("some_reason", "permission_error", "Refused by policy.") == (caught.value.code, caught.value.type, caught.value.message)


def test_the_responses_client_reads_a_canned_answer():
    whole = b"".join(event.encode() for event in RESPONSES.canned(RESPONSE, Canned("Hello", "m", "req1", 1), False, False))
    sdk = openai_sdk(b"".join(streamed(RESPONSES, RESPONSE)), kind=RESPONSES.content_type(True))
    with sdk.responses.stream(model="m", input="hi") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()

    assert "Hello" == openai_sdk(whole).responses.create(model="m", input="hi").output_text
    assert ("Hello there", "Hello there", "completed", 0) == (text, final.output_text, final.status, final.usage.total_tokens)


def test_sdks_list_models():
    listed = openai_sdk(OPENAI.models(["a", "b"], 5)).models.list()

    assert ["a", "b"] == [model.id for model in listed]
    assert ["a", "b"] == [model.id for model in anthropic_sdk(ANTHROPIC.models(["a", "b"], 5)).models.list()]
