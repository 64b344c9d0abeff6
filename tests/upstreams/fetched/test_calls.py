"""Calls to token endpoints: to listed hosts alone, whole answers of status 200 alone, and no word of theirs is told."""

import pytest

from outgate.net.secret import Secret
from outgate.upstreams.fetched.asking import Question, form
from outgate.upstreams.fetched.calls import TokenCalls
from outgate.upstreams.renewal import RenewalError
from upstreams.tls_server import Clients, Server, aio, backend, raw, reply

CANARY = "canary-key-0001"


async def told(server, question, **changes):
    async with Clients() as client:
        try:
            await TokenCalls(client).ask((backend(server, **changes),), question)
        except RenewalError as error:
            return str(error)
    return ""


@aio
async def test_the_authorization_goes_to_the_endpoint_and_to_it_alone() -> None:
    async with Server(answer=reply(b'{"a": 1}')) as server, Clients() as client:
        answer = await TokenCalls(client).ask(
            (backend(server),), form("https://api.test/t?x=1", {"a": "b", "c": ""}, Secret(f"Basic {CANARY}"))
        )

    (seen,) = server.seen
    assert (b'{"a": 1}', "POST", "/t?x=1", b"a=b") == (answer.body, seen.method, seen.target, seen.body)
    assert f"Basic {CANARY}" == seen.header("authorization")


@aio
async def test_attack_a_host_that_is_not_listed_is_never_asked() -> None:
    async with Server() as server:
        for url in ("https://evil.test/t", "http://api.test/t", "https://api.test:8443/t", "https://api.test.evil.test/"):
            assert "not among the hosts" in await told(server, Question(url))

    assert ([], 0) == (server.seen, server.connections)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(b'{"error": "invalid_client", "error_description": "canary-key-0001"}', 401), "api.test answers 401 invalid_client"),
        (reply(b'{"error": "canary-key-0001"}', 400), "api.test answers 400"),
        (reply(b"<E><Code>AccessDenied</Code><Message>canary-key-0001</Message></E>", 403), "api.test answers 403 AccessDenied"),
        (reply(b"", 307, "location: https://evil.test/canary-key-0001"), "api.test answers 307"),
        (reply(b"x" * 300_000), "api.test does not answer: protocol_error"),
        (raw(b"canary-key-0001\r\n\r\n", then="close"), "api.test does not answer: head.malformed"),
        (raw(b"", then="reset"), "api.test does not answer: head.closed"),
    ],
)
def test_attack_an_answer_that_is_none_tells_its_status_and_nothing_else(answer, expected) -> None:
    @aio
    async def refused() -> None:
        async with Server(answer=answer) as server:
            assert expected == await told(server, Question("https://api.test/t"))

    refused()
