"""Uploads: texts are leaves, batches are judged line by line, everything else says what it is."""

import json

import pytest

from outgate.dialects.form import Part, parts_of, written
from outgate.dialects.registry import dialect, request_line
from outgate.dialects.spec import Target
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from outgate.net.headers import Headers

LINE = request_line("POST", "/v1/files", "openai")


def upload(content, purpose="user_data", filename="a.txt", name="openai"):
    described, body = written((Part("purpose", purpose.encode()), Part("file", content, filename, "text/plain")))
    return dialect(name).decode(request_line("POST", "/v1/files", name), Headers([("content-type", described)]), body)


def sent(request, model=""):
    wire = dialect("openai").encode(request, Target(model))
    return parts_of(dict(wire.headers)["content-type"], wire.body)


def asks(text="hi", model="gpt-4o-mini", **members):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **members}
    return {"custom_id": "r1", "method": "POST", "url": "/v1/chat/completions", "body": body}


def batch(*requests):
    return "\n".join(map(json.dumps, requests)).encode()


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_the_text_of_a_file_is_judged(name):
    request = upload("Grüße".encode(), name=name)

    found = [(leaf.key, leaf.channel) for leaf in request.prompt.leaves]

    assert [("text", "parameter"), ("filename", "parameter"), ("text", "user")] == found
    assert "Grüße" == request.prompt.leaves[-1].text and not request.prompt.unjudged


def test_a_changed_text_is_what_is_sent():
    request = upload(b"my card")
    changed = request._replace(prompt=request.prompt.replace({2: "a card"}))

    assert b"a card" == sent(changed)[1].content


@pytest.mark.parametrize(
    ("content", "kind"), [(b"%PDF-1.7", "file"), (b"a\0b", "file"), (b"\x89PNG\r\n\x1a\n", "image"), (b"PK\x03\x04", "file")]
)
def test_what_is_no_text_says_so(content, kind):
    assert {kind} == set(upload(content).prompt.unjudged)


def test_a_batch_is_judged_line_by_line():
    request = upload(batch(asks("one"), asks("t\u0077o")), "batch")

    assert ["one", "two"] == [leaf.text for leaf in request.prompt.leaves if leaf.channel == "user"]
    assert "gpt-4o-mini" == request.model


def test_a_changed_line_and_the_routed_model_are_what_is_sent():
    request = upload(batch(asks("one"), asks("two")), "batch")
    at = next(index for index, leaf in enumerate(request.prompt.leaves) if leaf.text == "two")
    changed = request._replace(prompt=request.prompt.replace({at: "2"}))
    first, second = map(json.loads, sent(changed, "other")[1].content.splitlines())

    assert ("one", "2") == (first["body"]["messages"][0]["content"], second["body"]["messages"][0]["content"])
    assert ("other", "other") == (first["body"]["model"], second["body"]["model"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"words",
        batch(asks(), asks(model="gpt-5")),
        batch({**asks(), "method": "GET"}),
        batch({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}),
        batch(asks()) + b'\n{"method":"POST","method":"GET"}',
        batch(asks()).replace(b'"messages"', b'"Messages"'),
    ],
)
def test_a_batch_that_could_hide_something_is_refused(content):
    with pytest.raises(WireError):
        upload(content, "batch")


def test_a_line_for_another_address_is_unjudged():
    assert "unknown" in upload(batch({**asks(), "url": "/v1/responses"}), "batch").prompt.unjudged


def test_state_and_images_of_a_line_are_announced():
    image = {"type": "image_url", "image_url": {"url": "https://a.b/c"}}
    request = upload(batch(asks(), asks([image]), asks(store=True)), "batch")

    assert ("store",) == request.params.server_state and {"image", "remote_url"} <= set(request.prompt.unjudged)


def test_a_canary_in_every_place_of_an_upload_is_a_leaf():
    line = {**asks("canary 1"), "custom_id": "canary 2", "other": "canary 3", "canary 4": 1}
    line["body"] |= {"user": "canary 5", "unknown": {"deep": "canary 6"}}
    found = {leaf.text for leaf in upload(batch(asks(), line), "batch", "canary 7").prompt.leaves}
    plain = {leaf.text for leaf in upload(b"canary 9", "canary 8", "canary 10").prompt.leaves}

    assert {f"canary {n}" for n in range(1, 8)} <= found
    assert {f"canary {n}" for n in range(8, 11)} <= plain


def test_attack_a_secret_as_the_name_of_a_field_is_judged():
    described, body = written((Part("AKIAIOSFODNN7EXAMPLE", b"x"), Part("file", b"hi", "a.txt", "text/plain")))
    request = dialect("openai").decode(LINE, Headers([("content-type", described)]), body)

    assert ("AKIAIOSFODNN7EXAMPLE", Channel.KEY) == request.prompt.leaves[0][2:4]
    assert "left" == sent(request._replace(prompt=request.prompt.replace({0: "left"})))[0].name


def test_a_list_of_files_is_a_form():
    parts = tuple(Part("image[]", bytes([at]), f"{at}.png", "image/png") for at in range(2))

    assert parts == parts_of(*written(parts))
