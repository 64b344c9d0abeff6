"""Attacks where a hook of mitmproxy fails: whatever raises, nothing passes that was not judged."""

import asyncio

import pytest

from e2e.world import TOKEN
from outgate.proxy import gateway as gateway_module
from support.dials import watched
from support.raw_client import Raw, Reply, basic, request

NAME = "api.openai.com"
PATH = "/v1/chat/completions"
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'


def broken(*_):
    raise RuntimeError("broken")


HOOKS = {
    "next_layer": (gateway_module, "layers_in"),
    "the kind of layer": (gateway_module, "install"),
    "http_connect": (gateway_module, "refusal"),
    "tls_start_client": (gateway_module.Gateway, "tls_start_client"),
    "tls_established_client": (gateway_module.Gateway, "tls_established_client"),
    "client_connected": (gateway_module.Gateway, "client_connected"),
}


@pytest.mark.parametrize("hook", HOOKS)
def test_attack_a_hook_that_fails_at_once_lets_nothing_through_unjudged(world, providers, monkeypatch, hook):
    """Elsewhere, in a tunnel to elsewhere, and in the tunnel of an unknown caller: nothing is dialled."""
    monkeypatch.setattr(*HOOKS[hook], broken)

    async def elsewhere(gateway):
        async with Raw.to(gateway) as raw:
            return await raw.ask(request("POST", f"http://evil.test{PATH}", host="evil.test", fields=[basic(TOKEN)], body=BODY))

    async def in_a_tunnel(gateway, token, host):
        async with Raw.to(gateway) as raw:
            await raw.connect(f"{NAME}:443", token)
            try:
                await raw.tls(NAME)
            except (OSError, TimeoutError):
                return Reply(0)
            return await raw.ask(request("POST", PATH, host=host, body=BODY))

    async def run(gateway):
        return [await elsewhere(gateway), await in_a_tunnel(gateway, TOKEN, "evil.test"), await in_a_tunnel(gateway, None, NAME)]

    with world.inside(world.policy(gateway="limits: {head_seconds: 1}")) as gateway, watched() as dials:
        replies = asyncio.run(run(gateway))

    assert [] == [reply for reply in replies if 0 < reply.status < 400]
    assert ([], []) == (dials.connected, providers[0].seen)
