"""Inference servers over HTTP whose prefix caches are true: the engines of `outgate.testing.pools`, driven by the clock of a loop.

    async with Engines(4) as engines:
        ... engines.ports, engines.ideal ...

Each streams OpenAI chat, tells its load as vLLM does, and says in `cached_tokens` what it had. A token is four characters.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from hashlib import sha256
from itertools import accumulate, takewhile
from typing import Any, Self

import orjson

from outgate.testing.pools.engine import BLOCK, Engine, Model, Request
from support.behaviours import CHUNKED, SSE
from support.calls import Call
from support.scripted_upstream import Upstream

PER_TOKEN = 4
"""Characters of a token."""


class HttpEngine:
    """One server. `seen` are the blocks that any server of the pool has ever had, `told` gets blocks and hits of each request."""

    def __init__(self, model: Model, seen: set[bytes], told: list[tuple[int, int]]) -> None:
        self._engine, self._seen, self._told = Engine(model), seen, told
        self._began: dict[Request, asyncio.Event] = {}
        self._ended: dict[Request, asyncio.Event] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, call: Call) -> None:
        if call.seen.target == "/metrics":
            text = f"vllm:num_requests_waiting {self._engine.waiting}\nvllm:kv_cache_usage_perc {self._engine.used}\n"
            await call.answer(200, text.encode(), [("content-type", "text/plain")])
            return
        asked = orjson.loads(call.seen.body)
        prompt = "".join(f"<{each['role']}>{each['content']}\n" for each in asked["messages"])
        said = words(prompt.encode()[-64:] + sha256(prompt.encode()).digest(), int(asked.get("max_tokens", 16)))
        await self._serve(call, prompt, said)

    async def _serve(self, call: Call, prompt: str, said: str) -> None:
        """Wait until the prompt is read, begin to answer, and end when the last token is due."""
        blocks, whole = _chain(prompt), _chain(f"{prompt}<assistant>{said}\n")
        tokens, output = max(1, len(prompt) // PER_TOKEN), max(1, len(said) // PER_TOKEN)
        request = Request(blocks, tokens, output, whole[len(blocks) :])
        self._told.append((len(blocks), sum(1 for _ in takewhile(self._seen.__contains__, blocks))))
        self._seen.update(blocks)
        self._began[request], self._ended[request] = asyncio.Event(), asyncio.Event()
        self._engine.arrive(request, asyncio.get_running_loop().time())
        self._set()
        await self._began[request].wait()
        await call.head(200, [SSE, CHUNKED])
        await call.chunk(_event({"role": "assistant", "content": ""}))
        await self._ended[request].wait()
        self._seen.update(request.answer)
        usage = {
            "prompt_tokens": tokens,
            "completion_tokens": output,
            "total_tokens": tokens + output,
            "prompt_tokens_details": {"cached_tokens": min(request.hit * BLOCK, tokens - 1)},
        }
        for part in (_event({"content": said}), _event({}, "stop"), _event(None, None, usage), b"data: [DONE]\n\n", b""):
            await call.chunk(part)

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._engine.due, self._advance) if self._engine.due < float("inf") else None

    def _advance(self) -> None:
        began, done = self._engine.advance()
        for request in began:
            self._began.pop(request).set()
        for request in done:
            self._ended.pop(request).set()
        self._set()


class Engines:
    """A pool of servers on ports of this machine; plain HTTP."""

    def __init__(self, count: int, model: Model | None = None) -> None:
        self._seen, self._told, self._stack = set[bytes](), list[tuple[int, int]](), AsyncExitStack()
        model = model or Model()
        self._servers = [Upstream(tls=False, otherwise=HttpEngine(model, self._seen, self._told)) for _ in range(count)]

    async def __aenter__(self) -> Self:
        self.ports = [(await self._stack.enter_async_context(server)).port for server in self._servers]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def ideal(self) -> float:
        """The share of the prompts' blocks that one endless cache would have had."""
        return sum(hits for _, hits in self._told) / max(1, sum(blocks for blocks, _ in self._told))


def words(seed: bytes, tokens: int) -> str:
    """Text of so many tokens that follows from a seed."""
    pieces: Sequence[str] = [sha256(seed + at.to_bytes(4)).hexdigest() for at in range(tokens * PER_TOKEN // 64 + 1)]
    return "".join(pieces)[: tokens * PER_TOKEN]


def _chain(text: str) -> tuple[bytes, ...]:
    """The whole blocks of a text, each named by all that stands before it too."""
    size = BLOCK * PER_TOKEN
    raw = text.encode()
    pieces = (raw[at : at + size] for at in range(0, len(raw) - size + 1, size))
    return tuple(accumulate(pieces, lambda before, piece: sha256(before + piece).digest()[:8], initial=b""))[1:]


def _event(delta: dict[str, Any] | None, finish: str | None = None, usage: dict[str, Any] | None = None) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    event: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "house", "choices": choices}
    return b"data: " + orjson.dumps(event | ({"usage": usage} if usage else {})) + b"\n\n"
