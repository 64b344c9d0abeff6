"""The straight line with real SDKs: unmodified clients, HTTPS_PROXY and a CA, a provider behind TLS."""

import json

import httpx
import openai
import pytest

from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, TOKEN, anthropic_client, http, http2, in_process, openai_client

MESSAGES = [{"role": "user", "content": "Say hello."}]


def test_openai_sdk_in_a_fresh_process_with_only_the_proxy_and_the_ca(shared, providers):
    _, gateway = shared

    answer = in_process(
        gateway,
        """
        import json, openai
        client = openai.OpenAI()
        reply = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
        print(json.dumps({"text": reply.choices[0].message.content, "tokens": reply.usage.total_tokens}))
        """,
    )

    assert answer["text"]
    assert answer["tokens"] == 14


def test_the_provider_sees_its_own_name_and_the_gateways_credential_only(shared, providers):
    _, gateway = shared
    openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    seen = providers[0].seen[-1]
    assert seen.sni == "api.openai.com"
    assert seen.header("host") == "api.openai.com"
    assert seen.header("authorization") == f"Bearer {OPENAI_KEY}"
    assert "sk-workload-own" not in str(seen.fields)
    assert seen.header("proxy-authorization") is None


def test_anthropic_sdk_plain(shared, providers):
    _, gateway = shared
    reply = anthropic_client(gateway).messages.create(model="claude-sonnet-4-5", max_tokens=64, messages=MESSAGES)

    assert reply.content[0].text
    assert reply.usage.input_tokens == 9
    assert providers[1].seen[-1].header("x-api-key") == ANTHROPIC_KEY


def test_openai_sdk_streamed(shared):
    _, gateway = shared
    stream = openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True)
    chunks = list(stream)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert all(chunk.choices for chunk in chunks), "the usage event was not asked for and must stay hidden"


def test_openai_sdk_streamed_with_usage_asked_for(shared):
    _, gateway = shared
    options = {"include_usage": True}
    stream = openai_client(gateway).chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, stream=True, stream_options=options
    )

    assert [chunk.usage.total_tokens for chunk in stream if chunk.usage] == [14]


def test_anthropic_sdk_streamed(shared):
    _, gateway = shared
    with anthropic_client(gateway).messages.stream(model="claude-sonnet-4-5", max_tokens=64, messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text
    assert text == final.content[0].text


def test_embeddings(shared):
    _, gateway = shared
    reply = openai_client(gateway).embeddings.create(model="text-embedding-3-small", input="hello", encoding_format="float")

    assert len(reply.data[0].embedding) == 4


def test_unknown_fields_survive(shared, providers):
    _, gateway = shared
    extra = {"x_new_parameter": {"nested": [1, 2.5, None, True]}}
    openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, extra_body=extra)

    assert json.loads(providers[0].seen[-1].body)["x_new_parameter"] == extra["x_new_parameter"]


def test_A30_a_cluster_local_alias_reaches_the_provider_under_its_own_name(shared, providers):
    _, gateway = shared
    alias = openai.OpenAI(
        api_key=TOKEN,
        base_url=f"http://127.0.0.1:{gateway.port}/v1",
        default_headers={"host": "api-openai.svc.cluster.local"},
        max_retries=0,
    )
    alias.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    seen = providers[0].seen[-1]
    assert (seen.sni, seen.header("host")) == ("api.openai.com", "api.openai.com")
    assert seen.header("authorization") == f"Bearer {OPENAI_KEY}"
    assert TOKEN not in str(seen.fields)


def test_an_absolute_form_request_is_judged_the_same_way(shared, providers):
    _, gateway = shared
    with http(gateway) as client:
        url = "http://api-openai.svc.cluster.local/v1/chat/completions"
        reply = client.post(url, json={"model": "gpt-4o-mini", "messages": MESSAGES})

    assert reply.status_code == 200
    assert providers[0].seen[-1].sni == "api.openai.com"
    assert providers[0].seen[-1].header("proxy-authorization") is None


def test_http2_clients_are_served(shared):
    _, gateway = shared
    with http2(gateway) as client:
        reply = client.post("https://api.openai.com/v1/chat/completions", json={"model": "gpt-4o-mini", "messages": MESSAGES})

    assert (reply.http_version, reply.status_code) == ("HTTP/2", 200)


@pytest.mark.parametrize("client", [http, http2])
@pytest.mark.parametrize("path", ["/v1/models", "/nothing/here"])
def test_requests_without_a_body_are_answered_and_HEAD_without_content(shared, client, path):
    """RFC 9110 section 9.3.2: clients of HTTP/2 end the connection over content that no HEAD may bring."""
    _, gateway = shared
    url = f"https://api.openai.com{path}"
    with client(gateway) as opened:
        told = [opened.request(method, url) for _ in range(3) for method in ("GET", "HEAD", "DELETE")]

    assert [b""] * 3 == [reply.content for reply in told if reply.request.method == "HEAD"]
    assert all(reply.content for reply in told if reply.request.method != "HEAD")


def test_http2_streams_are_served(shared):
    _, gateway = shared
    body = {"model": "gpt-4o-mini", "messages": MESSAGES, "stream": True}
    with http2(gateway) as client:
        text = client.post("https://api.openai.com/v1/chat/completions", json=body).text

    assert text.endswith("data: [DONE]\n\n")


def test_A37_an_unknown_destination_is_denied(shared, providers):
    _, gateway = shared
    with http(gateway) as client, pytest.raises(httpx.ProxyError, match="403"):
        client.get("https://api.evil.example/v1/models")


def test_A33_without_a_token_nothing_is_dialled(shared, providers):
    _, gateway = shared
    with http(gateway, None) as client, pytest.raises(httpx.ProxyError, match="407"):
        client.get("https://api.openai.com/v1/models")

    assert providers[0].seen == []


@pytest.mark.parametrize("path", ["/v1/assistants", "/v1/threads", "/health"])
def test_paths_that_are_no_inference_carry_no_body_unjudged(shared, providers, path):
    _, gateway = shared
    with http(gateway) as client:
        reply = client.post(f"https://api.openai.com{path}", json={"input": "hi"})

    assert (reply.status_code, reply.headers["x-outgate-reason"]) == (400, "unjudged_content")
    assert providers[0].seen == []
