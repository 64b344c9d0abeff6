"""Incomplete heads and floods: they cost next to nothing, and no word of them comes back or is logged."""

import asyncio

import pytest

from e2e.request.test_malformed_requests import BODY, LENGTH, connected, post
from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, TOKEN
from support.behaviours import silent
from support.raw_client import Raw, basic, request
from support.stock import StockGateway

HEADS = {
    "a line without colon": f"GET / HTTP/1.1\r\nProxy-Authorization Bearer {TOKEN}\r\n\r\n",
    "a token for a target": f"GET {TOKEN} HTTP/1.1\r\nhost: x\r\n\r\n",
    "a token for a version": f"GET / {TOKEN}\r\nhost: x\r\n\r\n",
    "a head that breaks off": f"GET / HTTP/1.1\r\nProxy-Authorization: Bearer {TOKEN}\r\nhos",
}


async def _left_with(gateway, head: str) -> bytes:
    async with Raw.to(gateway) as raw:
        await raw.send(head.encode())
        raw.writer.write_eof()
        return await raw.rest()


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_head_that_cannot_be_read_is_not_quoted_to_the_client(shared, head):
    _, gateway = shared

    assert TOKEN.encode() not in asyncio.run(_left_with(gateway, head))


def test_a_head_that_cannot_be_read_is_not_quoted_in_the_log(world):
    keys = {"E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY}
    with StockGateway(world.policy(), world.folder / "state", env=keys) as gateway:
        for head in HEADS.values():
            asyncio.run(_left_with(gateway, head))

    assert [line for line in gateway.log if TOKEN in line] == []


def test_empty_lines_without_end_are_cut(shared):
    _, gateway = shared

    async def run():
        async with Raw.to(gateway) as raw:
            await raw.send(b"\r\n" * 200_000)
            return await raw.reply()

    assert 400 == asyncio.run(run()).status


def test_a_request_after_an_empty_line_is_a_request(shared):
    _, gateway = shared

    async def run():
        async with Raw.to(gateway) as raw:
            await raw.send(b"\r\n")
            return await raw.ask(request("GET", "https://api.openai.com/v1/models", host="api.openai.com", fields=[basic("no")]))

    assert 407 == asyncio.run(run()).status


def test_what_is_sent_ahead_of_an_answer_is_bounded(shared, providers):
    _, gateway = shared
    providers[0].script(silent())

    async def run():
        async with Raw.to(gateway) as raw:
            await connected(raw)
            await raw.send(post(LENGTH))
            raw.writer.write(post(LENGTH) * (1024 * 1024 // len(BODY)))
            return await raw.rest()

    assert b"" == asyncio.run(run())
