"""A request under names or TLS that are not its backend's: refused before anything is dialled, with and without a credential."""

from dataclasses import replace

import pytest

from outgate.upstreams.catalog import MisdirectedError, Origination, TlsSettings
from outgate.upstreams.credentials import CredentialMisboundError
from support.calls import Call
from upstreams.calling import bound, request, whole
from upstreams.tls_server import Clients, Server, aio, backend, pem, reply

ATTACKS = {
    "another Host, SNI and no TLS settings": {"host": "evil.example", "sni": "evil.example", "tls": None},
    "another SNI": {"sni": "evil.example"},
    "another Host": {"host": "evil.example"},
    "another verified name": {"verified": ("evil.example",)},
    "one more verified name": {"verified": ("api.test", "evil.example")},
    "no verified name": {"verified": ()},
    "TLS off": {"sni": "", "verified": (), "alpn": (), "tls": TlsSettings(enabled=False)},
    "TLS settings that are off alone": {"tls": TlsSettings(enabled=False)},
    "other roots": {"tls": TlsSettings()},
    "another minimum": {"tls": TlsSettings(ca_files=(pem(),), minimum="1.3")},
    "another protocol": {"alpn": ("h2",)},
    "no protocol": {"alpn": ()},
}


def _attacked(honest: Origination, attack: str) -> Origination:
    return replace(honest, **ATTACKS[attack])


@pytest.mark.parametrize("with_credential", [True, False], ids=["credential", "no credential"])
@pytest.mark.parametrize("attack", ATTACKS)
@aio
async def test_attack_names_of_another_host_are_never_dialled(attack: str, with_credential: bool) -> None:
    async with Server() as server, Clients() as client:
        to = backend(server)
        auth = bound(to) if with_credential else None
        with pytest.raises(MisdirectedError) as caught:
            await client.open(request(to, auth=auth, origination=_attacked(to.origination, attack)))

    assert 0 == server.connections
    assert "canary" not in str(caught.value) and "evil" not in str(caught.value)


@pytest.mark.parametrize("nothing", [None, (), "api.test"])
@aio
async def test_attack_what_is_no_origination_is_never_dialled(nothing: object) -> None:
    async with Server() as server, Clients() as client:
        with pytest.raises(MisdirectedError):
            await client.open(request(backend(server), origination=nothing))

    assert 0 == server.connections


@pytest.mark.parametrize("attack", ATTACKS)
@aio
async def test_attack_a_credential_goes_under_the_names_it_is_bound_to_alone(attack: str) -> None:
    """Even a backend that itself says other names than those the credential was bound under does not get it."""
    async with Server() as server, Clients() as client:
        to = backend(server)
        auth = bound(to)
        object.__setattr__(to, "origination", _attacked(to.origination, attack))
        with pytest.raises(CredentialMisboundError):
            await client.open(request(to, auth=auth))

    assert 0 == server.connections


@aio
async def test_what_is_dialled_is_the_fact_and_nothing_else() -> None:
    """Host, SNI and ALPN on the wire are those of the origination, where every other field of the backend says otherwise."""
    agreed = []

    async def answer(call: Call) -> None:
        agreed.append(call.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await reply()(call)

    async with Server(names=("front.test", "api.test"), answer=answer) as server, Clients() as client:
        to = backend(server, host="other.test")
        names = {"host": "told.test", "sni": "front.test", "verified": ("front.test",), "alpn": ("x-told",)}
        server.context.set_alpn_protocols(["http/1.1", "x-told"])
        object.__setattr__(to, "origination", replace(to.origination, **names))
        status, _ = await whole(client, request(to))

    assert (200, "told.test", "front.test") == (status, server.seen[0].header("host"), server.handshakes[0][0])
    assert ["x-told"] == agreed


@aio
async def test_a_certificate_without_one_of_the_verified_names_is_refused_even_where_there_is_none() -> None:
    async with Server() as server, Clients() as client:
        to = backend(server)
        object.__setattr__(to, "origination", replace(to.origination, verified=()))
        with pytest.raises(Exception, match="accepted names"):
            await client.open(request(to))

    assert [] == server.seen


@aio
async def test_connections_of_another_origination_are_not_used_again() -> None:
    async with Server(names=("api.test", "front.test")) as server, Clients() as client:
        to = backend(server)
        await whole(client, request(to))
        object.__setattr__(to, "origination", replace(to.origination, sni="front.test", verified=("front.test",)))
        await whole(client, request(to))

    assert ["api.test", "front.test"] == [name for name, _ in server.handshakes]
