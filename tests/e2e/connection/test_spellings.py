"""E1: one destination, one decision. Every spelling of a host and port, as CONNECT, absolute-form and HTTP/2 :authority."""

import asyncio

import pytest

from e2e.world import TOKEN, World
from net.spellings import address_tricks, same, tricks
from support.dials import watched
from support.raw_client import Http2, Raw, Reply, basic, http2_request, request

BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
PATH = "/v1/chat/completions"
LOCAL = "api-openai.svc.cluster.local"
_AT_ONCE = 16


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("spellings"), *providers)
    with world.inside(world.policy()) as gateway:
        yield gateway


@pytest.fixture(name="spellings", scope="module")
def _spellings(providers):
    addresses = ("127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0")
    found = [*tricks("api.openai.com", 443), *tricks("api.anthropic.com", 443)]
    found += [text for address in addresses for text in address_tricks(address, providers[0].port)]
    found += [f"{address}:{providers[0].port}" for address in addresses]
    found += ["localhost:443", "metadata.google.internal:80", "evil.test:443", "api.openai.com.evil.test:443"]
    return [text.encode() for text in dict.fromkeys(found)]


def each(ask, spellings) -> dict[bytes, Reply]:
    """What every spelling got, some of them at once."""

    async def all_of_them():
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(text):
            async with gate:
                return text, await ask(text)

        return dict(await asyncio.gather(*map(one, spellings)))

    return asyncio.run(all_of_them())


def accepted(replies: dict[bytes, Reply]) -> list[bytes]:
    return [text for text, reply in replies.items() if not 400 <= reply.status < 500]


def test_there_are_two_thousand_of_them(spellings):
    assert len(spellings) >= 2000


def test_connect_to_any_spelling_is_refused(inside, providers, spellings):
    async def ask(text):
        async with Raw.to(inside) as raw:
            return await raw.connect(text, TOKEN)

    with watched() as dials:
        replies = each(ask, spellings)

    # White space around a request target is no part of it, and what is left is the legal spelling.
    assert {text for text in accepted(replies) if text.strip() not in (b"api.openai.com:443", b"api.anthropic.com:443")} == set()
    assert (dials.connected, dials.looked_up, providers[0].seen) == ([], [], [])


def test_absolute_form_of_any_spelling_is_refused(inside, providers, spellings):
    async def ask(text):
        async with Raw.to(inside) as raw:
            return await raw.ask(request("POST", b"http://" + text + PATH.encode(), host=text, fields=[basic(TOKEN)], body=BODY))

    with watched() as dials:
        replies = each(ask, spellings)

    assert accepted(replies) == []
    assert (dials.connected, dials.looked_up, providers[0].seen) == ([], [], [])


@pytest.mark.exhaustive
def test_http2_authority_of_any_spelling_is_refused(inside, providers, spellings):
    """Most break off the whole connection, which is a refusal too; each batch goes on over a new one."""

    async def tunnel():
        raw = await Raw.to(inside).__aenter__()
        await raw.connect("api.openai.com:443", TOKEN)
        await raw.tls("api.openai.com", ["h2"])
        return await Http2(raw).start()

    async def batch(texts):
        link, replies = await tunnel(), {}
        for text in texts:
            if link.over:
                link.raw.drop()
                link = await tunnel()
            replies[text] = await link.ask(http2_request(PATH, text, ("content-type", "application/json")), BODY)
        link.raw.drop()
        return replies

    async def all_of_them():
        return await asyncio.gather(*(batch(spellings[at::_AT_ONCE]) for at in range(_AT_ONCE)))

    with watched() as dials:
        replies = {text: reply for part in asyncio.run(all_of_them()) for text, reply in part.items()}

    assert len(spellings) == len(replies)
    assert [text for text, reply in replies.items() if reply.status != 0 and not 400 <= reply.status < 500] == []
    assert (dials.connected, dials.looked_up, providers[0].seen) == ([], [], [])


def test_the_one_spelling_in_any_case_of_letters_reaches_the_one_provider(inside, providers):
    async def ask(text):
        async with Raw.to(inside) as raw:
            return await raw.ask(request("POST", b"http://" + text + PATH.encode(), host=text, fields=[basic(TOKEN)], body=BODY))

    legal = [text.encode() for text in dict.fromkeys(same(LOCAL, 80))]
    with watched() as dials:
        replies = each(ask, legal)

    assert {200} == {reply.status for reply in replies.values()}
    assert len(legal) == len(providers[0].seen)
    assert {("api.openai.com", "api.openai.com")} == {(seen.sni, seen.header("host")) for seen in providers[0].seen}
    assert {("127.0.0.1", providers[0].port)} == set(dials.connected)
