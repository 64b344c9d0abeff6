"""The weight of a request against what its objects really take, as tracemalloc counts them."""

import gc
import json
import tracemalloc
from dataclasses import replace

import pytest

from outgate.exchange.memory_estimate import memory_of
from outgate.inference.operation import Kind, Operation
from support.wire_bodies import Spoken

CHAT = Operation("openai", Kind.CHAT)
OPENAI = Spoken("openai")
WORDS = "".join(f"{number:07d} " for number in range(40_000))
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"path": "a/b", "text": WORDS[:500]})}}


def said(*texts):
    return _body([{"role": "user", "content": text} for text in texts])


def _body(messages, **more):
    return json.dumps({"model": "m", "messages": messages, **more}, ensure_ascii=False).encode()


def _image(data):
    link = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    return _body([{"role": "user", "content": [{"type": "text", "text": "x"}, link]}])


BODIES = {
    "plain": said(WORDS),
    "one emoji": said(WORDS + "\U0001f600"),
    "chinese": said("中文" * 50_000),
    "an agent's": said(*[WORDS[:2000]] * 150),
    "short texts": said(*[WORDS[:60]] * 5000),
    "short texts with emoji": said(*[WORDS[:60] + "\U0001f600"] * 5000),
    "an image": _image(WORDS),
    "an image with emoji": _image(WORDS + "\U0001f600"),
    "tool calls": _body([{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [CALL] * 300}]),
    "empty lists": _body([{"role": "user", "content": "x"}], metadata=[[]] * 30_000),
    "tiny texts": _body([{"role": "user", "content": "x"}], metadata=["ab"] * 20_000),
    "numbers": _body([{"role": "user", "content": "x"}], metadata=[1.5] * 200_000),
}


def taken(raw):
    """Bytes of memory of the request and of its body as it is sent. Of what orjson asks for ahead of its output, and never touches,
    only the output is counted.
    """
    gc.collect()
    tracemalloc.start()
    request = OPENAI.decode(CHAT, raw)
    sent = OPENAI.encode(CHAT, request.prompt, "m", request.params, None)
    request = request._replace(params=replace(request.params, identity=bytes(bytearray(request.params.identity))))
    size = len(sent)
    del sent
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held + size if request else 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("body", BODIES)
def test_a_request_is_counted_for_no_less_than_it_takes_and_not_for_twice_that(body):
    real, counted = taken(BODIES[body]), memory_of(len(BODIES[body]), OPENAI.decode(CHAT, BODIES[body]))

    assert 0.9 * real <= counted <= 2 * real


SHORT = {
    "plain": said("hi there " * 40),
    "emoji": said("\U0001f600", "hi there \U0001f600" * 40),
    "turns": said(*["yes"] * 60),
    "empty lists": _body([{"role": "user", "content": "x"}], metadata=[[]] * 900),
    "tiny texts": _body([{"role": "user", "content": "x"}], metadata=["ab"] * 600),
    "numbers": _body([{"role": "user", "content": "x"}], metadata=[999] * 800),
    "members": _body([{"role": "user", "content": "x"}], metadata={f"k{number}": number for number in range(300)}),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("body", SHORT)
def test_a_short_one_is_counted_for_no_less_than_it_takes(body):
    raw = SHORT[body]

    assert len(raw) <= 4096
    assert taken(raw) <= memory_of(len(raw), OPENAI.decode(CHAT, raw))


def test_what_is_not_json_is_counted_as_it_came_and_as_it_is_sent():
    raw = b"\x00" * 100_000
    request = Spoken("none").decode(Operation("none", Kind.OPAQUE), raw)

    assert 200_000 <= memory_of(len(raw), request) < 201_000
