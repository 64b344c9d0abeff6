"""An upload waits for its client and makes it wait, says why it broke, and holds no more than its mark."""

import asyncio

import pytest

from outgate.errors import Denial
from outgate.upstreams.upload import MARK, Upload, UploadBrokenError

LATE = Denial(code="body_timeout", status=408, message="late")
FULL = Denial(code="bodies_full", status=503, message="full")


def upload(seconds=60.0, length=None):
    held = []
    return Upload(length, "", seconds, LATE, held.append), held


def run(body):
    with asyncio.Runner() as runner:
        return runner.run(body)


def test_pieces_come_in_order_and_then_none():
    made, held = upload()

    async def go():
        assert not made.begun
        made.feed(b"a")
        made.feed(b"b")
        first = await made.piece()
        waiting = asyncio.ensure_future(made.piece())
        await asyncio.sleep(0)
        made.feed(b"c")
        second = await waiting
        made.end()
        return first, second, await made.piece(), made.begun

    assert (b"ab", b"c", b"", True) == run(go())
    assert 0 == sum(held)


def test_a_client_waits_at_the_mark_until_some_is_taken():
    made, _ = upload()

    async def go():
        made.feed(bytes(MARK))
        waiting = asyncio.ensure_future(made.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        await made.piece()
        await waiting

    run(go())


@pytest.mark.parametrize("ended", [lambda made: made.end(FULL), lambda made: made.close()])
def test_what_will_not_be_whole_is_never_taken_for_whole(ended):
    made, held = upload()

    async def go():
        made.feed(b"a")
        ended(made)
        await made.room()
        await made.piece()

    with pytest.raises(UploadBrokenError) as raised:
        run(go())
    assert raised.value.denial in (FULL, LATE)
    assert sum(held) in (0, 1)


def test_a_client_that_stops_is_late():
    made, _ = upload(0.01)

    with pytest.raises(UploadBrokenError) as raised:
        run(made.piece())
    assert LATE == raised.value.denial


@pytest.mark.parametrize(("ended", "denial"), [(lambda made: made.end(FULL), FULL), (lambda made: made.close(), LATE)])
def test_a_whole_upload_that_is_emptied_before_it_is_sent_is_broken(ended, denial):
    made, held = upload()
    made.feed(b"a")
    made.end()
    ended(made)
    made.close()

    with pytest.raises(UploadBrokenError) as raised:
        run(made.piece())
    assert (denial, 0) == (raised.value.denial, sum(held))


def test_one_that_was_taken_whole_stays_whole_when_it_is_closed():
    made, _ = upload()

    async def go():
        made.feed(b"a")
        made.end()
        await made.piece()
        made.close()
        return await made.piece()

    assert b"" == run(go())


@pytest.mark.parametrize("fed", [b"", b"ab", b"abcd"])
def test_no_other_number_of_bytes_than_the_length_is_sent_as_whole(fed):
    made, _ = upload(length=3)
    made.feed(fed)
    made.end()

    async def go():
        while await made.piece():
            pass

    with pytest.raises(UploadBrokenError) as raised:
        run(go())
    assert "body_length" == raised.value.denial.code


def test_a_piece_is_refused_before_it_waits():
    changes = []

    def refuse(change):
        changes.append(change)
        if change > 0:
            made.end(FULL)
            made.close()

    made = Upload(None, "", 60.0, LATE, refuse)
    made.feed(b"abc")
    made.feed(b"d")

    assert [3, 0] == changes
