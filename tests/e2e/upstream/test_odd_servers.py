"""Servers that answer in the form that was not asked for, with errors under a status of success, with redirects and pages: callers
get their answer in their own form, or their API's error with the words of the server, never an empty success.
"""

from html import unescape

import orjson
import pytest

from e2e.translating import APIS, either_way, line_of, post, providers_by_api, said, translating
from e2e.world import OPENAI_KEY
from outgate.dialects.registry import conversations
from support import behaviours as b
from support.openai_answers import chat_events, chunk
from support.sse import event
from support.talks import DIALECTS, PROVIDERS

EVERY = [pytest.param(client, api, id=f"{client}-to-{api}") for client in conversations() for api in APIS]
every_pair = pytest.mark.parametrize(("client", "api"), EVERY)
every_client = pytest.mark.parametrize("client", conversations())
ERRORS = {
    "an error": ({"error": {"message": "busy today", "type": "server_error", "code": 503}}, 200, 502),
    "an error of FastAPI": ({"detail": "busy today"}, 200, 502),
    "a limit": ({"error": {"message": "busy today", "code": "rate_limit_exceeded"}}, 200, 429),
    "FastAPI under its status": ({"detail": [{"loc": ["body"], "msg": "busy today"}]}, 422, 422),
}
PAGES = {"a redirect": (302, 502), "a page of a proxy": (502, 502)}
CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "read", "arguments": '{"path":'}}
REST = {"index": 0, "function": {"arguments": '"a"}'}}
LAST = b"data: [DONE]\n\n"


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    with translating(tmp_path_factory.mktemp("odd"), providers, "") as gateway:
        yield gateway


@pytest.fixture(name="ask")
def _ask(gateway, providers):
    """Asks a provider in this API, which behaves so."""

    def ask(client, api, behaviour, *, stream):
        provider = providers_by_api(providers)[api]
        provider.script(behaviour)
        reply = post(gateway, client, f"to-{api}", DIALECTS[client].ask("hi", stream), stream=stream)
        provider.forget()
        return reply

    return ask


NAMED = OPENAI_KEY.replace("-", "&#45;").replace("a", "&#97;").replace("c", "&#x63;")
ECHOES = {
    "pieces of a stream for a whole answer": (b.sse(chat_events([OPENAI_KEY[:9], OPENAI_KEY[9:]])), False),
    "an error under 200": (b.answer_json({"detail": f"bad key {OPENAI_KEY}"}), True),
    "a page in entities": (b.answer_bytes(f"<html><p>bad key {NAMED}</p></html>".encode(), "text/html", 502), False),
    "a page in entities twice": (b.answer_bytes(f"<html>{NAMED.replace('&', '&amp;')}</html>".encode(), "text/html", 502), False),
    "a redirect": (b.answer_bytes(f"<html>to ?key={OPENAI_KEY}</html>".encode(), "text/html", 302), True),
}


@every_client
@pytest.mark.parametrize("name", ECHOES)
def test_attack_a_server_that_echoes_the_credential_in_another_form(ask, client, name):
    behaviour, stream = ECHOES[name]
    reply = ask(client, "openai", behaviour, stream=stream)

    assert OPENAI_KEY not in unescape(unescape(reply.text)) + str(reply.headers)


def test_attack_a_redirect_to_another_host_takes_no_credential_there(ask, providers):
    """`Location` names a provider of the policy that has a credential of its own."""
    before = [len(provider.seen) for provider in providers]
    moved = b.answer_json({"error": "moved"}, 307, {"location": "https://api.anthropic.com/v1/messages"})
    reply = ask("openai", "openai", moved, stream=False)

    assert (502, "location" in reply.headers) == (reply.status_code, False)
    assert [1, 0, 0] == [len(provider.seen) - was for provider, was in zip(providers, before, strict=True)]


def error_of(reply):
    """The words of an error, from which the SDK of every dialect raises."""
    assert "application/json" == reply.headers["content-type"].partition(";")[0], reply.text
    return reply.json()["error"]["message"]


@every_pair
@either_way
def test_an_answer_in_the_form_that_was_not_asked_for_gets_the_one_that_was(ask, client, api, stream):
    talk = PROVIDERS[api]
    asked = {"stream_options": {"include_usage": True}}
    whole, events = talk.whole({}, "hello there", (9, 5)), talk.events(asked, ["hello ", "there"], (9, 5))
    raw = orjson.dumps(whole) if stream else b"".join(events)
    reply = ask(client, api, b.answer_bytes(raw, "application/json" if stream else "text/event-stream"), stream=stream)

    assert (200, "hello there") == (reply.status_code, said(client, reply, stream=stream)), reply.text
    assert stream == reply.headers["content-type"].startswith("text/event-stream")
    assert not stream or DIALECTS[client].end in reply.text


@every_pair
@either_way
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_keeps_its_words_and_gets_the_status_of_its_kind(ask, gateway, client, api, stream, name):
    tree, told, status = ERRORS[name]
    reply = ask(client, api, b.answer_json(tree, told), stream=stream)

    assert status == reply.status_code, reply.text
    assert "busy today" in error_of(reply)
    assert status == line_of(gateway, reply)["http.response.status_code"]


@every_pair
@either_way
@pytest.mark.parametrize("name", PAGES)
def test_pages_and_redirects_are_errors_that_say_what_the_page_says(ask, client, api, stream, name):
    told, status = PAGES[name]
    page = b"<html><head><style>p{}</style></head><body><p>busy today</p></body></html>"
    reply = ask(client, api, b.answer_bytes(page, "text/html", told), stream=stream)

    assert status == reply.status_code
    assert "busy today" in error_of(reply)
    assert ("redirect (302)" in reply.text) == (told == 302)


@every_client
@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/plain", "text/event-stream"])
def test_attack_garbage_for_a_stream_is_no_empty_success(ask, client, kind):
    reply = ask(client, "openai", b.answer_bytes(b"[1]", kind), stream=True)

    assert DIALECTS[client].end not in reply.text
    assert "error" in reply.text
    assert kind == "text/event-stream" or 502 == reply.status_code


@every_client
@pytest.mark.parametrize("lost", [b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,\n\n', b"data: {}}\n\n"])
def test_attack_a_call_that_misses_a_piece_never_ends_well(ask, client, lost):
    """An agent would run what there is of the call."""
    events = [event(chunk({"tool_calls": [CALL]})), lost, event(chunk({"tool_calls": [REST]})), event(chunk({}, "tool_calls"))]
    reply = ask(client, "openai", b.sse([*events, LAST]), stream=True)

    assert DIALECTS[client].end not in reply.text
    assert b"error" in reply.content


@pytest.mark.parametrize("client", [each for each in conversations() if each != "openai"])
@either_way
def test_an_answer_that_ended_with_an_error_is_no_success(ask, client, stream):
    """`finish_reason: "error"` of OpenRouter and Mistral."""
    whole = PROVIDERS["openai"].whole({}, "hello", (9, 5))
    whole["choices"][0]["finish_reason"] = "error"
    events = [event(chunk({"content": "hello"})), event(chunk({}, "error")), LAST]
    reply = ask(client, "openai", b.sse(events) if stream else b.answer_json(whole), stream=stream)

    assert DIALECTS[client].end not in reply.text
    assert (200 if stream else 502) == reply.status_code
    assert "error" in reply.text


@every_client
def test_a_name_in_pieces_is_the_name_of_the_call(ask, client):
    told = [("get_", ""), ("weather", ""), (None, '{"x":'), (None, "1}")]
    pieces = [{"index": 0, "id": "c", "function": {"name": name, "arguments": said}} for name, said in told]
    events = [event(chunk({"tool_calls": [piece]})) for piece in pieces]
    reply = ask(client, "openai", b.sse([*events, event(chunk({}, "tool_calls")), LAST]), stream=True)

    assert client == "openai" or '"get_weather"' in reply.text
    assert DIALECTS[client].end in reply.text
