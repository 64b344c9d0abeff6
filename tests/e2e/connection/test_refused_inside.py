"""A known workload that may not go there is told inside the tunnel, in the words of its own clients; telemetry is answered."""

import asyncio
import json
import shutil
import socket
import subprocess

import httpx
import pytest
import requests

from e2e.connection.test_refused_tunnels import basic, connect
from e2e.world import OTHER_TOKEN, STAGES, TOKEN, World, http, http2, lines
from support.raw_client import Raw
from support.waiting import until

HOST = "blocked.example.com"
GATEWAY = """
pinned_hosts: [pinned.example.com]
telemetry_hosts: {answer: ["*.telemetry.example.com"], silence: [quiet.example.com]}
"""


pytestmark = pytest.mark.usefixtures("nothing_was_dialled")


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("refused"), *providers)
    with world.inside(world.policy(STAGES, gateway=GATEWAY)) as gateway:
        yield gateway


def new_lines(gateway, known):
    return [line for line in lines(gateway.world) if line["id"] not in known]


def ids(gateway):
    return {line["id"] for line in lines(gateway.world)}


# -- clients -----------------------------------------------------------------------------------------------------------------

SHAPES = {
    "an OpenAI path": (HOST, "/v1/chat/completions", lambda error: error["type"] and error["code"] == "destination_denied"),
    "an OpenAI host": ("chatgpt.com", "/backend-api/x", lambda error: error["code"] == "destination_denied"),
    "Anthropic's path": (HOST, "/v1/messages", lambda error: error["type"] == "invalid_request_error"),
    "Anthropic's host": ("mcp-proxy.anthropic.com", "/whatever", lambda error: error["type"] == "invalid_request_error"),
    "Google's host": (
        "cloudcode-pa.googleapis.com",
        "/v1internal:streamGenerateContent?alt=sse",
        lambda error: (error["code"], error["status"]) == (403, "PERMISSION_DENIED"),
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_the_refusal_has_the_shape_that_clients_of_the_path_or_host_read(inside, case):
    host, path, is_right = SHAPES[case]
    with http(inside) as client:
        reply = client.post(f"https://{host}{path}", json={"model": "m", "messages": []})

    assert (400 if "Anthropic" in case else 403, "destination_denied", "close") == (
        reply.status_code, reply.headers["x-outgate-reason"], reply.headers["connection"],
    )  # fmt: skip
    assert is_right(reply.json()["error"])
    assert host in reply.json()["error"]["message"]


def test_the_line_holds_host_method_and_path_and_nothing_else_of_the_request(inside):
    known = ids(inside)
    with http(inside) as client:
        client.post(f"https://{HOST}/some/path?key=hidden-query", json={"said": "hidden-body"}, headers={"x-a": "hidden-field"})

    assert until(lambda: bool(new_lines(inside, known)))
    (line,) = new_lines(inside, known)
    names = ("outcome", "server.address", "http.request.method", "url.path", "outgate.workload")
    assert ("denied", f"{HOST}:443", "POST", "/some/path", "app") == tuple(line[name] for name in names)
    assert "hidden" not in str(line)


def test_a_provider_of_others_is_refused_inside_too(inside):
    with http(inside, OTHER_TOKEN, "other") as client:
        reply = client.post("https://api.anthropic.com/v1/messages", json={})

    assert (400, "invalid_request_error") == (reply.status_code, reply.json()["error"]["type"])


def test_requests_gets_the_sentence(inside):
    proxies = {"https": inside.proxy_url("app", TOKEN)}

    reply = requests.get(f"https://{HOST}/", proxies=proxies, verify=str(inside.ca), timeout=20)

    assert (403, True) == (reply.status_code, HOST in reply.json()["error"]["message"])


def test_a_client_that_speaks_only_http2_is_not_left_waiting(inside):
    with http2(inside) as client, pytest.raises(httpx.HTTPError):
        client.get(f"https://{HOST}/")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_gets_the_sentence(inside):
    proxy = ["--proxy", inside.proxy_url("app", TOKEN), "--cacert", str(inside.ca)]

    done = subprocess.run(["curl", "-s", *proxy, f"https://{HOST}/"], capture_output=True, text=True, timeout=30, check=False)

    assert HOST in json.loads(done.stdout)["error"]["message"]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_gets_the_sentence(inside):
    script = """
        const [port, credentials, host] = process.argv.slice(1);
        const http = require("http"), https = require("https");
        const headers = {Host: host + ":443", "Proxy-Authorization": "Basic " + Buffer.from(credentials).toString("base64")};
        http.request({port, method: "CONNECT", path: host + ":443", headers}).on("connect", (_, socket) => {
            https.get({host, socket, agent: false, path: "/"}, (reply) => {
                let body = "";
                reply.on("data", (part) => body += part).on("end", () => console.log(reply.statusCode, body));
            });
        }).end();
    """
    done = subprocess.run(
        ["node", "-e", script, str(inside.port), f"app:{TOKEN}", HOST],
        env={"NODE_EXTRA_CA_CERTS": str(inside.ca), "PATH": "/usr/bin"}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert done.stdout.startswith("403 "), done.stderr
    assert HOST in done.stdout


# -- who is told inside -------------------------------------------------------------------------------------------------------

AT_CONNECT = {
    "nobody": (f"{HOST}:443", (), 407),
    "a wrong token": (f"{HOST}:443", (basic("ogw_wrong"),), 407),
    "another port": (f"{HOST}:8443", (basic(TOKEN),), 403),
    "plain HTTP's port": (f"{HOST}:80", (basic(TOKEN),), 403),
    "an address": ("93.184.216.34:443", (basic(TOKEN),), 403),
    "an IPv6 address": ("[2606:4700::1111]:443", (basic(TOKEN),), 403),
    "the metadata service": ("169.254.169.254:443", (basic(TOKEN),), 403),
    "a single label": ("metadata:443", (basic(TOKEN),), 403),
    "the host itself": ("localhost:443", (basic(TOKEN),), 403),
    "a name of the cluster": ("vault.default.svc.cluster.local:443", (basic(TOKEN),), 403),
    "a name of the network": ("metadata.google.internal:443", (basic(TOKEN),), 403),
    "this machine": (f"{socket.gethostname().lower()}:443", (basic(TOKEN),), 403),
    "a pinned host": ("pinned.example.com:443", (basic(TOKEN),), 403),
    "a silenced host": ("quiet.example.com:443", (basic(TOKEN),), 403),
}


@pytest.mark.parametrize("case", AT_CONNECT)
def test_these_are_refused_at_connect(inside, case):
    authority, fields, status = AT_CONNECT[case]

    assert status == connect(inside, authority, *fields)


def test_a_policy_may_refuse_all_at_connect(providers, tmp_path):
    world = World(tmp_path, *providers)
    with world.gateway(world.policy(STAGES, gateway="refuse_inside_tunnel: false")) as gateway:
        assert 403 == connect(gateway, f"{HOST}:443", basic(TOKEN))


def test_a_tunnel_in_which_nothing_was_asked_leaves_the_line_of_its_connect(inside):
    known = ids(inside)

    async def leave():
        async with Raw.to(inside) as raw:
            assert 200 == (await raw.connect(f"{HOST}:443", TOKEN)).status

    asyncio.run(leave())

    assert until(lambda: bool(new_lines(inside, known)))
    (line,) = new_lines(inside, known)
    names = ("outgate.denial.code", "http.request.method", "server.address", "outgate.workload")
    assert ("destination_denied", "CONNECT", f"{HOST}:443", "app") == tuple(line[name] for name in names)


# -- telemetry ----------------------------------------------------------------------------------------------------------------


def test_telemetry_is_answered_in_the_place_of_its_host_and_leaves_no_line(inside):
    known = ids(inside)
    with http(inside) as client:
        as_json = client.post("https://otlp.telemetry.example.com/v1/traces", json={"spans": []})
        as_protobuf = client.post(
            "https://otlp.telemetry.example.com/v1/traces",
            content=b"\x0a",
            headers={"content-type": "application/x-protobuf", "accept": "*/*"},
        )
        refused = client.get(f"https://{HOST}/after")

    assert [(200, b"{}"), (204, b"")] == [(reply.status_code, reply.content) for reply in (as_json, as_protobuf)]
    assert until(lambda: refused.headers["x-outgate-request-id"] in ids(inside))
    assert [f"{HOST}:443"] == [line["server.address"] for line in new_lines(inside, known)]


def test_silenced_telemetry_is_refused_and_counted_and_leaves_no_line(inside):
    known = ids(inside)

    assert 403 == connect(inside, "quiet.example.com:443", basic(TOKEN))
    assert 403 == connect(inside, "loud.example.com:80", basic(TOKEN))

    assert until(lambda: bool(new_lines(inside, known)))
    assert ["loud.example.com:80"] == [line["server.address"] for line in new_lines(inside, known)]
    assert inside.call(lambda: any("telemetry_refused" in key for key in inside.runtime._ports.metrics._series.index))


def test_attack_a_stranger_is_not_answered_as_telemetry(inside):
    assert 407 == connect(inside, "otlp.telemetry.example.com:443")
