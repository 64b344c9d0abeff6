"""A provider with its API at a path of its own is read as at `/v1`; what is not of its API stays where it is."""

import pytest

from outgate.errors import WireError
from outgate.exchange.base_path import at_v1
from outgate.exchange.channel import RequestHead
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers
from outgate.upstreams.catalog import Backend, Endpoint


def read(path, base="/", method="POST"):
    backend = Backend(
        name="b", provider="b", dialect="openai", host="b.test", base_path=base, endpoints=(Endpoint(name="b", host="b", port=443),)
    )
    conn = Connection(peer="192.0.2.1", entry=Entry.BASE_URL, authority="")
    return at_v1(RequestHead(conn, method, path, Headers(), ""), backend).path


@pytest.mark.parametrize(
    ("base", "path", "known"),
    [
        ("/", "/chat/completions", "/v1/chat/completions"),
        ("/", "/responses?x=1", "/v1/responses?x=1"),
        ("/", "/embeddings", "/v1/embeddings"),
        ("/api/v4", "/api/v4/chat/completions", "/v1/chat/completions"),
        ("/", "/v1/chat/completions", "/v1/chat/completions"),
        ("/", "/v1/messages", "/v1/messages"),
        ("/", "/messages", "/messages"),
        ("/", "/agents/sessions", "/agents/sessions"),
        ("/api/v4", "/chat/completions", "/chat/completions"),
        ("", "/chat/completions", "/chat/completions"),
    ],
)
def test_a_path_is_read_where_its_api_has_it(base, path, known):
    assert known == read(path, base)


def test_models_are_asked_for_there_too():
    assert "/v1/models" == read("/models", method="GET")


@pytest.mark.parametrize("path", ["/Chat/completions", "/chat/completions/", "//chat/completions", "/chat/../chat/completions"])
def test_attack_another_spelling_of_the_path_is_refused(path):
    with pytest.raises(WireError):
        read(path)


@pytest.mark.parametrize("path", ["/API/v4/chat/completions", "/api/V4/chat/completions"])
def test_attack_another_spelling_of_the_base_is_refused_and_not_taken_for_opaque(path):
    with pytest.raises(WireError, match="another spelling"):
        read(path, "/api/v4")
