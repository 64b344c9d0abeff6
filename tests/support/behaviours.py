"""Behaviours of a scripted provider: good, faulty and hostile answers that a gateway must survive."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from support.calls import Behaviour, Call
from support.openai_answers import embeddings, models, openai_error
from support.sse import TEXT, pieces
from support.talks import talk_at

SSE = ("content-type", "text/event-stream; charset=utf-8")
FRAMES = ("content-type", "application/vnd.amazon.eventstream")
CHUNKED = ("transfer-encoding", "chunked")


def provider(text: str = TEXT, tokens: tuple[int, int] = (9, 5), pace: float = 0.0) -> Behaviour:
    """A well-behaved provider of every dialect: answers by path, plain or streamed as asked, with usage."""

    async def behave(call: Call) -> None:
        path = call.seen.target.partition("?")[0]
        asked = orjson.loads(call.seen.body) if call.seen.body[:1] == b"{" else {}
        if (talk := talk_at(path)) is not None and talk.streams(call.seen.target, asked):
            await sse(talk.events(asked, pieces(text), tokens), pace)(call)
        elif talk is not None:
            await call.answer_json(talk.whole(asked, text, tokens))
        elif path.endswith("/embeddings"):
            given = asked.get("input")
            await call.answer_json(embeddings(len(given) if isinstance(given, list) else 1, asked.get("model", "gpt-4o-mini")))
        elif path.endswith("/models"):
            await call.answer_json(models(["gpt-4o-mini", "claude-sonnet-4-5"]))
        else:
            await call.answer_json(openai_error("not_found", "no such path"), 404)

    return behave


def answer_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    async def behave(call: Call) -> None:
        await call.answer_json(value, status, (headers or {}).items())

    return behave


def answer_bytes(body: bytes, content_type: str = "application/json", status: int = 200) -> Behaviour:
    """Any bytes under any content type (`text/html`, a wrong one, an encoded one)."""

    async def behave(call: Call) -> None:
        await call.answer(status, body, [("content-type", content_type)])

    return behave


def refuse(status: int, retry_after: str | None = None, value: object | None = None) -> Behaviour:
    """An error of the provider: 429, 5xx, 401, with Retry-After where given."""
    fields = {"retry-after": retry_after} if retry_after is not None else {}
    return answer_json(value or openai_error("scripted", "scripted refusal"), status, fields)


def sse(events: Iterable[bytes], pace: float = 0.0, headers: Iterable[tuple[str, str]] = ()) -> Behaviour:
    """Events as a chunked stream, `pace` seconds apart; the caller's leaving ends it at once."""

    async def behave(call: Call) -> None:
        told = list(events)
        await call.head(200, [_kind(told), CHUNKED, *headers])
        for event in told:
            await call.chunk(event)
            if pace:
                await call.pause(pace)
        await call.chunk(b"")

    return behave


def _kind(events: Sequence[bytes]) -> tuple[str, str]:
    """The Content-Type of these events: frames begin with their length."""
    return FRAMES if events and events[0][:1] == b"\0" else SSE


def held(events: Sequence[bytes], condition: Callable[[], bool], kind: tuple[str, str] = SSE) -> Behaviour:
    """A stream whose first event comes at once, and the others when `condition` holds."""

    async def behave(call: Call) -> None:
        await call.head(200, [kind, CHUNKED])
        await call.chunk(events[0])
        while not condition():
            await call.pause(0.005)
        for event in events[1:]:
            await call.chunk(event)
        await call.chunk(b"")

    return behave


def burst(events: Sequence[bytes]) -> Behaviour:
    """All events in one chunk."""
    return sse([b"".join(events)])


def reset(when: str, events: Sequence[bytes] = ()) -> Behaviour:
    """A TCP reset: `before` any byte, inside the `headers`, or in the `body` after `events`."""

    async def behave(call: Call) -> None:
        if when == "headers":
            await call.send(b"HTTP/1.1 200 OK\r\ncontent-ty")
        elif when == "body":
            await call.head(200, [_kind(events), CHUNKED])
            for event in events:
                await call.chunk(event)
        await call.pause(0.02)
        call.reset()

    return behave


def truncated(events: Sequence[bytes] = ()) -> Behaviour:
    """A clean close in the middle: a stream without its last chunk, or a body shorter than its content-length."""

    async def behave(call: Call) -> None:
        if events:
            await call.head(200, [_kind(events), CHUNKED])
            for event in events:
                await call.chunk(event)
        else:
            await call.head(200, [("content-type", "application/json"), ("content-length", "1000")])
            await call.send(b'{"id":"chatcmpl-1","choices":[')
        call.close()

    return behave


def half_close(events: Sequence[bytes] = ()) -> Behaviour:
    """The provider closes its sending side after `events` and goes on listening."""

    async def behave(call: Call) -> None:
        await call.head(200, [_kind(events)])
        for event in events:
            await call.send(event)
        if call.writer.can_write_eof():
            call.writer.write_eof()
            await call.pause(5)
        call.close()

    return behave


def trickle(body: bytes, pace: float = 0.01, content_type: str = "application/json") -> Behaviour:
    """A whole answer, one byte at a time."""

    async def behave(call: Call) -> None:
        await call.head(200, [("content-type", content_type), ("content-length", str(len(body)))])
        for i in range(len(body)):
            await call.send(body[i : i + 1])
            await call.pause(pace)

    return behave


def garbage(data: bytes = b"\x16\x03\x01not http at all\r\n\r\n") -> Behaviour:
    """Bytes that are no HTTP answer."""

    async def behave(call: Call) -> None:
        await call.send(data)
        call.close()

    return behave


def huge_headers(size: int = 1 << 20) -> Behaviour:
    """A head of `size` bytes."""

    async def behave(call: Call) -> None:
        await call.head(200, [("content-length", "2"), ("x-filler", "a" * size)])
        await call.send(b"{}")

    return behave


def silent(seconds: float = 60.0) -> Behaviour:
    """No answer, until the caller leaves."""

    async def behave(call: Call) -> None:
        await call.pause(seconds)
        call.close()

    return behave


def stalled(events: Sequence[bytes], seconds: float = 60.0) -> Behaviour:
    """A stream that stops after `events` and stays open."""

    async def behave(call: Call) -> None:
        await call.head(200, [_kind(events), CHUNKED])
        for event in events:
            await call.chunk(event)
        await call.pause(seconds)
        call.close()

    return behave


def endless(event: bytes, pace: float = 0.0) -> Behaviour:
    """A stream that never ends."""

    async def behave(call: Call) -> None:
        await call.head(200, [_kind([event]), CHUNKED])
        while True:
            await call.chunk(event)
            await call.pause(pace)

    return behave


def redirect(location: str, status: int = 307) -> Behaviour:
    async def behave(call: Call) -> None:
        await call.answer(status, b"", [("location", location)])

    return behave


def echo() -> Behaviour:
    """What arrived, as JSON: method, target, header fields, body."""

    async def behave(call: Call) -> None:
        seen = call.seen
        value = {"method": seen.method, "target": seen.target, "headers": seen.fields, "body": seen.body.decode("utf-8", "replace")}
        await call.answer_json(value)

    return behave


def forward(port: int) -> Behaviour:
    """Pass the request to a plain HTTP server on this machine, and its answer back; the connection ends with it."""

    async def behave(call: Call) -> None:
        seen = call.seen
        kept = [f"{name}: {value}" for name, value in seen.fields if name.lower() not in ("connection", "keep-alive")]
        head = "\r\n".join([f"{seen.method} {seen.target} HTTP/1.1", *kept, "connection: close"])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        writer.write(head.encode("latin-1") + b"\r\n\r\n" + seen.body)
        lines = (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n").split(b"\r\n")
        told = [line for line in lines if not line.lower().startswith((b"connection:", b"keep-alive:"))]
        await call.send(b"\r\n".join([*told, b"connection: close"]) + b"\r\n\r\n")
        while data := await reader.read(65536):
            await call.send(data)
        writer.close()
        call.close()

    return behave


BROKEN_ANSWERS = {
    "no answer": (silent(), 504),
    "a reset before the head": (reset("before"), 502),
    "a reset in the head": (reset("headers"), 502),
    "garbage": (garbage(), 502),
    "endless headers": (huge_headers(), 502),
    "a switch of protocols": (garbage(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n"), 502),
    "an error page": (answer_bytes(b"<html>busy</html>", "text/html", 502), 502),
    "an error page for success": (answer_bytes(b"<html>canary</html>", "text/html"), 502),
    "an empty answer": (answer_bytes(b""), 502),
    "half an answer": (truncated(), 502),
    "another object": (answer_bytes(b"[1]"), 502),
    "not quite JSON": (answer_bytes(b'{"id":"x",'), 502),
    "damaged gzip": (garbage(b'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 6\r\n\r\n{"a":1'), 502),
    "two lengths": (garbage(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"), 502),
}
"""Behaviours of any provider that end in no answer, and the status that callers get."""
