"""Keys in a query: none goes on, and one that stands alone counts as the API's own field."""

import pytest

from outgate.exchange.channel import RequestHead
from outgate.exchange.query_keys import without_keys
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers

PATH = "/v1beta/models/m:generateContent"


def cleared(target, hint="gemini", fields=(), method="POST"):
    conn = Connection(peer="192.0.2.1", entry=Entry.BASE_URL, authority="")
    head = without_keys(RequestHead(conn, method, target, Headers(fields), ""), hint)
    return head.path, head.headers.get("x-goog-api-key")


@pytest.mark.parametrize(
    ("target", "left", "key"),
    [
        (f"{PATH}?key=canary", PATH, "canary"),
        (f"{PATH}?alt=sse&key=canary", f"{PATH}?alt=sse", "canary"),
        (f"{PATH}?k%65y=canary&alt=sse", f"{PATH}?alt=sse", "canary"),
        (f"{PATH}?access_token=can%61ry", PATH, "canary"),
        (f"{PATH}?key=canary&key=other", PATH, None),
        (f"{PATH}?alt=sse", f"{PATH}?alt=sse", None),
        (PATH, PATH, None),
        ("/v1beta/cachedContents?key=canary", "/v1beta/cachedContents", "canary"),
        ("/v1/models?key=canary", "/v1/models", "canary"),
        ("//x?key=canary", "//x", "canary"),
    ],
)
def test_attack_a_key_in_the_query_in_any_spelling(target, left, key):
    assert (left, key) == cleared(target, method="GET" if target.startswith("/v1/models?") else "POST")


def test_a_field_counts_more_than_the_query():
    assert (PATH, "own") == cleared(f"{PATH}?key=canary", fields=[("x-goog-api-key", "own")])


def test_the_queries_of_other_apis_stay():
    assert ("/v1/chat/completions?key=x", None) == cleared("/v1/chat/completions?key=x", "openai")
