"""Ambiguous HTTP/1 requests: refused, or sent on in one form: nobody behind the gateway may read it otherwise."""

import asyncio

import pytest

from e2e.world import OPENAI_KEY, TOKEN, World
from support.raw_client import Http2, Raw, http2_request

NAME = "api.openai.com"
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
LENGTH = f"content-length: {len(BODY)}"
CHUNKED = "transfer-encoding: chunked"


def chunks(*pieces: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"


def post(*fields: str, host: str = f"host: {NAME}", line: str = "POST /v1/chat/completions HTTP/1.1", body: bytes = BODY) -> bytes:
    lines = [line, *([host] if host else []), "content-type: application/json", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


REFUSED = {
    "two lengths": post(LENGTH, "content-length: 3"),
    "the same length twice": post(LENGTH, LENGTH),
    "a list of lengths": post(f"content-length: {len(BODY)}, {len(BODY)}"),
    "a signed length": post(f"content-length: +{len(BODY)}"),
    "a negative length": post("content-length: -1"),
    "a hexadecimal length": post("content-length: 0x43"),
    "length and chunks": post(LENGTH, CHUNKED, body=chunks(BODY)),
    "chunked twice": post(CHUNKED, CHUNKED, body=chunks(BODY)),
    "chunked and more": post("transfer-encoding: gzip, chunked", body=chunks(BODY)),
    "nearly chunked": post("transfer-encoding: xchunked", body=chunks(BODY)),
    "identity": post("transfer-encoding: identity"),
    "a chunk without size": post(CHUNKED, body=b"zz\r\n" + BODY),
    "a negative chunk": post(CHUNKED, body=b"-1\r\n" + BODY),
    "a folded line": post(LENGTH, "x-a: b\r\n continued"),
    "a folded first line": post(LENGTH, host=f" folded: x\r\nhost: {NAME}"),
    "NUL in a value": post(LENGTH, "user-agent: a\x00b"),
    "a bare CR in a value": post(LENGTH, "user-agent: a\rx-evil: b"),
    "NUL in a name": post(LENGTH, "x-\x00a: b"),
    "a space before the colon": post(f"content-length : {len(BODY)}"),
    "a line without colon": post(LENGTH, "nothing"),
    "a field without name": post(LENGTH, ": value"),
    "two hosts": post(LENGTH, f"host: {NAME}"),
    "two different hosts": post(LENGTH, "host: evil.test"),
    "no host": post(LENGTH, host=""),
    "an empty host": post(LENGTH, host="host:"),
    "HTTP/1.0": post(LENGTH, line="POST /v1/chat/completions HTTP/1.0"),
    "HTTP/2 that is not": post(LENGTH, line="POST /v1/chat/completions HTTP/2.0"),
    "HTTP/9": post(LENGTH, line="POST /v1/chat/completions HTTP/9.9"),
    "HTTP/0.9": b"GET /v1/models\r\n\r\n",
    "a tab in the target": post(LENGTH, line="POST /v1/chat\t/completions HTTP/1.1"),
    "dots in the target": post(LENGTH, line="POST /v1/../v1/chat/completions HTTP/1.1"),
    "a fragment": post(LENGTH, line="POST /v1/chat/completions#x HTTP/1.1"),
    "an unknown coding": post(LENGTH, "content-encoding: snappy"),
    "two codings": post(LENGTH, "content-encoding: gzip", "content-encoding: gzip"),
    "no gzip at all": post(LENGTH, "content-encoding: gzip"),
    "a body where none belongs": post(LENGTH, line="GET /v1/models HTTP/1.1"),
}
ACCEPTED = {
    "as it should be": post(LENGTH),
    "chunks": post(CHUNKED, body=chunks(BODY)),
    "chunks of one byte": post(CHUNKED, body=chunks(*(BODY[at : at + 1] for at in range(len(BODY))))),
    "a chunk extension": post(CHUNKED, body=b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "trailers": post(CHUNKED, body=chunks(BODY, trailers=b"authorization: Bearer evil\r\nx-evil: 1\r\n")),
    "bytes above ASCII in a value": post(LENGTH, "x-name: caf\xe9"),
}


async def connected(raw: Raw) -> Raw:
    await raw.connect(f"{NAME}:443", TOKEN)
    await raw.tls(NAME)
    return raw


async def answers(gateway, data: bytes, count: int = 1) -> list:
    async with Raw.to(gateway) as raw:
        await connected(raw)
        await raw.send(data)
        return [await raw.reply() for _ in range(count)]


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(shared, providers, name):
    _, gateway = shared

    [reply] = asyncio.run(answers(gateway, REFUSED[name]))

    assert reply.status in (0, 400, 415, 421, 505), reply  # 0: h11 ends the connection on a broken chunk
    assert providers[0].seen == []


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_sent_on_has_one_reading(shared, providers, name):
    _, gateway = shared

    [reply] = asyncio.run(answers(gateway, ACCEPTED[name]))

    [seen] = providers[0].seen
    assert (200, BODY) == (reply.status, seen.body)
    assert str(len(BODY)) == seen.header("content-length")
    assert None is seen.header("transfer-encoding")
    assert f"Bearer {OPENAI_KEY}" == seen.header("authorization")
    assert {"x-evil", "x-name"}.isdisjoint(key for key, _ in seen.fields)


def test_a_malformed_head_gets_one_answer_only(shared):
    _, gateway = shared

    async def run():
        async with Raw.to(gateway) as raw:
            await raw.send(post(LENGTH, LENGTH))
            return await raw.rest()

    assert 1 == asyncio.run(run()).count(b"HTTP/1.1 ")


def test_pipelined_requests_are_answered_in_their_order(shared, providers):
    _, gateway = shared
    other = BODY.replace(b"gpt-4o-mini", b"gpt-4o")
    data = post(LENGTH) + post(f"content-length: {len(other)}", body=other) + post(LENGTH, line="GET /v1/files HTTP/1.1")

    replies = asyncio.run(answers(gateway, data, 3))

    assert [200, 200, 400] == [reply.status for reply in replies]
    assert [BODY, other] == [seen.body for seen in providers[0].seen]


def test_what_follows_a_body_is_a_request_of_its_own(shared, providers):
    _, gateway = shared

    replies = asyncio.run(answers(gateway, post(LENGTH) + b"GET /v1/models HTTP/1.1\r\nhost: evil.test\r\n\r\n", 2))

    assert [200, 421] == [reply.status for reply in replies]
    assert 1 == len(providers[0].seen)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "FOO"])
def test_other_methods_are_not_inference(shared, providers, method):
    _, gateway = shared

    async def run():
        async with Raw.to(gateway) as raw:
            await connected(raw)
            await raw.send(post(line=f"{method} /v1/chat/completions HTTP/1.1", body=b""))
            return await raw.reply(head_only=method == "HEAD")

    reply = asyncio.run(run())
    assert (400, "unjudged_content") == (reply.status, reply.reason)
    assert providers[0].seen == []


def test_expect_100_continue_is_answered_before_the_body_and_not_for_a_refusal(shared, providers):
    _, gateway = shared

    async def run(line):
        async with Raw.to(gateway) as raw:
            await connected(raw)
            await raw.send(post(LENGTH, "expect: 100-continue", line=line, body=b""))
            first = await raw.reply()
            if first.status != 100:
                return [first.status]
            await raw.send(BODY)
            return [first.status, (await raw.reply()).status]

    assert [100, 200] == asyncio.run(run("POST /v1/chat/completions HTTP/1.1"))
    assert [400] == asyncio.run(run("POST /v1//chat/completions HTTP/1.1"))
    assert None is providers[0].seen[0].header("expect")


def test_http2_trailers_and_repeated_pseudo_headers(shared, providers):
    _, gateway = shared

    async def run(*more):
        async with Raw.to(gateway) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.tls(NAME, ["h2"])
            link = await Http2(raw).start()
            fields = http2_request("/v1/chat/completions", NAME, ("content-type", "application/json"))
            stream = await link.begin([*more, *fields], None)
            link.link.send_data(stream, BODY)
            link.link.send_headers(stream, [("authorization", "Bearer evil"), ("x-evil", "1")], end_stream=True)
            await link.flush()
            return await link.reply(stream)

    assert 200 == asyncio.run(run()).status
    assert f"Bearer {OPENAI_KEY}" == providers[0].seen[0].header("authorization")
    assert 200 != asyncio.run(run((":authority", "evil.test"))).status
    assert 200 != asyncio.run(run((":path", "/v1/files"))).status
    assert 1 == len(providers[0].seen)


@pytest.fixture(name="hasty", scope="module")
def _hasty(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("hasty"), *providers)
    limits = "limits: {head_seconds: 0.3, body_seconds: 0.3, body_bytes: 10000, media_bytes: 10000}"
    with world.gateway(world.policy(gateway=limits)) as gateway:
        yield gateway


def test_a_slow_body_is_answered_and_cut(hasty, providers):
    async def run():
        async with Raw.to(hasty) as raw:
            await connected(raw)
            await raw.send(post(LENGTH, body=BODY[:5]))
            return await raw.reply(), await raw.rest()

    reply, rest = asyncio.run(run())

    assert (408, "body_timeout", b"") == (reply.status, reply.reason, rest)
    assert b'"code":"body_timeout"' in reply.body
    assert providers[0].seen == []


def test_a_slow_head_is_answered_and_cut(hasty):
    async def run():
        async with Raw.to(hasty) as raw:
            await connected(raw)
            for piece in (b"POST /v1/chat", b"/completions HTT", b"P/1.1\r\nho"):
                await raw.send(piece)
            return await raw.reply(), await raw.rest()

    reply, rest = asyncio.run(run())

    assert (408, b"") == (reply.status, rest)


def test_a_body_over_the_limit_is_refused_while_it_is_being_sent(hasty, providers):
    async def run():
        async with Raw.to(hasty) as raw:
            await connected(raw)
            await raw.send(post("content-length: 1000000000", body=b" " * 20_000))
            return await raw.reply(), await raw.rest()

    reply, rest = asyncio.run(run())

    assert (413, "body_too_large", b"") == (reply.status, reply.reason, rest)
    assert providers[0].seen == []


def test_a_refusal_of_the_head_does_not_wait_for_the_body(hasty):
    async def run():
        async with Raw.to(hasty) as raw:
            await connected(raw)
            await raw.send(post("content-length: 9000", line="POST /v1//chat HTTP/1.1", body=b""))
            return await raw.reply()

    reply = asyncio.run(run())
    assert (400, "bad_path") == (reply.status, reply.reason)


def test_a_refused_body_that_is_sent_whole_leaves_the_connection_fit_for_use(hasty):
    big = post("content-length: 20000", body=b" " * 20_000)

    assert [413, 200] == [reply.status for reply in asyncio.run(answers(hasty, big + post(LENGTH), 2))]
