"""`scripts/evaluate pools`: strategies of `pick_endpoint` behind the real gateway, over HTTP servers whose prefix caches are true.

Four simulated engines that answer in real time, and two real llama.cpp servers. What was in a cache is what the servers say
(`cached_tokens`); ideal is one endless cache.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from statistics import fmean
from typing import NamedTuple

import httpx
import orjson

from outgate.testing.pools.engine import BLOCK, Request
from outgate.testing.pools.workloads import Workload, agents, chat, teams
from support.engines import Engines, words
from support.gateway import RunningGateway
from support.llm import MODEL, LocalModel

STRATEGIES = ("prefix_cache", "consistent_hash", "two_choices", "least_in_flight")
_TOKEN = "ogw_evaluation_0123456789abcdef01234567"
_ENGINES = 4
_POLICY = """
version: 1
gateway: {{listen: "127.0.0.1:8080"}}
providers:
  pool:
    host: pool.test
    aliases: ["pool.internal:8080"]
    tls: {{enabled: false}}
    endpoints: [{endpoints}]
    allow_addresses: [127.0.0.0/8]
    replicas: {{metrics_path: /metrics}}
workloads:
  app: {{token_hashes: ["sha256:{token}"]}}
stages:
  authenticate: {{}}
  authorize: {{allow: [{{}}]}}
  model_map: {{passthrough: true}}
  authorize_model: {{allow: [{{models: ["{model}"]}}]}}
  pick_endpoint: {{strategy: {strategy}, tokens_per_second: {rate}, cache_tokens: {cache}}}
routes:
  - name: all
"""


class Scene(NamedTuple):
    """A workload at about 60 % load of four engines, how many of the first blocks of a prompt are its system prompt, and for how
    many seconds it is asked.
    """

    workload: Workload
    system: int
    seconds: float


SCENES = {
    "chat": Scene(chat(4.5), 1_000 // BLOCK, 75.0),
    "teams": Scene(teams(7, groups=80), 6_000 // BLOCK, 40.0),
    "agents": Scene(agents(0.2), 8_000 // BLOCK, 60.0),
}


class Answered(NamedTuple):
    """One answer: tokens of the prompt, those that the server had, seconds to its first event."""

    tokens: int
    cached: int
    seconds: float


def report() -> Iterator[str]:
    """Tables in Markdown."""
    yield f"| workload | strategy | requests | hits | ideal | of ideal | first event, mean | p99 |\n{'|---' * 8}|"
    for name, scene in SCENES.items():
        for strategy in STRATEGIES:
            ideal, answers = asyncio.run(simulated(scene, strategy))
            hits = hits_of(answers)
            waits = sorted(each.seconds for each in answers)
            row = f"{len(answers)} | {hits:.3f} | {ideal:.3f} | {hits / ideal:.1%} | {fmean(waits):.3f} s"
            yield f"| {name} | `{strategy}` | {row} | {waits[int(0.99 * (len(waits) - 1))]:.2f} s |"
    yield f"\n| llama.cpp, strategy | requests | prompt tokens | cached | of those asked before | read | seconds |\n{'|---' * 7}|"
    for strategy in ("prefix_cache", "two_choices", "rotate"):
        seconds, before, answers = asyncio.run(_real(strategy))
        tokens, cached = sum(each.tokens for each in answers), sum(each.cached for each in answers)
        row = f"{len(answers)} | {tokens} | {cached} | {cached / before:.1%} | {tokens - cached} | {seconds:.0f}"
        yield f"| `{strategy}` | {row} |"


def hits_of(answers: Sequence[Answered]) -> float:
    return sum(each.cached for each in answers) / sum(each.tokens for each in answers)


class Client:
    """Asks the gateway as its base URL, and goes on for so many seconds."""

    def __init__(self, link: httpx.AsyncClient, model: str, until: float = float("inf")) -> None:
        self._link, self._model, self._until = link, model, until
        self.answers: list[Answered] = []

    async def ask(self, messages: list[dict[str, str]], output: int) -> tuple[str, int]:
        """The text of the answer, and the tokens of the prompt."""
        body = {"model": self._model, "messages": messages, "max_tokens": output, "stream": True, "temperature": 0}
        body["stream_options"] = {"include_usage": True}
        start, first, said, usage = time.perf_counter(), 0.0, "", {}
        async with self._link.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200, await answer.aread()
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    first, event = first or time.perf_counter(), orjson.loads(line[6:])
                    usage = event.get("usage") or usage
                    said += "".join(choice["delta"].get("content") or "" for choice in event["choices"])
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        self.answers.append(Answered(usage["prompt_tokens"], cached, first - start))
        return said, usage["prompt_tokens"]

    async def converse(self, request: Request, system: int) -> None:
        """A request when it is due, and those that follow it, as long as there is time."""
        await asyncio.sleep(request.at)
        messages = [{"role": "system", "content": _text(request.blocks[:system])}]
        new = request.blocks[system:]
        while asyncio.get_running_loop().time() < self._until:
            messages.append({"role": "user", "content": _text(new)})
            said, _ = await self.ask(messages, request.output)
            messages.append({"role": "assistant", "content": said})
            if request.follows is None:
                return
            before = len(request.blocks) + len(request.answer)
            request, gap = request.follows
            new = request.blocks[before:]
            await asyncio.sleep(gap)


def _text(blocks: Sequence[bytes]) -> str:
    return "".join(words(block, BLOCK) for block in blocks)


@asynccontextmanager
async def _gateway(ports: Sequence[int], strategy: str, model: str, rate: int, cache: int) -> AsyncIterator[httpx.AsyncClient]:
    with tempfile.TemporaryDirectory() as name:
        policy, endpoints = Path(name) / "policy.yaml", ", ".join(f'{{address: "127.0.0.1:{port}"}}' for port in ports)
        token = sha256(_TOKEN.encode()).hexdigest()
        policy.write_text(_POLICY.format(endpoints=endpoints, token=token, strategy=strategy, model=model, rate=rate, cache=cache))
        gateway = RunningGateway(policy, Path(name) / "state")
        await asyncio.to_thread(gateway.__enter__)
        try:
            headers = {"host": "pool.internal:8080", "authorization": f"Bearer {_TOKEN}"}
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{gateway.port}", headers=headers, timeout=300, limits=limits, trust_env=False
            ) as link:
                yield link
        finally:
            await asyncio.to_thread(gateway.__exit__)


async def simulated(scene: Scene, strategy: str) -> tuple[float, list[Answered]]:
    """The share of blocks that one endless cache would have had, and the answers."""
    async with Engines(_ENGINES) as engines, _gateway(engines.ports, strategy, "house", 20_480, 307_328) as link:
        requests = scene.workload(Random(1), scene.seconds)
        client = Client(link, "house", asyncio.get_running_loop().time() + scene.seconds)
        await asyncio.gather(*(client.converse(each, scene.system) for each in requests))
        return engines.ideal, client.answers


async def _real(strategy: str) -> tuple[float, int, list[Answered]]:
    """Four conversations of five turns at two llama.cpp servers of two slots: seconds, tokens asked before, the answers."""
    with ExitStack() as stack:
        ports = [stack.enter_context(LocalModel()).port for _ in range(2)]
        async with _gateway(ports, strategy, MODEL, 110, 8_192) as link:
            client, start = Client(link, MODEL), time.perf_counter()
            before = await asyncio.gather(*(_conversation(client, number) for number in range(4)))
            return time.perf_counter() - start, sum(before), client.answers


async def _conversation(client: Client, number: int) -> int:
    """The tokens of its prompts that stood in the prompt before."""
    subject, pauses, known, last = ("harbours", "bridges", "orchards", "railways")[number], Random(number), 0, 0
    rules = " ".join(f"Rule {at} about {subject}: answer in one word, politely, and never guess." for at in range(20))
    messages = [{"role": "system", "content": rules}]
    for turn in range(5):
        await asyncio.sleep(pauses.uniform(0.0, 1.0))
        messages.append({"role": "user", "content": f"Question {turn}: name something that belongs to {subject}."})
        said, tokens = await client.ask(messages, 6)
        messages.append({"role": "assistant", "content": said})
        known, last = known + last, tokens
    return known
