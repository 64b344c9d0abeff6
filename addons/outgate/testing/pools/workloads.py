"""Workloads of a simulated pool: what teams, people, agents and traces ask, as blocks that prompts share.

Each is drawn from a seed. A block stands for its place too: two prompts share blocks from the first on, and nothing else.
"""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import orjson

from outgate.testing.pools.engine import BLOCK, Request

_TRACE_BLOCK = 512
type Workload = Callable[[Random, float], list[Request]]
"""Requests of so many seconds, in the order in which they come; those that follow others are found behind them."""


class _Names:
    """Blocks that nobody else has."""

    def __init__(self) -> None:
        self._numbers = count()

    def some(self, tokens: float) -> tuple[bytes, ...]:
        return tuple(next(self._numbers).to_bytes(8) for _ in range(max(1, int(tokens) // BLOCK)))


def _arrivals(random: Random, rate: float, seconds: float) -> Iterator[float]:
    at = random.expovariate(rate)
    while at < seconds:
        yield at
        at += random.expovariate(rate)


def teams(rate: float, *, groups: int = 150, users: int = 5, system: int = 6_000, repeats: bool = True) -> Workload:
    """Groups with a long system prompt each, and questions of 1,200 tokens: the same one of each user again, or always new ones."""

    def drawn(random: Random, seconds: float) -> list[Request]:
        names, asked = _Names(), dict[tuple[int, int], tuple[bytes, ...]]()
        systems = [names.some(system) for _ in range(groups)]
        requests = []
        for at in _arrivals(random, rate, seconds):
            group, user = random.randrange(groups), random.randrange(users)
            question = asked.setdefault((group, user), names.some(1_200)) if repeats else names.some(1_200)
            requests.append(Request((*systems[group], *question), system + 1_200, 400, names.some(400), at))
        return requests

    return drawn


def chat(rate: float) -> Workload:
    """Conversations of one to twenty turns under six system prompts, ten seconds of thought between turns."""

    def drawn(random: Random, seconds: float) -> list[Request]:
        names = _Names()
        systems = [names.some(1_000) for _ in range(6)]
        firsts = []
        for at in _arrivals(random, rate, seconds):
            history, before = random.choice(systems), None
            for _ in range(min(20, int(random.expovariate(1 / 6)) + 1)):
                history += names.some(min(6_000, random.lognormvariate(5.6, 0.9)) + BLOCK)
                before = _after(
                    before, history, names, min(1_500, int(random.lognormvariate(5.5, 0.7)) + 16), random.expovariate(0.1)
                )
                history += before.answer
                firsts += [before] if before.at < 0 else []
            firsts[-1].at = at
        return firsts

    return drawn


def agents(rate: float) -> Workload:
    """Agents under ten system prompts of 8,000 tokens: ten and more steps, each growing the prompt by the result of a tool."""

    def drawn(random: Random, seconds: float) -> list[Request]:
        names = _Names()
        systems = [names.some(8_000) for _ in range(10)]
        firsts = []
        for at in _arrivals(random, rate, seconds):
            history, before = random.choice(systems) + names.some(random.lognormvariate(8.0, 0.8)), None
            for _ in range(10 + int(random.expovariate(1 / 10))):
                history += names.some(min(8_000, random.lognormvariate(6.45, 0.8)) + BLOCK)
                before = _after(
                    before, history, names, min(2_000, int(random.lognormvariate(5.3, 0.8)) + 16), random.expovariate(0.4)
                )
                history += before.answer
                firsts += [before] if before.at < 0 else []
            firsts[-1].at = at
        return firsts

    return drawn


def _after(before: Request | None, history: tuple[bytes, ...], names: _Names, output: int, gap: float) -> Request:
    """The next turn of a conversation; the first one is marked by a time before zero."""
    made = Request(history, len(history) * BLOCK, output, names.some(output), -1.0 if before is None else 0.0)
    if before is not None:
        before.follows = (made, gap)
    return made


def trace(file: Path, speed: float = 1.0) -> Workload:
    """A Mooncake trace (JSON Lines of `timestamp`, `input_length`, `output_length`, `hash_ids` of 512-token blocks), from a line on
    that is drawn.
    """

    def drawn(random: Random, seconds: float) -> list[Request]:
        lines = [orjson.loads(line) for line in file.read_bytes().splitlines()]
        span = seconds * speed * 1_000
        start = random.uniform(0, max(0.0, lines[-1]["timestamp"] - span))
        names, taken = _Names(), [line for line in lines if start <= line["timestamp"] < start + span]
        return [_traced(line, names, (line["timestamp"] - start) / 1_000 / speed) for line in taken]

    return drawn


def _traced(line: dict[str, Any], names: _Names, at: float) -> Request:
    parts = range(_TRACE_BLOCK // BLOCK)
    whole = line["hash_ids"][: max(1, line["input_length"] // _TRACE_BLOCK)]
    blocks = tuple(b"%d.%d" % (each, part) for each in whole for part in parts)
    tokens = max(line["input_length"], len(blocks) * BLOCK)
    return Request(blocks, tokens, max(1, line["output_length"]), names.some(line["output_length"]), at)
