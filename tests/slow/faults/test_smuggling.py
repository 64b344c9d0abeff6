"""P5: whatever a client sends, each provider sees exactly the requests that the gateway judged: none more, and never two for one.

The gateway's own books (a closing line for every exchange) say what was judged. Each vector carries a marker as its model, which
the closing line repeats; the hidden request asks for a model that policy refuses. SMUGGLING_MUTATIONS sets the number of
mutations.
"""

import asyncio
import contextlib
import os
import random
import ssl
from collections import Counter
from typing import NamedTuple

import h2.exceptions
import pytest

from e2e.world import TOKEN, lines
from slow.faults import vectors_http2
from slow.faults.backends import NAMES, Read
from slow.faults.messages import HIDDEN_MODEL, PATH, Maker, body_of
from slow.faults.mutations import mutated, seeds
from slow.faults.stand import ALIASES, KEY, TOKEN_FIELD, Stand, stood
from slow.faults.vectors import vectors
from support.raw_client import Http2, Raw, Reply
from support.waiting import until

MUTATIONS = int(os.environ.get("SMUGGLING_MUTATIONS", "10200"))
TRAVELS = {
    "host", "accept-encoding", "content-length", "authorization", "content-type", "user-agent", "accept", "idempotency-key",
}  # fmt: skip


@pytest.fixture(name="stand", scope="module")
def _stand(tmp_path_factory):
    with stood(tmp_path_factory.mktemp("smuggling")) as stand:
        yield stand


def judged(stand: Stand) -> Counter:
    """What the closing lines say was sent on: provider and model of every exchange that reached one."""
    return Counter(
        (line["outgate.backend"], line["gen_ai.request.model"])
        for line in lines(stand)
        if any(attempt["sent"] or attempt["status"] for attempt in line["outgate.attempts"])
    )


def seen(stand: Stand) -> Counter:
    return Counter((read.backend, read.model) for read in stand.backends.read)


def assert_books_agree(stand: Stand) -> None:
    """Backends saw what was judged, once; nginx and haproxy wrote no line that h11 behind them did not see, and refused nothing."""
    assert until(lambda: judged(stand) == seen(stand), 15), (
        f"judged, not seen: {judged(stand) - seen(stand)}; seen, not judged: {seen(stand) - judged(stand)}"
    )
    assert [] == [read for read in stand.backends.read if problem_of(read)], "requests that are not as the gateway writes them"
    for name in ("nginx", "haproxy"):
        until(lambda name=name: len(stand.backends.lines(name)) >= sum(read.backend == name for read in stand.backends.read))
        written = stand.backends.lines(name)
        assert [] == [line for line in written if not line.startswith("200")]
        assert sum(read.backend == name for read in stand.backends.read) == len(written)


def problem_of(read: Read) -> str:
    """What of a request is not as it must be; empty where all is well."""
    if read.broken:
        return read.broken
    added = {"connection", "x-forwarded-for"} if read.backend != "h11" else set()
    extra = {key for key, _ in read.fields} - TRAVELS - added
    wrong = [
        (read.method, read.target.partition("?")[0]) != ("POST", PATH) and "request line",
        read.all("host") != [NAMES[read.backend]] and "host",
        read.all("authorization") != [f"Bearer {KEY}"] and "credential",
        read.all("content-length") != [str(len(read.body))] and "length",
        not read.model.startswith("v-") and "model",
        extra and f"fields {extra}",
    ]
    return ", ".join(str(each) for each in wrong if each)


async def in_tunnel(raw: Raw, name: str, *alpn: str) -> Raw:
    reply = await raw.connect(f"{NAMES[name]}:443", TOKEN)
    assert reply.status == 200, reply
    await raw.tls(NAMES[name], alpn or ("http/1.1",))
    return raw


async def told(raw: Raw, data: bytes, most: int = 3) -> list[Reply]:
    """Send, and read the answers that come: a final one is waited for, others only for a moment. A client that left earlier would
    have its exchange cancelled, and the books do not say whether a cancelled one had reached its provider.
    """
    await raw.send(data)
    replies: list[Reply] = []
    with contextlib.suppress(TimeoutError, ValueError, IndexError, asyncio.LimitOverrunError):
        while sum(reply.status >= 200 for reply in replies) < most and not (replies and replies[-1].status == 0):
            async with asyncio.timeout(0.1 if replies and replies[-1].status >= 200 else 5):
                replies.append(await raw.reply())
    return replies


async def probe(stand: Stand, name: str, marker: str) -> bool:
    """A good request after the bad one, over the pooled connections to the provider: it must get its own answer."""
    async with Raw.to(stand.gateway) as raw:
        make = Maker(marker, ALIASES[name], TOKEN_FIELD)
        [reply, *_] = await told(raw, make.sized(), 1) or [Reply(0)]
        return reply.status == 200 and f"you are {marker}".encode() in reply.body


async def each(jobs, at_once: int) -> list:
    """All jobs, `at_once` of them at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(job):
        async with gate:
            return await job()

    return await asyncio.gather(*(one(job) for job in jobs))


class Told(NamedTuple):
    """A vector that was sent: to whom, under which marker, and what came of it."""

    name: str
    backend: str
    marker: str
    expected: tuple[int, ...]
    replies: list[Reply]
    probed: bool


def assert_as_expected(stand: Stand, results: list[Told]) -> None:
    assert_books_agree(stand)
    counted = seen(stand)
    wrong = [
        (each.name, each.backend, counted[each.backend, each.marker], [reply.status for reply in each.replies])
        for each in results
        if counted[each.backend, each.marker] not in each.expected
    ]
    assert not wrong, "\n".join(map(str, wrong))
    assert [] == [(each.name, each.backend) for each in results if not each.probed], "an answer went to the wrong request"
    assert 0 == sum(counted[name, HIDDEN_MODEL] for name in NAMES)


def to_all(stand: Stand, send, count: int, record_property) -> None:
    """Send every vector to every backend, and look at what each of them saw."""
    jobs = [lambda number=number, name=name: send(number, name) for number in range(count) for name in NAMES]
    results = asyncio.run(each(jobs, 12))
    record_property("sent", len(results))
    record_property("let through", sum(result.replies[0].status == 200 for result in results if result.replies))
    assert_as_expected(stand, results)


@pytest.mark.timeout(1200)
def test_vectors_in_http1(stand, record_property):
    count = len(vectors("v-0", "h", "a", TOKEN_FIELD))

    async def send(number: int, name: str) -> Told:
        marker = f"v-{number:05}-{name}"
        vector = vectors(marker, NAMES[name], ALIASES[name], TOKEN_FIELD)[number]
        async with Raw.to(stand.gateway) as raw:
            if not vector.plain:
                await in_tunnel(raw, name)
            replies = await told(raw, vector.data)
        return Told(vector.name, name, marker, vector.expected.value, replies, await probe(stand, name, f"v-p{number:05}"))

    record_property("vectors", count)
    assert count >= 150
    to_all(stand, send, count, record_property)


async def over_http2(raw: Raw, vector: vectors_http2.Http2Vector) -> list[Reply]:
    link = await Http2(raw).start()
    with contextlib.suppress(TimeoutError, h2.exceptions.ProtocolError):
        async with asyncio.timeout(5):
            stream = await link.begin(vector.fields, None)
            link.link.send_data(stream, vector.body, end_stream=not vector.trailers)
            if vector.trailers:
                link.link.send_headers(stream, vector.trailers, end_stream=True)
            await link.flush()
            return [await link.reply(stream)]
    return []


@pytest.mark.timeout(600)
def test_vectors_in_http2(stand, record_property):
    count = len(vectors_http2.vectors("v-0", "h"))

    async def send(number: int, name: str) -> Told:
        marker = f"v-h{number:05}-{name}"
        vector = vectors_http2.vectors(marker, NAMES[name])[number]
        async with Raw.to(stand.gateway) as raw:
            replies = await over_http2(await in_tunnel(raw, name, "h2"), vector)
        return Told(vector.name, name, marker, vector.expected.value, replies, await probe(stand, name, f"v-q{number:05}"))

    record_property("vectors", count)
    to_all(stand, send, count, record_property)


@pytest.mark.timeout(3000)
def test_mutations(stand, record_property):
    """Most go to the listener itself, which spares two handshakes; every eighth goes through a tunnel."""
    names = list(NAMES)

    async def send(number: int) -> tuple[bool, bool]:
        name, dice = names[number % 3], random.Random(number)
        tunnelled = number % 8 == 0
        make = Maker(f"v-m{number:06}", NAMES[name] if tunnelled else ALIASES[name], b"" if tunnelled else TOKEN_FIELD)
        data = mutated(dice.choice(seeds(make)), dice)
        async with Raw.to(stand.gateway) as raw:
            if tunnelled:
                await in_tunnel(raw, name)
            replies = await told(raw, data, 1)
        own = number % 20 or await probe(stand, name, f"v-r{number:06}")
        return bool(replies) and replies[-1].status == 200, bool(own)

    results = asyncio.run(each([lambda number=number: send(number) for number in range(MUTATIONS)], 32))

    record_property("mutations", len(results))
    record_property("let through", sum(good for good, _ in results))
    record_property(
        "seen by backends", ", ".join(f"{name} {sum(read.backend == name for read in stand.backends.read)}" for name in names)
    )
    assert all(own for _, own in results), "an answer went to the wrong request"
    assert_books_agree(stand)
    assert 0 == sum(seen(stand)[name, HIDDEN_MODEL] for name in names)


@pytest.mark.parametrize("name", NAMES)
def test_the_battery_notices_what_was_never_judged(stand, name):
    """A request put before a backend behind the gateway's back must make the books disagree."""
    make = Maker("v-unjudged", NAMES[name])
    before = len(stand.backends.read)

    asyncio.run(
        behind_the_back(
            stand, name, make.post(b"X-Smuggled: 1", b"Content-Length: %d" % len(make.body), body=body_of("v-xxxxxxxx"))
        )
    )

    assert until(lambda: len(stand.backends.read) > before)
    assert 1 == (seen(stand) - judged(stand))[name, "v-xxxxxxxx"]
    assert "credential" in problem_of(stand.backends.read[-1])
    assert "x-smuggled" in problem_of(stand.backends.read[-1])
    stand.backends.read.pop()


async def behind_the_back(stand: Stand, name: str, data: bytes) -> None:
    context = ssl.create_default_context(cadata=stand.backends.ca.decode())
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", stand.backends.ports[name], ssl=context, server_hostname=NAMES[name]
    )
    writer.write(data)
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
