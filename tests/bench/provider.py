"""The bench's provider: one process, HTTPS, HTTP/1.1 keep-alive, a 2 KB answer or a stream of events as the body asks.

`GET /witness` tells how many requests have arrived, and how many bytes of bodies.
"""

import argparse
import asyncio
import json
import re
import ssl
import sys
from typing import Any

import uvloop

EVENTS = 100
LAST = b"0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_PACE = re.compile(rb"@pace=(\d+)")
_EVENTS = re.compile(rb"@events=(\d+)")


def json_answer(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def answer() -> bytes:
    usage = {"prompt_tokens": 400, "completion_tokens": 400, "total_tokens": 800}
    choice = {"index": 0, "message": {"role": "assistant", "content": "a plain answer of words " * 70}, "finish_reason": "stop"}
    value = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [choice],
        "usage": usage,
    }
    return json_answer(value)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def events() -> list[bytes]:
    """EVENTS chunks of about 280 bytes; the last two are a finish with usage, and `[DONE]` with the end of the body."""
    base: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    delta = {"index": 0, "delta": {"content": "word " * 30}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 400, "completion_tokens": 400, "total_tokens": 800}
    values = [{**base, "choices": [delta]}] * (EVENTS - 2) + [{**base, "choices": [last], "usage": usage}]
    lines = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in values]
    return [*(chunk(line) for line in lines), chunk(b"data: [DONE]\n\n") + LAST]


ARRIVED = {"requests": 0, "bytes": 0}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ANSWER = answer()
CHUNKS = events()


class Provider(asyncio.Protocol):
    """One connection: requests in, answers out."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.buffer = b""
        self.loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self.buffer = buffer = self.buffer + data if self.buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(buffer, 0, end)
        size = end + 4 + (int(found[1]) if found else 0)
        if len(buffer) < size:
            return
        self.buffer = buffer[size:]
        self.respond(buffer[end + 4 : size])

    def respond(self, body: bytes) -> None:
        if not body:
            self.transport.write(json_answer(ARRIVED))
            return
        ARRIVED["requests"] += 1
        ARRIVED["bytes"] += len(body)
        if b'"stream": true' not in body and b'"stream":true' not in body:
            self.transport.write(ANSWER)
            return
        pace, count = _PACE.search(body), _EVENTS.search(body)
        chunks = CHUNKS[-int(count[1]) :] if count else CHUNKS
        if count is None and b"@hold " in body:
            self.transport.write(HEAD + CHUNKS[0])
        elif pace:
            self.step(chunks, 0, int(pace[1]) / 1000, self.loop.time(), HEAD)
        else:
            self.transport.write(HEAD)
            for piece in chunks:
                self.transport.write(piece)

    def step(self, chunks: list[bytes], index: int, pace: float, start: float, prefix: bytes = b"") -> None:
        if self.transport.is_closing() or index == len(chunks):
            return
        self.transport.write(prefix + chunks[index])
        self.loop.call_at(start + (index + 1) * pace, self.step, chunks, index + 1, pace, start)


async def main(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0, ssl=context, backlog=2048)
    sys.stdout.write(f"port {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("certificate")
    uvloop.run(main(arguments.parse_args().certificate))
