"""The scripted provider itself: what it says it does is what real clients see."""

import socket
import ssl
import time

import anthropic
import httpx
import httpx2
import openai
import pytest

from support.behaviours import echo, huge_headers, redirect, refuse, reset, silent, sse, truncated
from support.scripted_upstream import ScriptedUpstream
from support.sse import TEXT
from support.waiting import until


@pytest.fixture(name="upstream")
def _upstream():
    with ScriptedUpstream("localhost") as upstream:
        yield upstream


def client(upstream: ScriptedUpstream, library=httpx, **options):
    context = ssl.create_default_context(cadata=upstream.ca_pem.decode())
    return library.Client(base_url=f"https://localhost:{upstream.port}", verify=context, trust_env=False, **options)


def test_openai_sdk_reads_plain_and_streamed_answers(upstream):
    sdk = openai.OpenAI(api_key="k", base_url=f"https://localhost:{upstream.port}/v1", http_client=client(upstream))
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}

    plain = sdk.chat.completions.create(**asked)
    streamed = list(sdk.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))

    assert plain.choices[0].message.content == TEXT
    assert "".join(c.choices[0].delta.content or "" for c in streamed if c.choices) == TEXT
    assert streamed[-1].usage.total_tokens == 14
    assert [seen.turn for seen in upstream.seen] == [0, 1]
    assert [seen.sni for seen in upstream.seen] == ["localhost"] * 2
    assert upstream.seen[0].header("authorization") == "Bearer k"


def test_anthropic_sdk_reads_plain_and_streamed_answers(upstream):
    sdk = anthropic.Anthropic(api_key="k", base_url=f"https://localhost:{upstream.port}", http_client=client(upstream, httpx2))
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}

    plain = sdk.messages.create(**asked)
    with sdk.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)

    assert plain.content[0].text == TEXT
    assert text == TEXT


def test_scripts_are_used_in_order_and_then_the_ordinary_answer(upstream):
    upstream.script(refuse(429, "7"), redirect("https://other.test/"), echo())
    with client(upstream) as http:
        got = [http.post("/v1/chat/completions", json={}) for _ in range(4)]

    assert [answer.status_code for answer in got] == [429, 307, 200, 200]
    assert got[0].headers["retry-after"] == "7"
    assert got[2].json()["target"] == "/v1/chat/completions"


@pytest.mark.parametrize("when", ["before", "headers", "body"])
def test_resets_are_seen_as_broken_connections(upstream, when):
    upstream.script(reset(when, [b"data: 1\n\n"]))
    with client(upstream) as http, pytest.raises(httpx.TransportError):
        http.get("/")


def test_truncated_answers_and_huge_heads_fail_the_client(upstream):
    upstream.script(truncated(), truncated([b"data: 1\n\n"]), huge_headers())
    for _ in range(3):
        with client(upstream) as http, pytest.raises(httpx.TransportError):
            http.get("/")


def test_the_callers_leaving_is_recorded(upstream):
    upstream.script(sse([b"data: x\n\n"] * 1000, pace=0.01), silent())
    for _ in range(2):
        with client(upstream, timeout=0.2) as http, pytest.raises(httpx.TimeoutException), http.stream("GET", "/") as answer:
            for _ in answer.iter_raw():
                raise httpx.ReadTimeout("enough")

    assert until(lambda: all(seen.aborted for seen in upstream.seen))
    assert upstream.seen[0].aborted - upstream.seen[0].started < 2
    assert upstream.seen[0].finished is None


def test_plain_listener_serves_without_tls():
    with ScriptedUpstream(tls=False, otherwise=echo()) as upstream, socket.create_connection(("127.0.0.1", upstream.port)) as link:
        link.sendall(b"POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        link.settimeout(5)
        data, end = b"", time.monotonic() + 5
        while b'"body":"abc"' not in data and time.monotonic() < end:
            data += link.recv(4096)

    assert b'"body":"abc"' in data
    assert upstream.seen[0].sni is None
