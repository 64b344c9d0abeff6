"""R6 and E10: a tunnel that is refused leaves one closing line, whoever asked and whatever was wrong."""

import base64
import itertools
import socket
import time
from dataclasses import replace

import pytest

from e2e.world import OTHER_TOKEN, TOKEN, http, lines
from support.waiting import until

_SOURCES = itertools.count(1)


def connect(gateway, authority, *fields):
    """The status of one CONNECT, from an address of its own: the refusals of strangers are counted by theirs."""
    source = (f"127.0.1.{next(_SOURCES)}", 0)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20, source_address=source) as link:
        head = (f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *fields, "", "")
        link.sendall("\r\n".join(head).encode())
        return int(link.recv(4096).split()[1])


def basic(token, workload="app"):
    return "Proxy-Authorization: Basic " + base64.b64encode(f"{workload}:{token}".encode()).decode()


class Flood:
    """Requests without token, one connection each, from one address."""

    def __init__(self, gateway, source):
        self._port, self._source, self._began = gateway.port, source, 0.0
        self.seconds = 0.0

    def __enter__(self):
        self._began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self._began

    def refused(self):
        """The request id of one more."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=20, source_address=(self._source, 0)) as link:
            link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return link.recv(4096).partition(b"x-outgate-request-id: ")[2].split(b"\r")[0].decode()


REFUSED = {
    "nobody": ("api.openai.com:443", (), 407, "proxy_authentication_required", ""),
    "a wrong token": ("api.openai.com:443", (basic("ogw_wrong"),), 407, "proxy_authentication_required", ""),
    "elsewhere": ("evil.test:443", (basic(TOKEN),), 403, "destination_denied", "app"),
    "nobody, elsewhere": ("evil.test:443", (), 407, "proxy_authentication_required", ""),
    "two names": ("api.openai.com:443", (basic(TOKEN), "Host: evil.test:443"), 421, "names_disagree", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_tunnel_leaves_one_line(shared, case):
    authority, fields, status, code, workload = REFUSED[case]
    world, gateway = shared
    known = {line["id"] for line in lines(world)}

    def told():
        return [line for line in lines(world) if line["id"] not in known]

    assert status == connect(gateway, authority, *fields)
    assert until(lambda: bool(told()))
    (line,) = told()
    address = "" if status == 421 else authority
    expected = ("denied", code, status, address, workload)
    names = ("outcome", "outgate.denial.code", "http.response.status_code", "server.address", "outgate.workload")
    assert expected == tuple(line[name] for name in names)
    assert TOKEN not in str(line)


@pytest.mark.parametrize(
    ("credentials", "cause", "name"),
    [
        ((), "no token", None),
        ((basic(TOKEN, "nobody"),), "unknown name", "nobody"),
        ((basic("ogw_wrong"),), "wrong token", "app"),
        ((basic(OTHER_TOKEN),), "token of workload other", "app"),
        ((basic("x", TOKEN),), "unknown name", "(hidden)"),
    ],
)
def test_the_line_of_a_refused_tunnel_says_who_asked_and_why_they_are_nobody(shared, credentials, cause, name):
    world, gateway = shared
    known = {line["id"] for line in lines(world)}

    assert 407 == connect(gateway, "api.openai.com:443", *credentials)
    assert until(lambda: any(line["id"] not in known for line in lines(world)))
    line = next(line for line in lines(world) if line["id"] not in known)

    names = ("outgate.denial.cause", "presented.name", "http.request.method")
    assert (cause, name, "CONNECT") == tuple(line.get(each) for each in names)
    assert line["client.address"].startswith("127.0.1.")


def test_attack_a_flood_of_refusals_without_token_fills_no_disk(world):
    """They are counted: the id of the first has its line, and the number of all is there when the gateway has ended."""
    with world.gateway(world.policy()) as gateway, Flood(gateway, "127.0.0.9") as flood:
        ids = [flood.refused() for _ in range(300)]

    told = lines(world)
    numbers = [line["outgate.refusals"] for line in told if "outgate.refusals" in line]
    assert ids[0] == told[0]["id"]
    assert 300 == sum(numbers) + len(told) - len(numbers)
    assert len(told) <= 4 + 2 * flood.seconds  # a first line and a count for each second that it touches


def test_the_line_of_a_refused_request_says_what_was_asked_for(shared):
    world, gateway = shared
    path = "/v1/nothing/of-the-kind/a8f3-of-mine/" + "x" * 300

    with http(gateway) as client:
        reply = client.get(f"https://api.openai.com{path}?key=secret-of-mine")

    assert until(lambda: reply.headers["x-outgate-request-id"] in {line["id"] for line in lines(world)})
    line = next(line for line in lines(world) if line["id"] == reply.headers["x-outgate-request-id"])
    told = ("GET", "/v1/nothing/of-the-kind/(hidden)/(hidden)", "127.0.0.1")
    assert told == tuple(line[name] for name in ("http.request.method", "url.path", "client.address"))
    assert "secret-of-mine" not in str(line)


def test_a_tunnel_that_opens_has_not_ended_and_leaves_none(shared):
    world, gateway = shared
    known = len(lines(world))

    assert 200 == connect(gateway, "api.openai.com:443", basic(TOKEN))
    assert 403 == connect(gateway, "evil.test:443", basic(TOKEN))
    assert until(lambda: len(lines(world)) > known)
    assert known + 1 == len(lines(world))


def test_a_line_that_cannot_be_written_opens_nothing(world):
    with world.inside(world.policy()) as gateway:
        gateway.broken = {"close_exchange": lambda step: replace(step, run=_raises)}

        assert 403 == connect(gateway, "evil.test:443", basic(TOKEN))


def test_whatever_fails_while_judging_opens_nothing(world):
    with world.inside(world.policy()) as gateway:
        gateway.broken = {"authenticate": _raises}

        assert 503 == connect(gateway, "api.openai.com:443", basic(TOKEN))


def _raises(_):
    raise RuntimeError("broken")
