"""Requests as bytes; everything else of a connection is in test_client and test_faults, over sockets."""

import asyncio

import pytest

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
