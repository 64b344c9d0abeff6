"""A body that is no strict JSON: the caller is told what is wrong and where, and nothing of its text is said again."""

import time

import orjson
import pytest

from outgate.errors import WireError
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES

SECRET = "canary"


@pytest.mark.parametrize(
    ("raw", "code", "told"),
    [
        (b'{"messages":[{"role":"user","content":"cut \\ud83d here"}]}', "bad_json", ("lone surrogate", "/messages/0/content")),
        (b'{"messages":[{"content":"\\ude00 canary"}]}', "bad_json", ("lone surrogate", "/messages/0/content")),
        (b'{"a":{"canary \\ud83d":1}}', "bad_json", ("lone surrogate", "name of a member of /a")),
        (b'{"a":"\xed\xa0\xbd canary"}', "bad_json", ("lone surrogate", "/a")),
        (b'{"a":[1,{"seed":NaN}]}', "bad_json", ("JSON does not have", "/a/1/seed")),
        (b'{"a":1e999}', "bad_json", ("JSON does not have", "/a")),
        (b'{"a":"canary"} x', "bad_json", ("something follows", "byte 15")),
        (b'{"a":"canary"', "bad_json", ("delimiter", "byte 13")),
        (b'{"a":"canary\n"}', "bad_json", ("control character", "byte 12")),
        (b'{"a":"canary",}', "bad_json", ("trailing comma", "byte 13")),
        (b"{'canary':1}", "bad_json", ("double quotes", "byte 1")),
        (b'{"a":"canary\xff"}', "bad_json", ("not UTF-8", "byte 12")),
        ('{"a":"canary"}'.encode("utf-16"), "bad_json", ("UTF-16",)),
        (b"", "bad_json", ("empty",)),
        (b'{"messages":[{"role":"user","role":"canary"}]}', "duplicate_key", ("/messages/0", "`role`", "byte 28")),
        (b'{"a":{"canary one":1,"canary one":2}}', "duplicate_key", ("/a", "a member")),
        (b'{"a":1,"\\u0061":2}', "duplicate_key", ("the body", "`a`")),
    ],
)
@pytest.mark.parametrize(("spoken", "operation"), [(OPENAI, CHAT), (ANTHROPIC, MESSAGES), (RESPONSES, RESPONSE)])
def test_what_is_wrong_is_told_with_its_place(spoken, operation, raw, code, told):
    with pytest.raises(WireError) as refused:
        spoken.decode(operation, raw)

    message = str(refused.value)
    assert code == refused.value.code
    assert [] == [each for each in told if each not in message]
    assert SECRET not in message


def test_a_long_body_is_explained_by_its_parser():
    raw = b'{"a":["' + b"x" * 4_000_000 + b'\\ud83d"]}'
    began = time.process_time()
    with pytest.raises(WireError, match=r"surrogate.* at character \d+"):
        OPENAI.decode(CHAT, raw)

    assert time.process_time() - began < 0.5


def test_a_byte_order_mark_is_dropped():
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    request = OPENAI.decode(CHAT, b"\xef\xbb\xbf" + orjson.dumps(body))

    assert orjson.dumps(body) == OPENAI.encode(CHAT, request.prompt, "m", request.params)
