import pytest
from hyperframe.frame import DataFrame, PingFrame, WindowUpdateFrame

from outgate.proxy.http2 import FrameCredit

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def data(size):
    frame = DataFrame(1)
    frame.data = b"a" * size
    return frame.serialize()


def spent_after(stream, size=65536, answered=0):
    """How many bytes of `stream` were within the credit, read `size` at a time; with so many parts of answers after each."""
    credit = FrameCredit()
    for at in range(0, len(stream), size):
        if not credit.spend(stream[at : at + size]):
            return at
        for _ in range(answered):
            credit.earn()
    return len(stream)


@pytest.mark.parametrize(
    "frame", [data(0), data(1), PingFrame(0).serialize(), WindowUpdateFrame(0, window_increment=1).serialize()]
)
@pytest.mark.parametrize("size", [1, 4096, 65536])
def test_a_flood_of_small_frames_is_beyond_the_credit(frame, size):
    stream = PREFACE + frame * 20_000

    assert spent_after(stream, size) < len(stream) / 2


@pytest.mark.parametrize("size", [1, 5, 9, 10, 4096, 65536])
def test_a_body_in_frames_of_any_usual_size_is_within_it_however_it_is_cut(size):
    stream = PREFACE + data(200) * 5000 if size > 10 else PREFACE + data(200) * 500

    assert len(stream) == spent_after(stream, size)


def test_acknowledging_an_answer_is_within_it():
    stream = PREFACE + WindowUpdateFrame(1, window_increment=100).serialize() * 50_000

    assert len(stream) == spent_after(stream, 26, answered=1)
    assert len(stream) > spent_after(stream, 26)


def test_credit_is_not_hoarded():
    credit = FrameCredit()
    for _ in range(100_000):
        credit.earn()

    assert not credit.spend(PREFACE + data(0) * 6000)
