"""Requests as bytes; everything else of a connection is in test_client and test_faults, over sockets."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from outgate.errors import Denial
from outgate.upstreams.upload import Upload
from outgate.upstreams.wire import CutOffError, Wire

HEAD = b"POST / HTTP/1.1\r\n\r\n"


class Recorder(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written = []

    def write(self, data):
        self.written.append(bytes(data))

    def is_closing(self):
        return False

    def abort(self):
        """Nothing is open."""

    close = abort


def written(body):
    """The writes of one request."""

    async def story():
        loop = asyncio.get_running_loop()
        wire, transport = Wire(loop), Recorder()
        wire.connection_made(transport)
        asking = loop.create_task(wire.ask(HEAD, body, head_only=False, until=loop.time() + 10))
        for _ in range(len(body) // 100_000 + 3):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(CutOffError):
            await asking
        return transport.written

    return asyncio.run(story())


def test_a_short_request_is_one_write():
    assert [HEAD + b"{}"] == written(b"{}")
    assert [HEAD] == written(b"")


def test_no_write_of_a_long_request_is_so_long_that_tls_would_keep_a_copy_of_it():
    body = bytes(range(256)) * 4000
    writes = written(body)

    assert HEAD + body == b"".join(writes)
    assert max(map(len, writes)) <= 128 * 1024


def test_the_loop_goes_on_between_the_writes_of_a_long_request():
    async def story():
        loop = asyncio.get_running_loop()
        wire, transport = Wire(loop), Recorder()
        wire.connection_made(transport)
        asking = loop.create_task(wire.ask(HEAD, bytes(1 << 20), head_only=False, until=loop.time() + 10))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        before = len(transport.written)
        asking.cancel()
        with pytest.raises(CutOffError):
            await asking
        return before

    assert 2 <= asyncio.run(story()) <= 3


def test_an_upload_that_ends_after_its_answer_leaves_no_timer_for_the_next_request():
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    upload = Upload(3, "", 60.0, Denial(code="late", status=408, message="m"), lambda _: None)

    async def story():
        loop = asyncio.get_running_loop()
        wire = Wire(loop)
        wire.connection_made(Recorder())

        async def answered(body):
            asking = loop.create_task(wire.ask(HEAD, body, head_only=False, until=loop.time() + 10, after=0.0))
            for _ in range(5):
                await asyncio.sleep(0)
            wire.data_received(answer)
            return (await asking)[0].code

        upload.feed(b"abc")
        first = await answered(upload)
        upload.end()
        for _ in range(3):
            await asyncio.sleep(0)
        assert wire._writing.done()
        return first, await answered(b"{}")

    assert (200, 200) == asyncio.run(story())


def test_a_connection_is_quiet_until_something_waits_and_again_when_it_was_read():
    near, far = socket.socketpair()
    loop = asyncio.new_event_loop()
    with near, far:
        wire = Wire(loop)
        wire.transport = SimpleNamespace(get_extra_info={"socket": near}.get)
        told = [wire.quiet(), wire.quiet()]
        far.send(b"HTTP/1.1 200 OK\r\n")
        told += [wire.quiet(), wire.quiet()]
        near.recv(64)
        told.append(wire.quiet())
        far.close()
        told.append(wire.quiet())
    loop.close()

    assert [True, True, False, False, True, False] == told
