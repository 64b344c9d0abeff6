"""Look-ups: remembered for their time, shared by connects that ask together, never remembered when they fail."""

import asyncio
from ipaddress import ip_address

import pytest

from outgate.errors import FailureKind, FailureReason, UpstreamError
from outgate.upstreams.dns import CachingResolver, system_lookup
from upstreams.tls_server import aio

_A, _B = ip_address("93.184.216.34"), ip_address("2606:2800:220:1::1")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Engine:
    def __init__(self, *answers: tuple) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, host: str):
        self.asked += 1
        await self.gate.wait()
        return self.answers.pop(0)


@aio
async def test_answer_lives_for_its_time() -> None:
    clock, engine = Clock(), Engine((_A,), (_B,))
    resolver = CachingResolver(clock, ttl=5.0, lookup=engine)
    first = [await resolver.resolve("a.test") for _ in range(3)]
    clock.now += 4.9
    still = await resolver.resolve("a.test")
    clock.now += 0.2
    renewed = await resolver.resolve("a.test")

    assert ([(_A,)] * 3, (_A,), (_B,), 2) == (first, still, renewed, engine.asked)


@aio
async def test_connects_that_ask_together_share_one_look_up() -> None:
    engine = Engine((_A,))
    engine.gate.clear()
    resolver = CachingResolver(Clock(), lookup=engine)
    asking = [asyncio.ensure_future(resolver.resolve("a.test")) for _ in range(50)]
    await asyncio.sleep(0)
    engine.gate.set()

    assert [(_A,)] * 50 == await asyncio.gather(*asking)
    assert 1 == engine.asked


@aio
async def test_cancelled_look_up_is_begun_again_by_the_next() -> None:
    engine = Engine((_A,))
    engine.gate.clear()
    resolver = CachingResolver(Clock(), lookup=engine)
    first, second = (asyncio.ensure_future(resolver.resolve("a.test")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    engine.gate.set()

    assert (_A,) == await second
    assert (True, 2) == (first.cancelled(), engine.asked)


@aio
async def test_no_answer_is_an_error_and_is_not_remembered() -> None:
    engine = Engine((), (_A,))
    resolver = CachingResolver(Clock(), lookup=engine)
    with pytest.raises(UpstreamError) as caught:
        await resolver.resolve("a.test")

    assert (FailureKind.DNS, (_A,)) == (caught.value.kind, await resolver.resolve("a.test"))


@aio
async def test_memory_of_names_is_bounded() -> None:
    engine = Engine(*[(_A,)] * 2000)
    resolver = CachingResolver(Clock(), lookup=engine)
    for number in range(1500):
        await resolver.resolve(f"{number}.test")

    assert (1024, 0) == (len(resolver._known), len(resolver._asking))


@pytest.mark.parametrize("host", ["x" * 70 + ".invalid", "no-such-name.invalid", "a..b"])
@aio
async def test_system_failures_are_events(host: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await system_lookup(host)

    assert FailureKind.DNS == caught.value.kind
    assert caught.value.reason in (FailureReason.LOOKUP_NAME_NOT_FOUND, FailureReason.LOOKUP_FAILED)  # no resolver at all


@aio
async def test_system_answers_are_addresses_without_repeats() -> None:
    found = await system_lookup("localhost")

    assert found and len(set(found)) == len(found) and all(address.is_loopback for address in found)
