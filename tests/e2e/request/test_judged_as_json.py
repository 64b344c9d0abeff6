"""A body that was judged as JSON is announced as JSON, whatever its sender called it."""

import pytest

from e2e.world import http

BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
NAMES = [
    "application/json; charset=utf-16",
    "application/json; charset=utf-7",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_caller_cannot_have_a_judged_body_read_as_something_else(shared, providers, name):
    _, gateway = shared

    with http(gateway) as caller:
        reply = caller.post("https://api.openai.com/v1/chat/completions", content=BODY, headers={"content-type": name})

    assert 200 == reply.status_code
    assert ["application/json"] == [text for key, text in providers[0].seen[0].fields if key == "content-type"]
