"""Files of a body are carried as bytes; what is judged, and what is sent, is the same as if they were not."""

import base64
import json
import os

import pytest

from outgate.dialects import blobs
from outgate.dialects.anthropic.tables import MESSAGES
from outgate.dialects.openai.tables import CHAT
from outgate.dialects.parameters import identity_of
from outgate.dialects.reading import read
from outgate.errors import WireError

FILE = base64.b64encode(os.urandom(300_000)).decode()
OTHER = base64.b64encode(os.urandom(300_000)).decode()


def chat(*parts, **more) -> bytes:
    return json.dumps({"model": "m", **more, "messages": [{"role": "user", "content": list(parts)}]}).encode()


def image(data: str) -> dict:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def same(raw: bytes, document) -> bool:
    return json.loads(raw) == json.loads(document.encode({}))


def test_an_image_is_carried_as_bytes_and_leaves_as_it_came():
    raw = chat(image(FILE), {"type": "text", "text": "What is it?"}, image(OTHER))
    reading = read(raw, CHAT)

    assert len(reading.document.marked({})) < 1_000
    assert same(raw, reading.document)
    assert 2 * len(f"data:image/png;base64,{FILE}") == next(part.bytes for part in reading.parts if part.kind == "image")
    assert not any(blobs.MARK in leaf.text for leaf in reading.leaves)


def test_anthropics_image_is_carried_as_bytes():
    source = {"type": "base64", "media_type": "image/png", "data": FILE}
    raw = json.dumps({"model": "m", "messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}).encode()
    document = read(raw, MESSAGES).document

    assert len(document.marked({})) < 1_000
    assert same(raw, document)


@pytest.mark.parametrize(
    "raw",
    [
        chat({"type": "text", "text": FILE}),
        chat({"type": "text", "text": f'"{FILE}'}),
        chat({"type": "text", "text": f"see, {FILE}"}),
        chat({"type": "unknown", "data": FILE}),
        chat({"type": "image_url", "image_url": {"url": FILE}}),
        chat(image("AAAA"), user=FILE),
        chat(tools=[{"type": "function", "function": {"name": "f", "description": FILE}}]),
        chat({"type": "text", "text": "a"}, model=FILE),
    ],
    ids=["text", "quoted", "after a comma", "unknown part", "no data URL", "user", "description", "model"],
)
def test_attack_base64_that_is_no_file_is_judged_as_text(raw):
    document = read(raw, CHAT).document

    assert FILE in document.marked({}).decode()
    assert same(raw, document)
    assert json.loads(raw)["model"] == FILE or any(FILE in leaf.text for leaf in read(raw, CHAT).leaves)


def test_attack_a_member_name_is_judged_as_it_came():
    raw = chat({"type": "text", "text": "a", FILE: 1})

    assert any(leaf.text == FILE for leaf in read(raw, CHAT).leaves)


def test_attack_json_in_a_string_is_judged_as_it_came():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"x": FILE})}}
    raw = json.dumps({"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}]}).encode()

    assert any(leaf.text == FILE for leaf in read(raw, CHAT).leaves)


@pytest.mark.parametrize("spelled", ["\x01", "\x01" + "0" * 64, "\\u0001" + "a" * 64])
def test_attack_a_body_that_spells_a_mark_is_read_whole(spelled):
    raw = chat(image(FILE), {"type": "text", "text": spelled})
    reading = read(raw, CHAT)

    assert same(raw, reading.document)
    assert spelled in [leaf.text for leaf in reading.leaves]


def test_different_images_have_different_identities():
    one, other, again = (identity_of(read(chat(image(data)), CHAT), ()) for data in (FILE, OTHER, FILE))

    assert one == again
    assert one != other
    assert len(one) < 1_000


def test_an_edit_beside_a_file_leaves_it_whole():
    raw = chat(image(FILE), {"type": "text", "text": "Maria"})
    reading = read(raw, CHAT)
    leaf = next(leaf for leaf in reading.leaves if leaf.text == "Maria")
    sent = json.loads(reading.document.encode({(leaf.box, leaf.key): "NAME"}))

    assert ["NAME", image(FILE)] == [sent["messages"][0]["content"][1]["text"], sent["messages"][0]["content"][0]]


def test_what_is_counted_has_the_head_of_a_file_and_the_size_of_all():
    raw = chat(image(FILE))
    document = read(raw, CHAT).document
    short, size = document.abridged({}, 90_000)

    assert len(short) < 91_000
    assert FILE[:90_000] in short.decode()
    assert len(document.encode({})) == size


def test_a_body_that_is_no_json_is_refused_as_ever():
    with pytest.raises(WireError, match="not strict JSON"):
        read(chat(image(FILE))[:-1], CHAT)
