import asyncio

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from outgate.errors import FailureKind, UpstreamError
from outgate.identity.jwks import IssuerKeys, KeysUnavailableError, keys_of
from outgate.net.headers import Headers
from outgate.upstreams.catalog import Backend, Catalog, Endpoint
from outgate.upstreams.client import Fetched

KEY = orjson.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
BACKEND = Backend(name="idp", provider="idp", dialect="none", host="idp.test", endpoints=(Endpoint(name="e", host="h", port=443),))


class FakeClient:
    def __init__(self):
        self.answers = [key_set("a")]
        self.asked = []

    async def fetch(self, backend, method, path, headers):
        self.asked.append((backend.name, method, path))
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Fetched(200, Headers(), answer)


def key_set(*kids):
    return orjson.dumps({"keys": [{**KEY, "kid": kid} for kid in kids]})


class Setting:
    def __init__(self):
        self.client = FakeClient()
        self.now = 1000.0
        self.keys = IssuerKeys(
            file="",
            provider="idp",
            path="/jwks",
            catalog=Catalog([BACKEND]),
            client=self.client,
            monotonic=lambda: self.now,
            deadline=1,
        )

    async def has(self, kid):
        return await self.keys.key(kid) is not None


def test_a_set_is_fetched_once_and_kept():
    async def live():
        setting = Setting()
        assert [True] * 3 == [await setting.has("a") for _ in range(3)]
        assert [("idp", "GET", "/jwks")] == setting.client.asked

    asyncio.run(live())


def test_concurrent_callers_share_one_fetch():
    async def live():
        setting = Setting()
        assert [True] * 5 == await asyncio.gather(*(setting.has("a") for _ in range(5)))
        assert 1 == len(setting.client.asked)

    asyncio.run(live())


def test_an_unknown_id_is_asked_for_again_but_rarely():
    async def live():
        setting = Setting()
        setting.client.answers = [key_set("a"), key_set("a", "b")]
        assert not await setting.has("b")
        assert not await setting.has("b")
        assert 1 == len(setting.client.asked)
        setting.now += 11
        assert await setting.has("b")
        assert 2 == len(setting.client.asked)

    asyncio.run(live())


def test_a_set_that_cannot_be_renewed_stays_good_for_a_while():
    async def live():
        setting = Setting()
        setting.client.answers = [key_set("a"), UpstreamError(FailureKind.CONNECT, "down")]
        assert await setting.has("a")
        setting.now += 400
        assert await setting.has("a")
        setting.now += 4000
        with pytest.raises(KeysUnavailableError):
            await setting.has("a")

    asyncio.run(live())


@pytest.mark.parametrize("answer", [b"[]", b"{", b'{"keys": {}}', UpstreamError(FailureKind.DNS, "down")])
def test_without_a_set_nobody_is_trusted(answer):
    async def live():
        setting = Setting()
        setting.client.answers = [answer]
        with pytest.raises(KeysUnavailableError):
            await setting.has("a")

    asyncio.run(live())


def test_an_issuer_that_is_down_is_not_hammered():
    async def live():
        setting = Setting()
        setting.client.answers = [UpstreamError(FailureKind.CONNECT, "down"), key_set("a")]
        found = await asyncio.gather(*(setting.has("a") for _ in range(50)), return_exceptions=True)
        assert {KeysUnavailableError} == {type(each) for each in found}
        assert 1 == len(setting.client.asked)
        setting.now += 1.5
        assert await setting.has("a")

    asyncio.run(live())


def test_keys_without_id_secret_keys_and_encryption_keys_are_left_out():
    several = [KEY, {**KEY, "kid": "enc", "use": "enc"}, {"kty": "oct", "kid": "o", "k": "c2VjcmV0"}, {"kty": "?", "kid": "x"}, 5]

    assert ["a"] == list(keys_of(orjson.dumps({"keys": [*several, {**KEY, "kid": "a"}]})))
