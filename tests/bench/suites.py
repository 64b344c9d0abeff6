"""Measurements of the bench, one function a suite. Each takes every subject once; the caller repeats and reverses the order.

Results go to `Samples`: (suite, subject) -> values, in milliseconds of CPU per request or stream unless the suite says otherwise.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench import bodies
from bench.bodies import Asks, Body
from bench.conversation import Conversation
from bench.conversation import new_text as new_prose
from bench.load import Exchange, LoadError, Target, arrived, closed_loop, connect, each, numbers, request, stream_once
from bench.subjects import Subject, Upstream


class Pace(NamedTuple):
    """How long a run takes: repetitions, seconds per measured window, streams for latency, agents, requests for growth."""

    repetitions: int
    seconds: float
    streams: int
    agents: int
    growth: int


FULL = Pace(repetitions=5, seconds=3.0, streams=3, agents=6, growth=10_000)
QUICK = Pace(repetitions=2, seconds=0.8, streams=1, agents=2, growth=1_000)


class Samples:
    """Values by suite and subject, in the order they were taken."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, suite: str, subject: str, value: float) -> None:
        self.values[suite, subject].append(value)

    def median(self, suite: str, subject: str) -> float:
        return statistics.median(self.values[suite, subject])

    def ratio(self, suite: str, subject: str, base: str) -> float:
        """The median of the ratios of values that were taken one after the other."""
        pairs = zip(self.values[suite, subject], self.values[suite, base], strict=True)
        return statistics.median(value / other for value, other in pairs)

    def added(self, suite: str, subject: str, base: str) -> float:
        pairs = zip(self.values[suite, subject], self.values[suite, base], strict=True)
        return statistics.median(value - other for value, other in pairs)


async def load_cpu(
    samples: Samples,
    suite: str,
    subjects: Sequence[Subject],
    body: Asks,
    pace: Pace,
    upstream: Upstream,
    *,
    connections: int = 16,
    fresh: bool = False,
    kept: Callable[[Subject], float] = lambda _: 0,
) -> None:
    """CPU per request under a closed loop; apart from it, as `<suite>.encoder` and `<suite>.provider`, what the model server and
    the provider took. Raises LoadError where the provider has not seen every request, but those that a cache answered: `kept`
    counts them.
    """
    for subject in subjects:
        clocks: dict[str, tuple[float, float, float]] = {}

        def clock(moment: str, subject: Subject = subject, clocks: dict = clocks) -> None:
            clocks[moment] = (subject.cpu(), subject.model_server_cpu(), upstream.cpu())

        before, answered = (await arrived(upstream.target))[0], kept(subject)
        window = await closed_loop(
            subject.target, body, connections=connections, seconds=pace.seconds, warm=pace.seconds / 4, fresh=fresh, at=clock
        )
        seen = (await arrived(upstream.target))[0] - before
        if seen + (hits := kept(subject) - answered) != window.total:
            raise LoadError(f"{subject.name}, {suite}: of {window.total} requests {seen} arrived, and {hits:.0f} were hits")
        samples.add(f"{suite}.arrived", subject.name, seen / window.total)
        spent = [(end - start) / window.count * 1000 for start, end in zip(clocks["start"], clocks["end"], strict=True)]
        for name, value in zip((suite, f"{suite}.encoder", f"{suite}.provider"), spent, strict=True):
            samples.add(name, subject.name, value)


async def paced_streams(samples: Samples, subjects: Sequence[Subject], count: int = 20) -> None:
    """CPU per stream of 100 events, 20 ms apart, `count` at a time on connections that are open already."""
    body = bodies.paced(20)
    for subject in subjects:
        links = [await connect(subject.target) for _ in range(count)]
        await ask_each(links, subject.target, bodies.small())
        before = subject.cpu()
        await ask_each(links, subject.target, body)
        samples.add("sse", subject.name, (subject.cpu() - before) / count * 1000)
        hang_up(links)


async def ask_each(links: list[Exchange], target: Target, body: Body) -> None:
    await each(links, lambda link: link.ask(request(target, body.next(numbers()))))


def hang_up(links: Sequence[Exchange]) -> None:
    for link in links:
        link.transport.abort()


async def one_stream(samples: Samples, targets: dict[str, Target], pace: Pace) -> None:
    """Time to the first event (median) and gap between events (p99), milliseconds, at one stream."""
    body = bodies.paced(20)
    for name, target in targets.items():
        link = await connect(target)
        await link.ask(request(target, bodies.small().next(numbers())))
        got = [await stream_once(link, target, body) for _ in range(pace.streams)]
        gaps = sorted(gap for arrivals in got for gap in arrivals.gaps)
        samples.add("ttft", name, statistics.median(arrivals.first for arrivals in got))
        samples.add("gap_p99", name, gaps[int(len(gaps) * 0.99)])
        hang_up([link])


async def agent_turn(samples: Samples, subjects: Sequence[Subject], pace: Pace) -> None:
    """CPU of the first turn of an agent that begins with 400 KB, as `agent.first`, and of the second, with 1 KB that is new."""
    for subject in subjects:
        spent = [0.0, 0.0]
        for _ in range(pace.agents):
            link = await connect(subject.target)
            for at, turn in enumerate(Conversation(numbers()).two(400 * 1024, 1024)):
                before = subject.cpu()
                await link.ask(request(subject.target, turn))
                spent[at] += subject.cpu() - before
            hang_up([link])
        for name, value in zip(("agent.first", "agent"), spent, strict=True):
            samples.add(name, subject.name, value / pace.agents * 1000)


async def conversation(samples: Samples, subjects: Sequence[Subject], straight: Target) -> None:
    """An agent's conversation of 20 turns, 150 to 925 KB, 37 KB new in each, 40 KB of tools, streamed: CPU and time to the first
    event, the first turn and the later ones apart. Raises LoadError unless every turn was answered and its whole text arrived.
    """
    for subject in subjects:
        turns = list(Conversation(numbers()).turns())
        before = await arrived(straight)
        link = await connect(subject.target)
        await link.ask(request(subject.target, bodies.small().next(numbers())))
        cpu, events = [], []
        for turn in turns:
            start, at = subject.cpu() + subject.model_server_cpu(), time.perf_counter()
            await link.ask(request(subject.target, turn))
            events.append((link.arrivals[0] - at) * 1000)
            cpu.append((subject.cpu() + subject.model_server_cpu() - start) * 1000)
        hang_up([link])
        await witness(subject, straight, before, turns)
        for name, values in (("cpu", cpu), ("first_event", events)):
            samples.add(f"conversation.{name}.first", subject.name, values[0])
            samples.add(f"conversation.{name}.later", subject.name, statistics.median(values[1:]))


async def witness(subject: Subject, straight: Target, before: tuple[int, int], sent: Sequence[bytes]) -> None:
    """Raises LoadError unless all that was sent has come to the provider: placeholders may make it a little longer or shorter."""
    after = await arrived(straight)
    requests, size = after[0] - before[0], after[1] - before[1]
    if requests not in (len(sent), len(sent) + 1) or abs(size / sum(map(len, sent)) - 1) > 0.05:
        raise LoadError(f"{subject.name}: {len(sent)} requests of {sum(map(len, sent))} bytes arrived as {requests} of {size}")


async def new_text(samples: Samples, subjects: Sequence[Subject], straight: Target, clients: int = 16) -> None:
    """Clients that all come at once, each with 64 KB of new prose: CPU per request, and how long the last one waits."""
    for subject in subjects:
        sent = [new_prose(numbers()) for _ in range(clients)]
        links = [await connect(subject.target) for _ in sent]
        before = await arrived(straight)
        start, at = subject.cpu() + subject.model_server_cpu(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for link, body in zip(links, sent, strict=True):
                group.create_task(link.ask(request(subject.target, body)))
        samples.add("newtext.longest", subject.name, (time.perf_counter() - at) * 1000)
        samples.add("newtext.cpu", subject.name, (subject.cpu() + subject.model_server_cpu() - start) / clients * 1000)
        hang_up(links)
        await witness(subject, straight, before, sent)


async def growth(samples: Samples, subjects: Sequence[Subject], pace: Pace) -> None:
    """Memory of the worker after the other suites, and what 10,000 requests more add to it (MB), once as many have filled what it
    remembers to its bounds.
    """
    body = bodies.small()
    for subject in subjects:
        await requests(subject.target, body, pace.growth)
        before = subject.rss()
        await requests(subject.target, body, pace.growth)
        after = subject.rss()
        samples.add("rss", subject.name, after)
        for name, value in zip(("tree_rss", "tree_pss"), subject.tree_memory(), strict=True):
            samples.add(name, subject.name, value)
        samples.add("growth", subject.name, (after - before) * 10_000 / pace.growth)


async def requests(target: Target, body: Body, count: int, connections: int = 16) -> None:
    links = [await connect(target) for _ in range(connections)]
    for _ in range(count // connections):
        await ask_each(links, target, body)
    hang_up(links)


async def open_streams(samples: Samples, subjects: Sequence[Subject], count: int = 40) -> None:
    """KB of memory per stream that is open with a 100 KB prompt."""
    body = bodies.held(100 * 1024)
    for subject in subjects:
        for measured in (False, True):
            links = [await connect(subject.target) for _ in range(count)]
            await ask_each(links, subject.target, bodies.small())
            before = subject.rss()
            for link in links:
                await link.begin(request(subject.target, body.next(numbers())))
            if measured:
                samples.add("open_stream", subject.name, (subject.rss() - before) * 1000 / count)
            hang_up(links)
