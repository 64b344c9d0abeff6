from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.model_server.wire import Frames, ModelServerError, frame

_MESSAGES = [{"id": 1, "items": ["a", "ü\u0000"]}, {"id": 2}, {}]


@settings(max_examples=200)
@given(st.lists(st.integers(0, 80), max_size=12))
def test_any_chunking_gives_the_same_messages(cuts: list[int]) -> None:
    raw = b"".join(map(frame, _MESSAGES))
    frames, places = Frames(), sorted({0, *(min(cut, len(raw)) for cut in cuts), len(raw)})
    received = [message for start, end in pairwise(places) for message in frames.feed(raw[start:end])]
    assert _MESSAGES == received


def test_a_frame_beyond_the_bound_is_refused_before_it_arrives() -> None:
    with pytest.raises(ModelServerError, match="protocol"):
        list(Frames(limit=10).feed(b"\x00\x00\x00\x0b"))


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b'{"a":NaN}', b"\xff"])
def test_anything_but_an_object_is_refused(body: bytes) -> None:
    with pytest.raises(ModelServerError, match="protocol"):
        list(Frames().feed(len(body).to_bytes(4) + body))


def test_what_cannot_be_sent_raises_and_is_not_quoted() -> None:
    with pytest.raises(ModelServerError) as caught:
        frame({"items": ["canary \ud800"]})
    assert ("unencodable", False) == (caught.value.code, "canary" in str(caught.value))


def test_a_message_beyond_the_bound_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outgate.model_server.wire.MAX_FRAME", 10)
    with pytest.raises(ModelServerError, match="too_large"):
        frame({"items": ["x" * 20]})
