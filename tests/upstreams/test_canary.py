"""A credential meets only its host (promise E5, scenario A32): one canary per provider, every listener searched for the others."""

from outgate.errors import UpstreamError
from outgate.upstreams.catalog import Backend, CredentialReference, Endpoint
from outgate.upstreams.credentials import CredentialMisboundError, Credentials
from support.calls import Call
from upstreams.calling import free_port, request, whole
from upstreams.tls_server import Clients, Server, aio, backend, reply

_ENVIRON = {"KEY_A": "canary-aaaaaaaa", "KEY_B": "canary-bbbbbbbb"}


def _misbehaving(elsewhere: str):
    """Redirect, break off, refuse, echo: in turn."""
    turns = iter(range(10_000))

    async def answer(call: Call) -> None:
        turn = next(turns) % 5
        if turn == 0:
            await reply(b"", 308, f"location: {elsewhere}")(call)
        elif turn == 1:
            call.reset()
        elif turn == 2:
            await reply(b"busy", 503)(call)
        elif turn == 3:
            echo = (call.seen.header("authorization") or "").encode()
            await reply(b"bad key: " + echo, 401, f"x-echo: {echo.decode()}")(call)
        else:
            await reply()(call)

    return answer


async def _try(client, to: Backend, endpoint: Endpoint, credentials: Credentials, seen: list[bytes]) -> None:
    wanted = request(to, auth=credentials.bound(to))._replace(endpoint=endpoint)
    try:
        call = await client.open(wanted)
        seen.append(repr((call.headers.fields, await call.read())).encode())
        await call.close()
    except UpstreamError as error:
        seen.append(repr(error).encode())


@aio
async def test_canaries_through_redirects_retries_fallbacks_and_echoes() -> None:
    credentials, answers = Credentials(_ENVIRON, lambda: 0.0, lambda: 0.0), []
    async with Server(names=("a.test",)) as a, Server(names=("b.test",)) as b, Server(names=("local.test",), tls=False) as local:
        a.answer, b.answer = _misbehaving(f"https://b.test:{b.port}/"), _misbehaving(f"https://a.test:{a.port}/")
        dead = Endpoint(name="dead", host="127.0.0.1", port=free_port())
        to_a = backend(a, name="a", credential=CredentialReference(env="KEY_A"))
        to_b = backend(b, name="b", credential=CredentialReference(env="KEY_B"))
        to_local = backend(local, name="local")
        async with Clients() as client:
            for turn in range(60):
                to = (to_a, to_b, to_local)[turn % 3]
                for endpoint in (dead, to.endpoints[0]) if turn % 4 == 0 else to.endpoints:
                    await _try(client, to, endpoint, credentials, answers)

    for server, own, other in ((a, "canary-aaaaaaaa", "canary-bbbbbbbb"), (b, "canary-bbbbbbbb", "canary-aaaaaaaa")):
        assert {f"Bearer {own}"} == {seen.header("authorization") for seen in server.seen}
        assert other not in str([(seen.fields, seen.target, seen.body) for seen in server.seen])
    assert len(local.seen) == 20
    assert "canary" not in str([seen.fields for seen in local.seen])
    assert b"canary" not in b"".join(answers)


@aio
async def test_another_backend_on_the_same_address_gets_nothing() -> None:
    """The same listener under two names: the address is no identity."""
    credentials = Credentials(_ENVIRON, lambda: 0.0, lambda: 0.0)
    async with Server(names=("a.test", "b.test")) as server, Clients() as client:
        to_a = backend(server, name="a", host="a.test", credential=CredentialReference(env="KEY_A"))
        to_b = backend(server, name="b", host="b.test", credential=CredentialReference(env="KEY_B"))
        await whole(client, request(to_a, auth=credentials.bound(to_a)))
        for wrong, auth in ((to_a, to_b), (to_b, to_a)):
            try:
                await client.open(request(wrong, auth=credentials.bound(auth)))
            except CredentialMisboundError:
                continue
            raise AssertionError("a credential was sent elsewhere")

    assert [("a.test", "Bearer canary-aaaaaaaa")] == [(seen.header("host"), seen.header("authorization")) for seen in server.seen]
