"""Files and images of requests are found where a dialect has them, and nowhere else."""

import json
from base64 import b64encode

import pytest

from outgate.dialects.attachments import attachments
from outgate.dialects.registry import dialect, request_line
from outgate.net.headers import Headers

PATHS = {"openai": "/v1/chat/completions", "responses": "/v1/responses", "anthropic": "/v1/messages"}
DATA = b64encode(b"hello").decode()
URL = f"data:text/plain;base64,{DATA}"


def prompt(name, *content):
    messages = [{"role": "user", "content": list(content)}]
    body = {"model": "m", "max_tokens": 5, "messages": messages} if name != "responses" else {"model": "m", "input": messages}
    return decoded(name, body)


def decoded(name, body):
    return dialect(name).decode(request_line("POST", PATHS[name]), Headers([]), json.dumps(body).encode()).prompt


CASES = [
    ("openai", {"type": "file", "file": {"file_id": "f-1"}}, ("file", "file_id", "f-1")),
    ("openai", {"type": "file", "file": {"file_data": URL}}, ("file", "data", URL)),
    ("openai", {"type": "image_url", "image_url": {"url": "https://a.b/c"}}, ("image", "url", "https://a.b/c")),
    ("responses", {"type": "input_file", "file_id": "f-1"}, ("file", "file_id", "f-1")),
    ("responses", {"type": "input_file", "file_url": "https://a.b/c"}, ("file", "url", "https://a.b/c")),
    ("responses", {"type": "input_image", "file_id": "f-1"}, ("image", "file_id", "f-1")),
    ("anthropic", {"type": "document", "source": {"type": "file", "file_id": "f-1"}}, ("file", "file_id", "f-1")),
    ("anthropic", {"type": "document", "source": {"type": "url", "url": "https://a.b/c"}}, ("file", "url", "https://a.b/c")),
    (
        "anthropic",
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": DATA}},
        ("file", "data", DATA),
    ),
    ("anthropic", {"type": "image", "source": {"type": "file", "file_id": "f-1"}}, ("image", "file_id", "f-1")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "part", "wanted"), CASES)
def test_a_file_is_found_with_its_source(name, part, wanted):
    (found,) = attachments(prompt(name, part))
    kind, source, value = wanted

    assert (kind, value) == (found.kind, getattr(found, source))
    assert part == found.part


@pytest.mark.parametrize(("name", "part", "wanted"), CASES)
def test_its_text_is_a_part_of_the_same_api(name, part, wanted):
    given = prompt(name, part)
    (found,) = attachments(given)
    tree = json.loads(given.document.encode({found.place: found.as_text("its words")}))
    again = decoded(name, tree)

    assert "its words" in [leaf.text for leaf in again.leaves]
    assert not again.unjudged


@pytest.mark.parametrize(("name", "part", "wanted"), [case for case in CASES if case[2][0] == "image"])
def test_a_fetched_image_is_a_part_of_the_same_api(name, part, wanted):
    given = prompt(name, part)
    (found,) = attachments(given)
    again = decoded(name, json.loads(given.document.encode({found.place: found.as_image("image/png", b"...")})))

    assert {"image"} == set(again.unjudged)


def test_what_looks_like_a_file_in_arguments_is_none():
    call = {"type": "tool_use", "id": "t", "name": "open", "input": {"type": "file", "file": {"file_id": "f-1"}}}
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "assistant", "content": [call]}]}

    assert () == attachments(decoded("anthropic", body))


def test_a_part_with_two_sources_is_left_alone():
    assert () == attachments(prompt("responses", {"type": "input_file", "file_id": "f-1", "file_url": "https://a.b/c"}))


WORDS = {"type": "document", "title": "Note", "source": {"type": "text", "media_type": "text/plain", "data": "abcd"}}
BLOCKS = {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "abcd"}]}}
STRING = {"type": "document", "source": {"type": "content", "content": "abcd"}}


@pytest.mark.parametrize("part", [WORDS, BLOCKS, STRING])
def test_a_document_of_words_is_text_and_no_file(part):
    given = prompt("anthropic", part)

    assert not given.unjudged
    assert "user" == next(leaf.channel.value for leaf in given.leaves if leaf.text == "abcd")


def test_a_document_of_words_beside_a_file_is_left_alone():
    file = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": DATA}}
    found = attachments(prompt("anthropic", WORDS, file))

    assert [file] == [each.part for each in found]


@pytest.mark.parametrize("kind", ["file", "TEXT", "text/plain", ["text"], None, 5])
def test_attack_a_document_that_only_says_to_be_words(kind):
    part = {"type": "document", "source": {"type": kind, "media_type": "text/plain", "data": DATA, "file_id": "f-1"}}

    assert "file" in prompt("anthropic", part).unjudged


def test_attack_an_image_in_a_document_of_blocks():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}

    assert {"image"} == set(prompt("anthropic", {"type": "document", "source": {"type": "content", "content": [image]}}).unjudged)


def test_a_document_in_a_tool_result_is_found_there():
    part = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": DATA}}
    given = prompt("anthropic", {"type": "tool_result", "tool_use_id": "t", "content": [part]})
    (found,) = attachments(given)
    again = decoded("anthropic", json.loads(given.document.encode({found.place: found.as_text("words")})))

    assert "tool_result" in {leaf.channel.value for leaf in again.leaves if leaf.text == "words"}


def test_a_file_of_many_bytes_comes_whole():
    data = b64encode(bytes(range(256)) * 2_000).decode()
    part = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}}

    assert bytes(range(256)) * 2_000 == attachments(prompt("anthropic", part))[0].content()


def test_what_is_no_base64_has_no_content():
    (found,) = attachments(prompt("openai", {"type": "file", "file": {"file_data": "data:text/plain,hello there"}}))

    assert found.content() is None
