"""Query strings: every name and value is a leaf but for versions and forms, and the target is written back with their edits."""

import pytest

from outgate.dialects.query import with_query, written
from outgate.dialects.registry import dialect, request_line
from outgate.inference.prompt import Channel
from outgate.net.headers import Headers


def prompt_of(target, body=b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'):
    line = request_line("POST", target)
    request = dialect(line.operation.dialect).decode(line, Headers(), body)
    return with_query(request.prompt, target)


def leaves(target):
    return [leaf.text for leaf in prompt_of(target).leaves if leaf.box < 0]


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("?api-version=2024-10-21", []),
        ("?api-version=2024-10-21-preview&beta=true", []),
        ("?", []),
        ("?q=maria%40mail.test", ["q", "maria@mail.test"]),
        ("?q=a+b&q=c", ["q", "a b", "q", "c"]),
        ("?card=4111111111111111", ["card", "4111111111111111"]),
        ("?api-version=maria", ["api-version", "maria"]),
        ("?lone&=nameless", ["lone", "nameless"]),
    ],
)
def test_a_query_is_text_that_leaves(query, texts):
    assert texts == leaves(f"/v1/chat/completions{query}")


def test_a_query_that_nobody_changed_leaves_byte_for_byte():
    target = "/v1/chat/completions?q=%6Daria%20x&&b=+&c"
    prompt = prompt_of(target)

    assert target == written(target, prompt.edits)
    assert b"hi" in prompt.document.encode(prompt.edits)


def test_an_edit_of_a_query_is_escaped_and_touches_nothing_else():
    target = "/v1/chat/completions?a=%41&q=maria%40mail.test&maria=1"
    prompt = prompt_of(target)
    changes = {at: "<EMAIL 1>&x" for at, leaf in enumerate(prompt.leaves) if "maria" in leaf.text and leaf.box < 0}
    edited = prompt.replace(changes)

    assert "/v1/chat/completions?a=%41&q=%3CEMAIL%201%3E%26x&%3CEMAIL%201%3E%26x=1" == written(target, edited.edits)
    assert b"EMAIL" not in edited.document.encode(edited.edits)


def test_a_query_of_bytes_that_nobody_reads_is_text_too():
    prompt = prompt_of("/upload?to=maria%40mail.test", b"\x00")
    at = next(at for at, leaf in enumerate(prompt.leaves) if leaf.text == "maria@mail.test")

    assert Channel.PARAMETER is prompt.leaves[at].channel
    assert b"\x00" == prompt.replace({at: "x"}).document.encode(prompt.replace({at: "x"}).edits)
