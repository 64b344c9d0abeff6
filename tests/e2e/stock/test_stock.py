"""Stock `mitmdump -s addons/gateway.py`: the same plan, the same doors shut (M1 to M19), a clean end."""

import gzip
import socket
import ssl
from base64 import b64encode

import pytest

from e2e.load import BODY, URL, ask
from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, STAGES, TOKEN, World, anthropic_client, http, http2, lines, openai_client
from support.behaviours import reset
from support.stock import StockGateway

ENV = {"E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY}
LIMITS = "limits: {head_seconds: 1, body_bytes: 65536}"


@pytest.fixture(name="stock", scope="module")
def _stock(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("stock"), *providers)
    with StockGateway(world.policy(STAGES, gateway=LIMITS), world.folder / "state", env=ENV) as gateway:
        gateway.world = world
        yield gateway


def tunnel(gateway, authority="api.openai.com:443"):
    """A socket in a CONNECT tunnel."""
    token = b64encode(f"app:{TOKEN}".encode()).decode()
    link = socket.create_connection(("127.0.0.1", gateway.port), 10)
    link.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nProxy-Authorization: Basic {token}\r\n\r\n".encode())
    head = link.recv(4096)
    return link, int(head.split(b" ")[1])


def encrypted(gateway, link, name="api.openai.com"):
    return ssl.create_default_context(cafile=str(gateway.ca)).wrap_socket(link, server_hostname=name)


def rest(link):
    """Everything until the gateway closes the connection."""
    data = b""
    try:
        while part := link.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return data


def talk(gateway, head: bytes, body: bytes = b""):
    """One raw request inside a tunnel; the answer, until the connection closes."""
    link, _ = tunnel(gateway)
    with encrypted(gateway, link) as inner:
        inner.sendall(head + b"connection: close\r\n\r\n" + body)
        return rest(inner)


def nothing_was_sent(providers):
    return [seen for provider in providers for seen in provider.seen] == []


def test_real_sdks_get_answers_under_the_same_plan(stock, providers):
    chat = openai_client(stock).chat.completions.create(**BODY)
    message = anthropic_client(stock).messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=BODY["messages"])
    stream = openai_client(stock).chat.completions.create(**BODY, stream=True)

    assert chat.choices[0].message.content
    assert message.content[0].text
    assert "".join(part.choices[0].delta.content or "" for part in stream if part.choices)
    assert providers[0].seen[-1].header("authorization") == f"Bearer {OPENAI_KEY}"
    assert providers[0].seen[-1].header("proxy-authorization") is None


def test_http2_clients_are_served(stock):
    with http2(stock) as client:
        reply = client.post(URL, json=BODY)

    assert (reply.http_version, reply.status_code) == ("HTTP/2", 200)


def test_plan_and_every_exchange_are_told(stock):
    before = len(lines(stock.world))
    assert ask(stock) == 200

    assert stock.wait(lambda: len(lines(stock.world)) == before + 1)


def test_M5_a_provider_that_breaks_off_is_answered_in_the_callers_dialect(stock, providers):
    providers[0].script(reset("headers"))
    with http(stock) as client:
        reply = client.post(URL, json=BODY)

    assert reply.status_code == 502
    assert reply.json()["error"]["code"]


def test_M6_bytes_that_are_no_http_reach_nobody(stock, providers):
    link, status = tunnel(stock)
    with link:
        assert status == 200
        link.sendall(b"SSH-2.0-OpenSSH_9.6\r\n" + b"\x00" * 64 + b"\r\n\r\n")
        rest(link)

    assert nothing_was_sent(providers)


@pytest.mark.parametrize("host", ["api.evil.example", "api.anthropic.com", "api.openai.com.evil.example"])
def test_M7_a_host_that_is_not_the_tunnels_is_refused(stock, providers, host):
    answer = talk(stock, f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\ncontent-length: 2\r\n".encode(), b"{}")

    assert answer.startswith(b"HTTP/1.1 421")
    assert nothing_was_sent(providers)


def test_M8_an_sni_that_is_not_the_tunnels_is_refused(stock, providers):
    link, _ = tunnel(stock)
    trusted = ssl.create_default_context(cafile=str(stock.ca))
    trusted.check_hostname = False  # the certificate is that of the CONNECT's name
    with trusted.wrap_socket(link, server_hostname="api.anthropic.com") as inner:
        inner.sendall(b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nconnection: close\r\n\r\n")
        answer = rest(inner)

    assert answer.startswith(b"HTTP/1.1 421")
    assert nothing_was_sent(providers)


def test_M9_an_absolute_url_inside_a_tunnel_is_refused(stock, providers):
    answer = talk(stock, b"GET https://api.evil.example/v1/models HTTP/1.1\r\nHost: api.openai.com\r\n")

    assert answer.startswith(b"HTTP/1.1 4")
    assert nothing_was_sent(providers)


@pytest.mark.parametrize(
    "fields",
    [b"Host: api.openai.com\r\n" * 2, b"Host: api.openai.com\r\nX-A: a\x00b\r\n", b"Host: api.openai.com\r\nX-A: a\r\n folded\r\n"],
)
def test_M10_heads_that_parsers_disagree_on_are_refused(stock, providers, fields):
    answer = talk(stock, b"POST /v1/chat/completions HTTP/1.1\r\n" + fields + b"content-length: 2\r\n", b"{}")

    assert answer.startswith(b"HTTP/1.1 4")
    assert nothing_was_sent(providers)


def test_M12_a_flood_of_header_fields_is_cut(stock, providers):
    link, _ = tunnel(stock)
    with encrypted(stock, link) as inner:
        answer = b""
        try:
            inner.sendall(b"GET / HTTP/1.1\r\nHost: api.openai.com\r\nX: ")
            for _ in range(64):
                inner.sendall(b"a" * 16384)
        except OSError:
            pass
        else:
            answer = rest(inner)

    assert answer == b"" or b" 431 " in answer[:20]
    assert nothing_was_sent(providers)


@pytest.mark.parametrize("stage", ["connect", "hello", "head"])
def test_M13_who_stalls_is_cut_off(stock, stage):
    if stage == "connect":
        link = socket.create_connection(("127.0.0.1", stock.port), 10)
    else:
        link, _ = tunnel(stock)
        if stage == "head":
            link = encrypted(stock, link)
            link.sendall(b"POST /v1/chat/completions HT")
    with link:
        link.settimeout(8)
        assert b"200" not in rest(link)


def test_M14_a_bomb_is_not_unpacked(stock, providers):
    bomb = gzip.compress(b"0" * 50_000_000)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\ncontent-type: application/json\r\n"
    answer = talk(stock, head + f"content-encoding: gzip\r\ncontent-length: {len(bomb)}\r\n".encode(), bomb)

    assert answer.startswith(b"HTTP/1.1 4")
    assert nothing_was_sent(providers)


def test_a_body_beyond_the_limit_is_refused_by_its_own_limit(stock, providers):
    with http(stock) as client:
        reply = client.post(URL, json=BODY | {"user": "u" * 70_000})

    assert (reply.status_code, reply.headers["x-outgate-reason"]) == (413, "body_too_large")
    assert nothing_was_sent(providers)


def test_M17_no_app_of_mitmproxys_is_served(stock, providers):
    with http(stock) as client:
        reply = client.get("http://mitm.it/")

    assert reply.status_code == 403
    assert "mitmproxy" not in reply.text


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"upgrade": "websocket", "sec-websocket-key": "x" * 22}, 426, "upgrade_denied"),
        ({"upgrade": "h2c"}, 400, "unjudged_content"),  # stock mitmproxy takes this one off: what is left is an ordinary request
    ],
)
def test_upgrades_are_refused(stock, providers, fields, status, reason):
    with http(stock) as client:
        reply = client.get("https://api.openai.com/v1/realtime", headers={"connection": "Upgrade", **fields})

    assert (reply.status_code, reply.headers["x-outgate-reason"]) == (status, reason)
    assert nothing_was_sent(providers)


def test_it_ends_cleanly_and_says_what_stock_cannot_promise(tmp_path, providers):
    world = World(tmp_path, *providers)
    with StockGateway(world.policy(STAGES + "redact: {}\n"), tmp_path / "state", env=ENV) as gateway:
        assert ask(gateway) == 200  # by a model server, whose process ends with it
        assert gateway.stop() == 0
    assert gateway.says("hold only in part")
    assert [line["outcome"] for line in lines(world)] == ["answered"]
    assert not gateway.says("Traceback")
    assert not gateway.says("Event loop is closed")


def test_it_listens_on_this_machine_alone_unless_told_otherwise(tmp_path, providers):
    world = World(tmp_path, *providers)
    for unsaid, reachable in ((True, False), (False, True)):
        state = tmp_path / f"state{unsaid}"
        with StockGateway(world.policy(), state, env=ENV, listen_host="" if unsaid else "0.0.0.0") as gateway:
            assert gateway.says("listens on 127.0.0.1 alone") is unsaid
            assert ask(gateway) == 200
            assert accepts(gateway, "127.0.0.2") is reachable


def accepts(gateway, host):
    try:
        socket.create_connection((host, gateway.port), 2).close()
    except ConnectionRefusedError:
        return False
    return True
