"""The address that was judged is the address that is dialled (promise E4), and no other socket is ever opened."""

import asyncio
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network

import pytest

from outgate.errors import FailureKind, FailureReason, UpstreamError
from outgate.upstreams import dial as dialling
from outgate.upstreams.catalog import Endpoint
from outgate.upstreams.client import Client
from upstreams.calling import failure, request, whole
from upstreams.tls_server import LOOPBACK, Clients, Names, Server, aio, backend

_BAD = ("10.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1", "0.0.0.0", "224.0.0.1")
_RECORDED: list[list[tuple[str, int]]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _RECORDED:
        address = arguments[1]
        assert isinstance(address, tuple)
        _RECORDED[-1].append((address[0], address[1]))


sys.addaudithook(_hook)


@contextmanager
def connects() -> Iterator[list[tuple[str, int]]]:
    """Every address that any socket of this interpreter connects to meanwhile."""
    _RECORDED.append([])
    try:
        yield _RECORDED[-1]
    finally:
        _RECORDED.pop()


@contextmanager
def recorded_dials(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Addresses handed to the dialler, none of which is really dialled."""
    dialled: list[str] = []

    async def refuse(infos, **_):
        dialled.extend(info[4][0] for info in infos)
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(dialling, "start_connection", refuse)
        yield dialled


@aio
async def test_a_thousand_flipping_answers_and_not_one_bad_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: each look-up answers with a random mixture of good and bad addresses."""
    pick = random.Random(4)
    answers: list[tuple[str, ...]] = []

    def flipping(host: str, turn: int) -> tuple[str, ...]:
        pool = _BAD if turn % 3 == 0 else ("93.184.216.34", "2606:2800:220:1::1", *pick.sample(_BAD, turn % 3 - 1))
        answers.append(tuple(pick.sample(pool, pick.randint(1, len(pool)))))
        return answers[-1]

    names, kinds = Names(flipping), []
    async with Server() as server:
        client = Client(names)
        to = backend(server, allow_addresses=())
        with recorded_dials(monkeypatch) as dialled:
            for _ in range(1000):
                kinds.append((await failure(client, request(to))).kind)

    bad = [bool(set(answer) & set(_BAD)) for answer in answers]
    assert 1000 == len(names.asked)
    assert [FailureKind.DNS if is_bad else FailureKind.CONNECT for is_bad in bad] == kinds
    assert set() == set(dialled) & set(_BAD)
    assert sum(len(answer) for answer, is_bad in zip(answers, bad, strict=True) if not is_bad) == len(dialled) > 0


@aio
async def test_flipping_after_the_connect_changes_nothing_for_kept_connections() -> None:
    names = Names(lambda host, turn: ("127.0.0.1",) if turn == 1 else ("10.0.0.1",))
    async with Server() as server, Clients(names) as client:
        to = backend(server)
        for _ in range(10):
            await whole(client, request(to))

    assert (10, 1, 1) == (len(server.seen), server.connections, len(names.asked))


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0.0.0.0"])
@aio
async def test_literal_endpoints_are_judged_too(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names()
    async with Server() as server:
        to = backend(server, allow_addresses=(), endpoints=(Endpoint(name="x", host=host, port=server.port),))
        with recorded_dials(monkeypatch) as dialled:
            error = await failure(Client(names), request(to))

    assert (FailureKind.DNS, False, [], []) == (error.kind, error.sent, names.asked, dialled)
    assert FailureReason.LOOKUP_ADDRESS_NOT_ALLOWED == error.reason


@aio
async def test_policy_opens_the_range_it_names_and_no_other() -> None:
    async with Server() as server:
        to = backend(server, allow_addresses=(ip_network("10.1.0.0/16"),))
        endpoint = to.endpoints[0]
        inside = await dialling.judged(to, endpoint, Names(lambda *_: ("10.1.2.3", "93.184.216.34")))
        with pytest.raises(UpstreamError):
            await dialling.judged(to, endpoint, Names(lambda *_: ("10.1.2.3", "10.2.0.1")))

    assert (ip_address("10.1.2.3"), ip_address("93.184.216.34")) == inside


@aio
async def test_no_other_socket_opens() -> None:
    """Names, numbers, a dead endpoint, a redirect, an echoed host: the client connects to the dial address and nowhere else."""
    async with Server() as server, Clients() as client:
        with connects() as seen:
            for host in ("dial.internal", "127.0.0.1"):
                to = backend(server, name=host, endpoints=(Endpoint(name="x", host=host, port=server.port),))
                await whole(client, request(to, headers=(("host", "evil.test"), ("forwarded", "for=1.2.3.4"))))
                await client.fetch(to, "GET", "/keys")

    assert [("127.0.0.1", server.port)] * 2 == seen
    assert LOOPBACK == to.allow_addresses


@aio
async def test_second_address_is_tried_when_the_first_is_dead() -> None:
    async with Server() as server, Clients(Names(lambda *_: ("127.0.0.9", "127.0.0.1"))) as client:
        call = await client.open(request(backend(server)))
        await call.close()

    assert f"127.0.0.1:{server.port}" == call.address


@aio
async def test_cancelled_dial_leaves_nothing() -> None:
    never = asyncio.Event()

    class Stuck:
        async def resolve(self, host: str):
            await never.wait()

    async with Server() as server, Clients(Stuck()) as client:
        to = backend(server)
        task = asyncio.ensure_future(client.open(request(to)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        left = client.in_flight(to, to.endpoints[0])

    assert (0, 0) == (left, server.connections)
