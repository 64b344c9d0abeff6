import base64

import pytest

from outgate.identity.presented import presented_by
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers
from outgate.net.secret import Secret


def basic(text):
    return "Basic " + base64.b64encode(text).decode()


def presented(entry, proxy=None, **fields):
    conn = Connection(entry=entry, proxy_authorization=Secret(proxy) if proxy else None)
    return presented_by(conn, Headers([(name.replace("_", "-"), value) for name, value in fields.items()]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (basic(b"name:token"), ("name", "token")),
        (basic(b"name:to:ken"), ("name", "to:ken")),
        ("basic  " + base64.b64encode(b"n:t").decode() + " ", ("n", "t")),
        ("Bearer token", (None, "token")),
        ("bearer token", (None, "token")),
        (basic(b"name:"), None),
        (basic(b"name"), None),
        (basic(b"\xff:t"), None),
        ("Basic ***", None),
        ("Bearer ", None),
        ("Digest x", None),
        ("", None),
        ("Bearer " + "x" * 8193, None),
        ("Basic " + "A" * 20_000, None),
    ],
)
def test_a_field_as_name_and_token(value, expected):
    assert expected == presented(Entry.CONNECT, value)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [(Entry.CONNECT, "tunnel"), (Entry.ABSOLUTE, "proxy"), (Entry.BASE_URL, "key"), (Entry.TRANSPARENT, "key")],
)
def test_where_it_stands_depends_on_the_way_in(entry, expected):
    found = presented(entry, "Bearer tunnel", proxy_authorization="Bearer proxy", authorization="Bearer own", x_api_key="key")

    assert (None, expected) == found


def test_a_base_url_client_may_use_authorization():
    assert (None, "own") == presented(Entry.BASE_URL, authorization="Bearer own")


def test_a_tunnel_without_a_token_presents_none_whatever_is_inside():
    assert presented(Entry.CONNECT, None, authorization="Bearer own", x_api_key="key", proxy_authorization="Bearer p") is None
