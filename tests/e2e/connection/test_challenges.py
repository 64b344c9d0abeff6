"""A refused CONNECT says what is wrong to those who show only part of it: a challenge, a reason phrase, an id, a sentence.

Sources: RFC 9110 sections 11.7.1 and 15.5.8; clients as they are installed here.
"""

import asyncio
import json
import shutil
import socket
import subprocess

import httpx
import pytest
import requests

from e2e.connection.test_refused_tunnels import basic
from e2e.world import TOKEN, http, lines
from support.raw_client import Raw, request
from support.raw_client import basic as credentials
from support.waiting import until

URL = "https://api.openai.com/v1/models"
CONNECTS = {
    "no token": ("api.openai.com:443", (), 407, "the gateway needs a workload's name and token"),
    "a wrong token": ("api.openai.com:443", (basic("ogw_wrong"),), 407, "no workload under this name and token"),
    "an unlisted host": ("evil.test:443", (basic(TOKEN),), 403, "no policy allows the destination evil.test:443"),
    "two names": ("api.openai.com:443", (basic(TOKEN), "Host: evil.test"), 421, "CONNECT and Host must name the same destination"),
    "a strange port": (
        "api.openai.com:0443",
        (basic(TOKEN),),
        400,
        "the port is not a plain number from 1 to 65535",
    ),
}


def answer(gateway, authority, fields):
    """Status line, fields and body of one CONNECT's answer."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as link:
        given = fields if any(field.startswith("Host") for field in fields) else (f"Host: {authority}", *fields)
        link.sendall("\r\n".join((f"CONNECT {authority} HTTP/1.1", *given, "", "")).encode())
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _length(data):
            data += link.recv(4096)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return first, {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in rest)}, body


def _length(data):
    found = [line for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return int(found[0].split(b":")[1])


@pytest.mark.parametrize("case", CONNECTS)
def test_a_refused_connect_says_what_is_wrong_in_every_place_a_client_may_look(shared, case):
    _, gateway = shared
    authority, fields, status, sentence = CONNECTS[case]

    first, told, body = answer(gateway, authority, fields)
    error = json.loads(body)["error"]
    request_id = told["x-outgate-request-id"]

    assert f"HTTP/1.1 {status} outgate: {sentence[:1].lower()}{sentence[1:]} ({request_id})" == first
    assert (error["code"], error["request_id"]) == (told["x-outgate-reason"], request_id)
    assert error["message"].lower().rstrip(".") == sentence.lower()
    assert (status == 407) == (told.get("proxy-authenticate") == 'Basic realm="outgate"')


def test_a_connect_that_cannot_be_read_says_so_too(shared):
    _, gateway = shared

    first, told, body = answer(gateway, "a@api.openai.com:443", (basic(TOKEN),))

    assert "HTTP/1.1 400 outgate: malformed request head" == first
    assert ("malformed_request", "close") == (told["x-outgate-reason"], told["connection"])
    assert "malformed_request" == json.loads(body)["error"]["code"]


def test_the_id_of_a_refused_connect_is_that_of_its_line(shared):
    world, gateway = shared

    _, told, _ = answer(gateway, "evil.test:443", (basic(TOKEN),))

    assert until(lambda: told["x-outgate-request-id"] in {line["id"] for line in lines(world)})


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_answers_the_challenge_of_any_authentication_scheme(shared, providers):
    """`--proxy-anyauth` sends no credentials until it is asked for them."""
    _, gateway = shared
    proxy = ["--proxy", f"http://127.0.0.1:{gateway.port}", "--proxy-user", f"app:{TOKEN}", "--proxy-anyauth"]

    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_connect} %{http_code}", *proxy, "--cacert", str(gateway.ca), URL],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert "200 200" == done.stdout
    assert ["/v1/models"] == [seen.target for seen in providers[0].seen]


def test_httpx_shows_the_reason_and_the_id(shared):
    _, gateway = shared

    with http(gateway, "ogw_wrong") as client, pytest.raises(httpx.ProxyError, match=r"407 outgate: no workload under .* \(req_"):
        client.get(URL)


def test_requests_shows_the_reason_and_the_id(shared):
    _, gateway = shared
    proxies = {"https": gateway.proxy_url("app", "ogw_wrong")}

    with pytest.raises(requests.exceptions.ProxyError, match=r"407 outgate: no workload under .* \(req_"):
        requests.get(URL, proxies=proxies, verify=str(gateway.ca), timeout=20)


def test_a_connection_whose_connect_was_refused_can_ask_again(shared):
    _, gateway = shared

    async def ask():
        async with Raw.to(gateway) as raw:
            first = await raw.ask(request("CONNECT", "api.openai.com:0443", fields=[credentials(TOKEN)]), tunnel=True)
            return first.status, (await raw.connect("api.openai.com:443", TOKEN)).status

    assert (400, 200) == asyncio.run(ask())


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("api.openai.com:443", "api.openai.com", 200),
        ("api-openai.svc.cluster.local:80", "api-openai.svc.cluster.local", 200),
        ("api-openai.svc.cluster.local:80", "api-openai.svc.cluster.local:80", 200),
        ("api-openai.svc.cluster.local:80", "api-openai.svc.cluster.local:443", 421),
        ("api-openai.svc.cluster.local:80", "api.openai.com", 421),
    ],
)
def test_a_host_without_a_port_means_the_port_of_its_connect(shared, target, host, status):
    """Node from 24 on sends `CONNECT name:80` with `Host: name`."""
    _, gateway = shared

    async def ask():
        async with Raw.to(gateway) as raw:
            fields = [credentials(TOKEN), ("host", host)]
            return (await raw.ask(request("CONNECT", target, fields=fields), tunnel=True)).status

    assert status == asyncio.run(ask())
