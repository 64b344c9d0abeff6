"""Requests that are the same, and a provider that answers the first of them when a test lets it."""

import asyncio
import ssl
import threading
from typing import Any

import httpx

from e2e.world import TOKEN, lines
from support import behaviours as b
from support.calls import Behaviour, Call
from support.waiting import PATIENCE, until

CHAT, EMBEDDINGS = "https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/embeddings"


class Story:
    """Requests of one test, all the same; the provider answers the first when its gate is open."""

    def __init__(self, gateway: Any, name: str, *, url: str = CHAT, **body: Any) -> None:
        self.gateway, self.provider = gateway, gateway.world.openai
        text = f"What is the capital of France, asks {name}?"
        said = {"input": text} if url == EMBEDDINGS else {"temperature": 0, "messages": [{"role": "user", "content": text}]}
        self._url, self._body = url, {"model": "gpt-4o-mini", **said, **body}
        self.gate = threading.Event()
        self._before = {line["id"] for line in lines(gateway.world)}

    def first(self, behaviour: Behaviour | None = None) -> None:
        """What the first call is answered with, once the gate is open; those after it are answered well, at once."""

        async def when_open(call: Call) -> None:
            while not self.gate.is_set():
                await call.pause(0.005)
            await (behaviour or b.provider())(call)

        self.provider.script(when_open)

    def ask(self, token: str = TOKEN, workload: str = "app", wishes: str = "") -> asyncio.Task[httpx.Response]:
        return asyncio.get_running_loop().create_task(self._ask(token, workload, {"cache-control": wishes} if wishes else {}))

    async def _ask(self, token: str, workload: str, headers: dict[str, str]) -> httpx.Response:
        trusted = ssl.create_default_context(cafile=str(self.gateway.ca))
        proxy = self.gateway.proxy_url(workload, token)
        async with httpx.AsyncClient(proxy=proxy, verify=trusted, timeout=PATIENCE, trust_env=False) as client:
            return await client.post(self._url, json=self._body, headers=headers)

    async def joined(
        self, followers: int, behaviour: Behaviour | None = None, *, scripted: bool = False
    ) -> tuple[asyncio.Task[httpx.Response], list[asyncio.Task[httpx.Response]]]:
        """The first, which the provider holds until the gate is open (or as it was scripted), and so many that wait for it."""
        if not scripted:
            self.first(behaviour)
        first = self.ask()
        await self.under_way()
        others = [self.ask() for _ in range(followers)]
        await self.under_way(followers)
        return first, others

    async def under_way(self, followers: int = 0, calls: int = 1) -> None:
        """Until so many wait for the first, and the provider has seen so many calls."""
        assert await asyncio.to_thread(until, lambda: (self.waiting, len(self.provider.seen)) == (followers, calls))

    @property
    def waiting(self) -> int:
        return self.gateway.call(lambda: sum(each.waiting for each in self.gateway.gateway.deps.flights._of_key.values()))

    async def told(self, count: int) -> list[dict[str, Any]]:
        """The closing lines of this test."""
        assert await asyncio.to_thread(until, lambda: len(self._lines()) == count)
        return self._lines()

    def _lines(self) -> list[dict[str, Any]]:
        return [line for line in lines(self.gateway.world) if line["id"] not in self._before]

    async def nothing_is_left(self) -> None:
        flights = self.gateway.gateway.deps.flights
        assert await asyncio.to_thread(until, lambda: self.gateway.call(lambda: (flights._of_key, flights._led_by)) == ({}, {}))
