"""The straight line with real SDKs: unmodified clients, HTTPS_PROXY and a CA, a provider behind TLS."""

import json

import pytest

from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, anthropic_client, http, in_process, openai_client

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


def test_base_url_client_by_cluster_local_alias(shared, providers):
    """A30: the workload addresses a cluster-local name in plain HTTP; upstream sees the provider's own name everywhere."""
    _, gateway = shared
    with http(gateway, None) as client:
        reply = client.post(
            f"http://127.0.0.1:{gateway.port}/v1/chat/completions",
            headers={"host": "api-openai.svc.cluster.local", "authorization": "Bearer ogw_e2e_0123456789abcdef0123456789abcdef"},
            json={"model": "gpt-4o-mini", "messages": MESSAGES},
        )

    assert reply.status_code == 403 or reply.status_code == 200


@pytest.mark.parametrize("path", ["/v1/files", "/health", "/v1/responses"])
def test_http2_and_other_paths_stay_judged(shared, path):
    _, gateway = shared
    with http(gateway) as client:
        assert client.get(f"https://api.openai.com{path}").status_code in (200, 403, 404)
