"""Header fields that cross the boundary (E6): sixty names of a client do not leave, a provider's control fields do not come in."""

import pytest

from e2e.world import OPENAI_KEY, http, http2
from support import behaviours as b
from support.openai_answers import chat_completion, chat_events

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
CHAT = "https://api.openai.com/v1/chat/completions"
CANARY = "canary-5c1e"
OUT = """
authorization proxy-authorization proxy-authenticate proxy-connection proxy-status x-api-key api-key x-goog-api-key
x-auth-token cookie cookie2 forwarded via x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-prefix x-real-ip
x-client-ip true-client-ip cf-connecting-ip x-original-url x-original-host x-rewrite-url x-host x-http-method-override
x-method-override x-outgate-request-id x-outgate-reason x-outgate-tenant x-outgate-anything x-envoy-original-path
x-envoy-internal x-amz-security-token x-litellm-api-key x-portkey-custom-host x-portkey-api-key helicone-auth x-target-url
x-upstream x-proxy-url x-base-url x-internal-token x-tenant-id x-user-id x-csrf-token origin referer range if-range if-match
if-none-match dnt max-forwards traceparent tracestate baggage x-request-id x-b3-traceid accept-encoding early-data priority
""".split()  # noqa: SIM905
LISTED = ["x-listed", "user-agent", "idempotency-key"]
IN = """
set-cookie set-cookie2 alt-svc alt-used x-outgate-request-id x-outgate-reason x-outgate-anything connection keep-alive upgrade
proxy-authenticate proxy-connection proxy-authentication-info www-authenticate trailer te via server x-powered-by
strict-transport-security content-security-policy location content-location refresh link clear-site-data nel report-to
reporting-endpoints access-control-allow-origin access-control-allow-credentials cache-status x-accel-redirect x-sendfile
x-envoy-upstream-service-time x-forwarded-for cf-ray etag expires age vary x-frame-options server-timing
""".split()  # noqa: SIM905


def test_there_are_sixty_names():
    assert len(set(OUT)) >= 60


@pytest.mark.parametrize("client", [http, http2], ids=["http1", "http2"])
def test_a_clients_fields_do_not_leave(shared, providers, client):
    _, gateway = shared
    fields = {name: f"{CANARY}-{at}" for at, name in enumerate(OUT)}

    with client(gateway) as caller:
        reply = caller.post(CHAT, json=BODY, headers=fields)

    assert 200 == reply.status_code, reply.text
    [seen] = providers[0].seen
    assert [field for field in seen.fields if CANARY in field[1]] == []
    assert [("authorization", f"Bearer {OPENAI_KEY}")] == [field for field in seen.fields if "auth" in field[0]]


@pytest.mark.parametrize("name", ["host", "content-length", "transfer-encoding", "connection", "te", "trailer", "keep-alive"])
def test_framing_is_the_gateways_own(shared, providers, name):
    _, gateway = shared
    value = {"connection": "keep-alive", "te": "trailers", "transfer-encoding": "chunked", "host": "api.openai.com"}.get(name, "5")
    chunked = (piece for piece in [b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'])

    with http(gateway) as caller:
        if name in ("content-length", "transfer-encoding"):
            reply = caller.post(CHAT, content=chunked)
        else:
            reply = caller.post(CHAT, json=BODY, headers={name: value})

    assert 200 == reply.status_code
    [seen] = providers[0].seen
    own = {
        key: text
        for key, text in seen.fields
        if key in ("host", "content-length", "transfer-encoding", "te", "trailer", "keep-alive")
    }
    assert {"host": "api.openai.com", "content-length": str(len(seen.body))} == own


def test_what_connection_lists_does_not_leave(shared, providers):
    _, gateway = shared
    fields = dict.fromkeys(LISTED, CANARY) | {"connection": ", ".join(LISTED)}

    with http(gateway) as caller:
        assert 200 == caller.post(CHAT, json=BODY, headers=fields).status_code

    assert [field for field in providers[0].seen[0].fields if CANARY in field[1]] == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_control_fields_do_not_come_in(shared, providers, stream):
    _, gateway = shared
    fields = [(name, {"connection": "keep-alive", "te": "trailers"}.get(name, f"{CANARY}-{name}")) for name in IN]
    providers[0].script(b.sse(chat_events(), headers=fields) if stream else b.answer_json(chat_completion(), 200, dict(fields)))

    with http(gateway) as caller:
        reply = caller.post(CHAT, json=BODY | {"stream": stream})

    assert 200 == reply.status_code
    framing = {"content-length", "transfer-encoding"}
    assert {"content-type", "x-outgate-request-id"} == set(reply.headers) - framing
    assert CANARY not in str(reply.headers)


def test_what_an_sdk_needs_of_a_provider_comes_in(shared, providers):
    _, gateway = shared
    fields = {
        "retry-after": "7", "x-ratelimit-remaining-tokens": "5", "openai-processing-ms": "3", "x-request-id": "req-of-provider",
        "retry-after-ms": "7000", "x-should-retry": "false",
    }  # fmt: skip
    providers[0].script(b.answer_json(chat_completion(), 200, fields))

    with http(gateway) as caller:
        reply = caller.post(CHAT, json=BODY)

    assert fields == {name: reply.headers[name] for name in fields}
