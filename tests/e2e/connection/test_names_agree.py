"""E2: CONNECT = SNI = Host = URL, on HTTP/1 and HTTP/2. Whatever of them deviates, nothing reaches a provider."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from e2e.world import TOKEN
from support.raw_client import Http2, Raw, Reply, basic, http2_request, request

BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
NAME = "api.openai.com"
DEVIATIONS = {
    "another provider": "api.anthropic.com",
    "a stranger": "evil.test",
    "a subdomain": "x.api.openai.com",
    "a longer name": "api.openai.com.evil.test",
    "its alias": "api-openai.svc.cluster.local",
    "a neighbour": "api.openai.co",
}


@dataclass(frozen=True)
class Said:
    """The names one request uses. `host` stands beside :authority on HTTP/2; `port` is that of Host or :authority."""

    connect: str = NAME
    sni: str = NAME
    host: str = NAME
    url: str = NAME
    port: str = ""


FIELDS = ("connect", "sni", "host", "url", "port")


def deviating(field: str, deviation: str) -> Said:
    if field == "port":
        ports = dict(zip(DEVIATIONS, (":80", ":8443", ":0443", ":", ":65979", ":22"), strict=True))
        return Said(port=ports[deviation])
    return replace(Said(), **{field: DEVIATIONS[deviation]})


async def over_http1(gateway, said: Said) -> Reply:
    async with Raw.to(gateway) as raw:
        tunnel = await raw.connect(f"{said.connect}:443", TOKEN)
        if tunnel.status != 200:
            return tunnel
        await raw.tls(said.sni)
        return await raw.ask(request("POST", f"https://{said.url}/v1/chat/completions", host=f"{said.host}{said.port}", body=BODY))


async def over_http2(gateway, said: Said) -> Reply:
    async with Raw.to(gateway) as raw:
        tunnel = await raw.connect(f"{said.connect}:443", TOKEN)
        if tunnel.status != 200:
            return tunnel
        if await raw.tls(said.sni, ["h2"]) != "h2":
            return Reply(0)  # a tunnel that leads nowhere speaks HTTP/1.1 alone
        link = await Http2(raw).start()
        fields = [("host", said.host)] if said.host != NAME else []
        return await link.ask(http2_request("/v1/chat/completions", f"{said.url}{said.port}", *fields), BODY)


PROTOCOLS = {"http1": over_http1, "http2": over_http2}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("deviation", DEVIATIONS)
@pytest.mark.parametrize("field", FIELDS)
def test_a_deviating_name_is_refused(shared, providers, field, deviation, protocol):
    _, gateway = shared

    reply = asyncio.run(PROTOCOLS[protocol](gateway, deviating(field, deviation)))

    broken_off = reply.status == 0 and protocol == "http2"  # h2 ends a connection whose Host and :authority are no pair
    assert broken_off or 400 <= reply.status < 500, reply
    assert [seen for provider in providers for seen in provider.seen] == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_agreeing_names_pass(shared, providers, protocol):
    _, gateway = shared

    reply = asyncio.run(PROTOCOLS[protocol](gateway, Said()))

    assert (200, 1) == (reply.status, len(providers[0].seen))


def test_the_host_of_a_connect_request_is_its_target(shared):
    _, gateway = shared

    async def ask(hosts):
        async with Raw.to(gateway) as raw:
            fields = [basic(TOKEN), *(("host", name) for name in hosts)]
            return await raw.ask(request("CONNECT", f"{NAME}:443", fields=fields), tunnel=True)

    said = ([], [NAME], [f"{NAME}:443"], ["evil.test:443"], [NAME, NAME])
    assert [200, 200, 200, 421, 421] == [asyncio.run(ask(hosts)).status for hosts in said]
