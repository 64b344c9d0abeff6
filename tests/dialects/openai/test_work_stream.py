"""Streams of images, speech and transcriptions: the same events however the bytes are cut, texts found, ends told."""

import json

import pytest

from outgate.dialects.openai.work_stream import WorkStream
from outgate.errors import WireError
from outgate.inference.stream import Finish
from support.sse import event, frames, named

DELTA = {"type": "transcript.text.delta", "delta": "a king", "logprobs": [{"token": "a king", "logprob": 0, "bytes": [97]}]}
DONE = {"type": "transcript.text.done", "text": "a king", "usage": {"input_tokens": 9, "output_tokens": 5}}
PICTURE = {"type": "image_generation.completed", "b64_json": "aW1n", "usage": {"input_tokens": 1, "output_tokens": 2}}


def decoded(raw, size=None):
    stream, events = WorkStream(), []
    for at in range(0, len(raw), size or len(raw)):
        events += stream.feed(raw[at : at + (size or len(raw))])
    return [*events, *stream.end()]


@pytest.mark.parametrize("size", [1, 7, 64, None])
@pytest.mark.parametrize("done", [b"", b"data: [DONE]\n\n"])
def test_events_are_the_same_however_the_bytes_are_cut(size, done):
    raw = event(DELTA) + event(DONE) + done
    events = decoded(raw, size)

    assert frames(raw)[1:] == frames(b"".join(each.encode() for each in events))[1:]
    assert [False] * (len(events) - 1) + [True] == [each.last for each in events]
    assert [Finish.STOP] == [each.finish for each in events if each.finish]
    assert [(9, 5)] == [(each.usage.input_tokens, each.usage.output_tokens) for each in events if each.usage]


def test_a_transcript_is_a_text_that_ends_and_is_told_again():
    first, last, _ = decoded(event(DELTA) + event(DONE))

    assert {"a king"} == {text.text for text in first.texts}
    assert {text.part for text in first.texts} <= set(last.closes)
    assert [True] == [text.repeated for text in last.texts]


def test_what_was_held_of_a_piece_goes_on_as_one():
    first = decoded(event(DELTA) + event(DONE))[0]
    index = next(at for at, text in enumerate(first.texts) if text.part[-1] == "delta")

    assert [{"type": DELTA["type"], "delta": "king"}] == frames(first.only(index, "king").encode())


def test_a_picture_is_no_text_and_its_event_keeps_its_name():
    picture, end = decoded(named(PICTURE["type"], PICTURE))

    assert ((), True) == (tuple(picture.texts), end.last)
    assert b"event: image_generation.completed\n" in picture.encode()


@pytest.mark.parametrize("raw", [event(DELTA), event(DELTA)[:-9]])
def test_a_stream_without_its_last_event_is_truncated(raw):
    with pytest.raises(WireError, match="before its answer"):
        decoded(raw)


def test_an_error_ends_it():
    events = decoded(event(DELTA) + event({"error": {"message": "m"}}) + event(DONE))

    assert (Finish.ERROR, True) == (events[-1].finish, events[-1].last)
    assert json.dumps("a king") not in events[-1].encode().decode()


def test_every_piece_of_a_stream_whose_events_have_no_type_is_charged():
    raw = b"".join(event({"choices": [{"delta": {"content": word}}]}) for word in ("one ", "two ", "three")) + b"data: [DONE]\n\n"

    assert [False] * 3 == [text.repeated for each in decoded(raw) for text in each.texts]
