"""Upgrades, refused with what is spoken here (RFC 9110 section 15.5.22), and interim answers (section 15.2)."""

import asyncio

import pytest

from e2e.request.test_malformed_requests import BODY, LENGTH, NAME, connected, post
from support.raw_client import Raw

UPGRADES = {
    "websocket": [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
    "h2c": ["connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA"],
    "anything else": ["connection: upgrade", "upgrade: ssh"],
}


@pytest.mark.parametrize("kind", UPGRADES)
def test_an_upgrade_is_answered_with_the_protocol_that_is_required(shared, providers, kind):
    """426: clients that prefer WebSocket fall back at once, where they try a 403 again and again."""
    _, gateway = shared

    async def run():
        async with Raw.to(gateway) as raw:
            await connected(raw)
            head = "\r\n".join(["GET /v1/realtime HTTP/1.1", f"host: {NAME}", *UPGRADES[kind], "", ""])
            return await raw.ask(head.encode())

    reply = asyncio.run(run())

    assert (426, "upgrade_denied") == (reply.status, reply.reason)
    assert ("HTTP/1.1", "upgrade") == (reply.header("upgrade"), reply.header("connection"))
    assert providers[0].seen == []


def test_an_interim_answer_has_no_length(shared):
    _, gateway = shared

    async def run():
        async with Raw.to(gateway) as raw:
            await connected(raw)
            await raw.send(post(LENGTH, "expect: 100-continue", body=b""))
            first = await raw.reply()
            await raw.send(BODY)
            return first, await raw.reply()

    first, last = asyncio.run(run())

    assert (100, ()) == (first.status, first.fields)
    assert 200 == last.status
