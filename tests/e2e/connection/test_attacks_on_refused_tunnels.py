"""Attacks on a tunnel that was opened only to refuse inside of it: it leads nowhere, reads nothing, costs its share at most."""

import asyncio

import pytest
from cryptography import x509
from mitmproxy import ctx

from e2e.connection.test_refused_inside import GATEWAY, HOST
from e2e.connection.test_refused_tunnels import basic, connect
from e2e.world import OTHER_TOKEN, STAGES, TOKEN, World
from support.raw_client import Http2, Raw, http2_request, request

pytestmark = pytest.mark.usefixtures("nothing_was_dialled")


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("nowhere"), *providers)
    with world.inside(world.policy(STAGES, gateway=GATEWAY)) as gateway:
        yield gateway


async def opened(raw, sni=HOST, alpn=("h2", "http/1.1")):
    assert 200 == (await raw.connect(f"{HOST}:443", TOKEN)).status
    return await raw.tls(sni, alpn)


def asked(gateway, data, *, tls=True, sni=HOST):
    """What is answered to these bytes, and what still comes until the connection is closed."""

    async def ask():
        async with Raw.to(gateway) as raw:
            if tls:
                await opened(raw, sni)
            else:
                await raw.connect(f"{HOST}:443", TOKEN)
            return await raw.ask(data), await raw.rest(15)

    return asyncio.run(ask())


TAKEN_FOR_A_WAY_OUT = {
    "a provider by Host": request("GET", "/v1/models", host="api.openai.com"),
    "a provider by absolute form": request("GET", "https://api.openai.com/v1/models", host="api.openai.com"),
    "absolute form of the same host": request("GET", f"https://{HOST}/v1/models", host=HOST),
    "a tunnel in it": request("CONNECT", "api.openai.com:443", host="api.openai.com:443"),
    "a tunnel in it with a token": request(
        "CONNECT", "api.openai.com:443", host="api.openai.com:443", fields=[("proxy-authorization", "x")]
    ),
    "WebSocket": request(
        "GET", "/", host=HOST, fields=[("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "x")]
    ),
    "h2c": request("GET", "/", host=HOST, fields=[("connection", "upgrade"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABk")]),
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two lengths": request("POST", "/", host=HOST, fields=[("content-length", "1"), ("content-length", "2")]),
    "length and chunks": request("POST", "/", host=HOST, fields=[("content-length", "4"), ("transfer-encoding", "chunked")]),
    "its own token": request("GET", "/v1/models", host=HOST, fields=[("authorization", f"Bearer {TOKEN}")]),
}


@pytest.mark.parametrize("tls", [True, False], ids=["in TLS", "in plain"])
@pytest.mark.parametrize("attack", TAKEN_FOR_A_WAY_OUT)
def test_attack_nothing_in_it_is_a_way_out(inside, attack, tls):
    reply, after = asked(inside, TAKEN_FOR_A_WAY_OUT[attack], tls=tls)

    assert reply.status in (400, 403, 421, 426, 505), reply
    assert after == b""


def test_attack_a_second_request_behind_the_first_is_not_answered(inside):
    one = request("GET", "/v1/models", host=HOST)

    reply, after = asked(inside, one + one + request("GET", "/v1/models", host="api.openai.com"))

    assert (403, b"") == (reply.status, after)


def test_attack_a_body_is_not_waited_for_and_not_asked_for(inside):
    head = [("content-length", "900000000"), ("expect", "100-continue")]

    async def ask():
        async with Raw.to(inside) as raw:
            await opened(raw)
            return await raw.ask(request("POST", "/v1/chat/completions", host=HOST, fields=head))

    reply = asyncio.run(ask())

    assert (403, True) == (reply.status, reply.whole)
    assert 0 == inside.call(lambda: inside.gateway.bodies.held)


def test_attack_no_other_protocol_than_http1_is_agreed_on(inside):
    async def agreed(*alpn):
        async with Raw.to(inside) as raw:
            return await opened(raw, HOST, alpn)

    assert ["http/1.1", None, "http/1.1"] == [asyncio.run(agreed(*alpn)) for alpn in (("h2", "http/1.1"), ("h2",), ("http/1.1",))]


def test_attack_frames_of_http2_are_not_read(inside):
    async def ask():
        async with Raw.to(inside) as raw:
            await opened(raw, HOST, ("h2",))
            link = await Http2(raw).start()
            try:
                return (await link.ask(http2_request("/v1/models", "api.openai.com"))).status
            except Exception as error:  # the h2 library says in its own words that this is no HTTP/2
                return type(error).__name__

    assert asyncio.run(ask()) != 200


@pytest.mark.parametrize("sni", ["api.openai.com", "other.example.com", "*.example.com", None])
def test_attack_no_certificate_is_minted_for_another_name_than_that_of_the_connect(inside, sni):
    async def names():
        async with Raw.to(inside) as raw:
            await opened(raw, sni)
            der = raw.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            reply = await raw.ask(request("GET", "/", host=HOST))
            certificate = x509.load_der_x509_certificate(der)
            san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            return san.get_values_for_type(x509.DNSName), reply.status

    told, status = asyncio.run(names())

    assert [HOST] == told
    assert status in (403, 421)  # what is no name at all is no SNI


def test_attack_spellings_of_a_name_are_one_certificate(inside):
    certificates = ctx.master.addons.get("tlsconfig").certstore.certs

    async def spelled(name):
        async with Raw.to(inside) as raw:
            assert 200 == (await raw.connect(f"{name}:443", TOKEN)).status
            await raw.tls(name)

    asyncio.run(spelled("spelled.example.com"))
    known = len(certificates)
    for name in ("SPELLED.example.com", "spelled.EXAMPLE.com", "Spelled.Example.Com"):
        asyncio.run(spelled(name))

    assert known == len(certificates)


def test_attack_a_policy_that_changes_does_not_make_it_a_way_out(inside):
    """The host becomes a provider's while the tunnel is open: it still leads nowhere."""
    backend = inside.runtime.policy().destination("api.openai.com:443")

    class Changed:
        def __init__(self, live):
            self._live = live

        def __getattr__(self, name):
            return getattr(self._live, name)

        def destination(self, authority):
            return backend if authority.startswith(HOST) else self._live.destination(authority)

    async def ask():
        async with Raw.to(inside) as raw:
            await opened(raw)
            live = inside.gateway.deps.policy
            inside.gateway.deps = inside.gateway.deps._replace(policy=lambda: Changed(live()))
            try:
                return await raw.ask(request("GET", "/v1/models", host=HOST))
            finally:
                inside.gateway.deps = inside.gateway.deps._replace(policy=live)

    assert 403 == asyncio.run(ask()).status


def test_attack_a_workload_has_no_more_names_minted_than_its_share(inside):
    """Beyond it, CONNECT is refused; another workload still has its own, and a name that was learned stays."""
    most, names = inside.gateway._names._most, inside.gateway._names._of
    known = names.setdefault("app", set())
    inside.call(lambda: known.update(f"n{n}.example.com" for n in range(most - len(known))))

    try:
        assert 403 == connect(inside, "one-more.example.com:443", basic(TOKEN))
        assert 200 == connect(inside, "n1.example.com:443", basic(TOKEN))
        assert 200 == connect(inside, "one-more.example.com:443", basic(OTHER_TOKEN, "other"))
    finally:
        inside.call(known.clear)
