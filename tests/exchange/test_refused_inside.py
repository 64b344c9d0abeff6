"""Refused CONNECTs that are told inside their tunnel, and what telemetry is told."""

import pytest

from outgate.errors import Denial
from outgate.exchange.channel import RequestHead
from outgate.exchange.refused_inside import RefusedNames, telemetry_outcome, telemetry_reply
from outgate.inference.principal import Principal
from outgate.net.connection import Connection
from outgate.net.headers import Headers
from outgate.policy.schema import GatewaySection, TelemetrySection

APP, OTHER = Principal(name="app", tenant="t"), Principal(name="other", tenant="t")
NOWHERE = Denial(code="destination_denied", status=403, message="")
TELEMETRY = TelemetrySection(answer=("*.otlp.com",), silence=("quiet.com",))


def head(host, method="POST", **fields):
    named = Headers([(name.replace("_", "-"), value) for name, value in fields.items()])
    return RequestHead(Connection(), method, "/", named, f"{host}:443")


@pytest.mark.parametrize(
    ("destination", "told"),
    [
        ("a.com:443", True),
        ("a.com:8443", False),
        ("a.com:80", False),
        ("pinned.com:443", False),
        ("gateway.corp.com:443", False),
        ("a:443", False),
        ("a.internal:443", False),
        ("a.localhost:443", False),
        ("1.1.1.1:443", False),
        ("[2606:4700::1111]:443", False),
    ],
)
def test_only_port_443_of_a_public_name_is_told_inside(destination, told):
    gateway = GatewaySection(pinned_hosts=("pinned.com",))

    assert told == RefusedNames().admits(gateway, APP, destination, {"gateway.corp.com"})


def test_nobody_is_told_inside_and_nobody_at_all_where_policy_says_so():
    assert not RefusedNames().admits(GatewaySection(), None, "a.com:443", ())
    assert not RefusedNames().admits(GatewaySection(refuse_inside_tunnel=False), APP, "a.com:443", ())


def test_each_workload_has_so_many_names_of_its_own():
    names = RefusedNames(2)
    asked = [(APP, "a.com"), (APP, "b.com"), (APP, "c.com"), (APP, "a.com"), (OTHER, "c.com")]

    told = [names.admits(GatewaySection(), principal, f"{host}:443", ()) for principal, host in asked]

    assert [True, True, False, True, True] == told


@pytest.mark.parametrize(
    ("asked", "denial", "outcome"),
    [
        (head("x.otlp.com"), NOWHERE, "telemetry_answered"),
        (head("x.otlp.com", "CONNECT"), NOWHERE, ""),
        (head("quiet.com"), NOWHERE, "telemetry_refused"),
        (head("quiet.com", "CONNECT"), NOWHERE, "telemetry_refused"),
        (head("else.com"), NOWHERE, ""),
        (head("x.otlp.com"), Denial(code="not_authorized", status=403, message=""), ""),
        (head("quiet.com"), Denial(code="proxy_authentication_required", status=407, message=""), ""),
    ],
)
def test_telemetry_is_what_goes_to_a_listed_host_that_is_no_provider(asked, denial, outcome):
    assert outcome == telemetry_outcome(TELEMETRY, asked, denial)


@pytest.mark.parametrize(
    ("fields", "status", "size"),
    [
        ({"content_type": "application/json"}, 200, 3),
        ({"accept": "application/json"}, 200, 3),
        ({"content_type": "application/x-protobuf"}, 204, 2),
        ({}, 204, 2),
    ],
)
def test_exporters_get_what_they_can_read(fields, status, size):
    reply = telemetry_reply(head("x.otlp.com", **fields))

    assert (status, size) == (reply[0].status, len(reply))
