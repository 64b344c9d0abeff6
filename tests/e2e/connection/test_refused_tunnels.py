"""R6 and E10: a tunnel that is refused leaves one closing line, whoever asked and whatever was wrong."""

import base64
import socket
from dataclasses import replace

import pytest

from e2e.world import OTHER_TOKEN, TOKEN, lines
from support.waiting import until


def connect(gateway, authority, *fields):
    """The status of one CONNECT."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as link:
        head = (f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *fields, "", "")
        link.sendall("\r\n".join(head).encode())
        return int(link.recv(4096).split()[1])


def basic(token, workload="app"):
    return "Proxy-Authorization: Basic " + base64.b64encode(f"{workload}:{token}".encode()).decode()


REFUSED = {
    "nobody": ("api.openai.com:443", (), 407, "proxy_authentication_required", ""),
    "a wrong token": ("api.openai.com:443", (basic("ogw_wrong"),), 407, "proxy_authentication_required", ""),
    "a provider of others": ("api.anthropic.com:443", (basic(OTHER_TOKEN, "other"),), 403, "not_authorized", "other"),
    "elsewhere": ("evil.test:443", (basic(TOKEN),), 403, "destination_denied", "app"),
    "nobody, elsewhere": ("evil.test:443", (), 403, "destination_denied", ""),
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
