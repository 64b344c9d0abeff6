"""Attacks by clients that stop, leave or come back in the middle: nothing that was theirs stays behind, nothing is cut short, and
the time of an idle connection is counted only while it is idle.
"""

import asyncio
import re
import shutil
import signal
import subprocess
import time

import pytest
from mitmproxy import ctx

from e2e.world import TOKEN, World, lines
from support.behaviours import answer_json, endless, silent, sse
from support.openai_answers import chat_completion, chat_events
from support.raw_client import Http2, Raw, http2_request, request
from support.waiting import PATIENCE, until

NAME = "api.openai.com"
PATH = "/v1/chat/completions"
IDLE_SECONDS = 1
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
STREAM = BODY[:-1] + b',"stream":true}'
EVENT = chat_events(["x" * 8000])[1]


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("endings"), *providers)
    with world.inside(world.policy(gateway=f"limits: {{idle_seconds: {IDLE_SECONDS}}}")) as gateway:
        yield gateway


def handlers(gateway) -> list:
    return list(ctx.master.addons.get("proxyserver").connections.values())


def left(gateway) -> tuple[int, ...]:
    """Exchanges, bytes of bodies, and connections that are still there; tasks beside those that were there from the start."""
    return gateway.call(
        lambda: (
            len(gateway.gateway.exchanges),
            gateway.gateway.bodies.held,
            len(handlers(gateway)),
            sum(task.get_name().startswith(("response parts", "hook", "client")) for task in asyncio.all_tasks()),
        )
    )


def nothing_left(gateway) -> bool:
    return until(lambda: left(gateway) == (0, 0, 0, 0))


def blockers(gateway) -> list[int]:
    """What keeps each connection from being idle."""
    return gateway.call(lambda: [each.timeout_watchdog.blocker for each in handlers(gateway)])


async def tunnel(raw: Raw, *alpn: str) -> Raw:
    await raw.connect(f"{NAME}:443", TOKEN)
    await raw.tls(NAME, alpn or ("http/1.1",))
    return raw


def post(body: bytes = BODY) -> bytes:
    return request("POST", PATH, host=NAME, body=body)


ASK = http2_request(PATH, NAME, ("content-type", "application/json"))


@pytest.mark.parametrize("how", ["reset", "close_notify", "without a word"])
@pytest.mark.parametrize("what", ["a stream", "an answer that never comes"])
def test_attack_a_client_that_leaves_in_the_middle_leaves_nothing(inside, providers, how, what):
    providers[0].script(endless(EVENT, 0.001) if what == "a stream" else silent())

    async def run():
        async with Raw.to(inside) as raw:
            await tunnel(raw)
            await raw.send(post(STREAM))
            if what == "a stream":
                await raw.reader.readexactly(50_000)
            else:
                assert await asyncio.to_thread(until, lambda: len(providers[0].seen) == 1)
            if how == "close_notify":
                raw.writer.close()
                await asyncio.sleep(0.05)
            elif how == "without a word":
                raw.writer.get_extra_info("socket").shutdown(2)

    asyncio.run(run())

    assert nothing_left(inside), left(inside)
    assert until(lambda: providers[0].seen[0].aborted is not None)


def unwritten(gateway) -> int:
    """Bytes that the gateway itself holds for clients that do not read; what the kernel holds besides is its own affair."""
    return sum(
        io.writer.transport.get_write_buffer_size() for each in handlers(gateway) for io in each.transports.values() if io.writer
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_attack_a_client_that_stops_reading_is_waited_for_and_gets_every_byte(inside, providers, protocol):
    """A stream of 16 MB: the provider is held back while nobody reads, also beyond the time of an idle connection."""
    texts = [f"{number:08d}" + "x" * 8000 for number in range(2000)]
    events = [chat_events([text])[1] for text in texts]
    sent = []

    def counted():
        for event in events:
            sent.append(len(event))
            yield event
        yield b"data: [DONE]\n\n"

    providers[0].script(sse(counted()))

    async def run():
        async with Raw.to(inside) as raw:
            await tunnel(raw, protocol)
            if protocol == "h2":
                link = await Http2(raw).start()
                stream = await link.begin(ASK, STREAM)
            else:
                await raw.send(post(STREAM))
            raw.writer.transport.pause_reading()
            at = 0
            while at != len(sent) or not sent:
                at = len(sent)
                await asyncio.sleep(0.3)
            await asyncio.sleep(1.2 * IDLE_SECONDS)
            held = inside.call(lambda: unwritten(inside))
            raw.writer.transport.resume_reading()
            return held, (await link.reply(stream)) if protocol == "h2" else await raw.reply()

    held, reply = asyncio.run(run())

    assert held < 1_000_000
    assert (200, True) == (reply.status, reply.whole)
    assert texts == re.findall(r'"content":"(\d{8}x*)"', reply.body.decode())


def test_attack_streams_that_are_reset_leave_nothing_and_their_neighbours_alone(inside, providers):
    round_of_it = [*[endless(EVENT, 0.001) for _ in range(10)], answer_json(chat_completion("neighbour"))]
    providers[0].script(*round_of_it * 3)

    async def run():
        async with Raw.to(inside) as raw:
            await tunnel(raw, "h2")
            link = await Http2(raw).start()
            for _ in range(3):
                streams = [await link.begin(ASK, STREAM) for _ in range(10)]
                while not all(link.heard(each) for each in streams):
                    await link.read()
                for each in streams:
                    link.link.reset_stream(each)
                await link.flush()
                assert (await link.ask(ASK, BODY)).status == 200
            held = await asyncio.to_thread(until, lambda: blockers(inside) == [0])
            end = time.monotonic() + PATIENCE
            while not link.over and time.monotonic() < end:
                await asyncio.wait_for(link.read(), PATIENCE)
            return held, link.over

    assert (True, True) == asyncio.run(run()), "idle again, and closed in time"
    assert nothing_left(inside), left(inside)


def test_attack_a_client_that_leaves_while_its_window_is_full_leaves_nothing(inside, providers):
    providers[0].script(endless(EVENT))

    async def run():
        async with Raw.to(inside) as raw:
            await tunnel(raw, "h2")
            link = await Http2(raw).start()
            await link.begin(ASK, STREAM)
            assert await asyncio.to_thread(until, lambda: waiting_for_window(inside))

    asyncio.run(run())

    assert nothing_left(inside), left(inside)


def waiting_for_window(gateway) -> bool:
    return gateway.call(lambda: any(task.get_name().startswith("response parts") for task in asyncio.all_tasks()))


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_a_connection_is_not_idle_while_one_exchange_runs(inside, providers, protocol):
    """Exchanges that overlap, and those that follow each other: the longest of them keeps the connection, then nothing does."""
    providers[0].script(silent(2.5 * IDLE_SECONDS), answer_json(chat_completion("short")))

    async def run():
        async with Raw.to(inside) as raw:
            await tunnel(raw, protocol)
            begun = time.monotonic()
            if protocol == "h2":
                link = await Http2(raw).start()
                long = await link.begin(ASK, BODY)
                assert await asyncio.to_thread(until, lambda: len(providers[0].seen) == 1)
                short = await link.ask(ASK, BODY)
                first = await link.reply(long)
                took = time.monotonic() - begun
                while not link.over:
                    await asyncio.wait_for(link.read(), PATIENCE)
                return first.status, short.status, took
            await raw.send(post() + post())
            first, short = await raw.reply(), await raw.reply()
            took = time.monotonic() - begun
            await raw.rest(PATIENCE)
            return first.status, short.status, took

    first, short, took = asyncio.run(run())

    assert (True, 200, True) == (first >= 200, short, took > 2 * IDLE_SECONDS)
    assert nothing_left(inside), left(inside)


def test_attack_a_client_that_never_reads_its_last_answer_keeps_its_room_until_it_is_cut_off(inside, providers):
    providers[0].script(answer_json(chat_completion("x" * 12_000_000)))

    async def run():
        async with Raw.to(inside) as raw:
            await tunnel(raw)
            await raw.send(request("POST", PATH, host=NAME, fields=[("connection", "close")], body=BODY))
            raw.writer.transport.pause_reading()
            assert await asyncio.to_thread(until, lambda: left(inside)[:3] == (0, 0, 1) and blockers(inside) == [0])
            await asyncio.sleep(IDLE_SECONDS / 2)
            counted = left(inside)[2]
            ended = await asyncio.to_thread(nothing_left, inside)
            raw.writer.transport.resume_reading()
            return counted, ended, (await raw.reply()).whole

    assert (1, True, False) == asyncio.run(run())


def test_a_drain_waits_for_a_client_that_reads_its_last_answer_slowly(world, providers):
    providers[0].script(answer_json(chat_completion("x" * 12_000_000)))

    async def run(gateway):
        async with Raw.to(gateway) as raw:
            await tunnel(raw)
            raw.writer.transport.pause_reading()
            await raw.send(post())
            assert await asyncio.to_thread(until, lambda: bool(lines(world)))
            gateway.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            raw.writer.transport.resume_reading()
            return await raw.reply()

    with world.gateway(world.policy()) as gateway:
        reply = asyncio.run(run(gateway))

    assert (200, True) == (reply.status, reply.whole)
    assert len(reply.body) > 12_000_000


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
@pytest.mark.parametrize(("version", "letter"), [("-tls1_3", b"K"), ("-tls1_3", b"k"), ("-tls1_2", b"R")])
def test_attack_new_keys_and_new_handshakes_in_the_middle(inside, providers, version, letter):
    """New keys are taken (RFC 8446 section 4.6.3), a renegotiation is not: it ends the connection."""
    proxy = ["-proxy", f"127.0.0.1:{inside.port}", "-proxy_user", "app", "-proxy_pass", f"pass:{TOKEN}"]
    command = ["openssl", "s_client", version, *proxy, "-connect", f"{NAME}:443", "-servername", NAME]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:

        def say(data: bytes) -> None:
            client.stdin.write(data)
            client.stdin.flush()

        def heard(words: bytes, count: int) -> bool:
            nonlocal said
            while said.count(words) < count and (more := client.stdout.read1(65536)):
                said += more
            return said.count(words) >= count

        said = b""
        assert heard(b"Verify return code", 1), said
        say(post())
        assert heard(b"HTTP/1.1 200", 1), said
        say(letter + b"\n")
        assert heard({b"K": b"KEYUPDATE", b"k": b"KEYUPDATE", b"R": b"RENEGOTIATING"}[letter], 1), said
        say(post())
        answered = heard(b"HTTP/1.1 200", 2)
        client.kill()

    assert answered == (letter != b"R"), said
    assert len(providers[0].seen) == 1 + answered
