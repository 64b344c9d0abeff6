"""Embeddings: arrays of numbers go on byte for byte, and take no time of the event loop."""

import json
import random
from time import process_time

import orjson
import pytest

from outgate.dialects.openai.vectors import VectorsAnswer
from outgate.errors import WireError

USAGE = {"prompt_tokens": 8, "total_tokens": 8}


def answer(*embeddings, **more):
    data = [{"object": "embedding", "index": at, "embedding": each} for at, each in enumerate(embeddings)]
    return {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": USAGE, **more}


def decoded(raw, size=None):
    decoder = VectorsAnswer()
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)] if size else [raw]
    events = [event for piece in pieces for event in decoder.feed(piece)]
    [event] = [*events, *decoder.end()]
    return event


BODIES = {
    "floats": json.dumps(answer([0.1, -2.5e-7, 1.0], [3, 4, 5.000000000000000000001])).encode(),
    "spaced": b'{ "object":"list", "data": [ {"embedding" : [ 1.0 ,\n 2 ]} ], "usage": {"prompt_tokens": 8, "total_tokens": 8} }',
    "empty": json.dumps(answer([], [])).encode(),
    "base64": json.dumps(answer("AACAPwAAAAA=")).encode(),
    "nested": json.dumps(answer([[1.0, 2.0], [3.0]])).encode(),
    "strings": json.dumps(answer(["a", "b"], [1.0])).encode(),
    "mark": json.dumps(answer([1.0, 2.0], note='\x010 and "embedding": [1]')).encode(),
    "no vectors": json.dumps(answer()).encode(),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("size", [None, 1, 7, 64])
def test_an_answer_means_what_it_meant_wherever_it_is_cut(name, size):
    event = decoded(BODIES[name], size)

    assert orjson.loads(BODIES[name]) == orjson.loads(event.encode())
    assert 8 == event.usage.input_tokens


def test_numbers_keep_their_spelling():
    assert b"[0.1, -2.5e-07, 1.0]" in decoded(BODIES["floats"]).encode()


def test_other_text_of_the_answer_can_still_be_changed():
    event = decoded(json.dumps(answer([1.0, 2.0], note="write to <EMAIL_1>")).encode())
    at = next(index for index, text in enumerate(event.texts) if "<EMAIL_1>" in text.text)
    changed = orjson.loads(event.replace({at: "write to jane"}).encode())

    assert ("write to jane", [1.0, 2.0]) == (changed["note"], changed["data"][0]["embedding"])
    assert event is event.replace({})


@pytest.mark.parametrize("raw", [b"", b"[1]", b'{"data": [{"embedding": [1, 2', b'{"data": [{"embedding": [1]}]'])
def test_an_answer_that_is_not_whole_is_refused(raw):
    with pytest.raises(WireError):
        decoded(raw)


def test_a_longer_answer_than_the_limit_is_refused():
    decoder = VectorsAnswer(limit=1000)
    with pytest.raises(WireError):
        decoder.feed(json.dumps(answer([0.123456789] * 100)).encode())


def test_ten_megabytes_of_vectors_take_a_fraction_of_what_reading_them_would():
    draw = random.Random(1)
    vector = [draw.uniform(-1, 1) for _ in range(3072)]
    raw = json.dumps(answer(*[vector] * 170)).encode()
    assert len(raw) > 10_000_000
    start = process_time()
    event = decoded(raw, 65536)
    out = event.encode()
    spent = process_time() - start

    assert orjson.loads(out)["data"][169]["embedding"] == vector
    assert spent < 0.25
