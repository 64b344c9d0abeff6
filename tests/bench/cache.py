"""The suite `cache`: hits, misses, 100,000 entries, a restart, and routing, with written questions. Gateways of its own.

Every row has its witness: the provider counts what arrives, /metrics what was a hit, and a hit names its tier in its answer. What
does not add up raises LoadError.
"""

import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import uvloop

from bench import questions, stored
from bench.gateway import Home, gateway, home, running
from bench.load import Exchange, LoadError, Target, arrived, connect, numbers, request
from bench.provider import answer
from bench.questions import Again, New
from bench.report import FULL, FULL_SIMILAR, PLAN, ROUTING, SIMILAR, UNCACHED
from bench.subjects import HERE, Cores, Subject, Upstream, settle
from bench.suites import Pace, Samples, hang_up, load_cpu
from outgate.server.layout import Layout

LOOKUPS, ROUTED = "outgate_cache_lookups_total", "outgate_routed_total"
_TEXTS, _CLIENTS = 64, 4
"""Clients of a closed loop: with more, a model server on the same core has more waiting than `similar.limit` allows."""


def told(what: str) -> None:
    sys.stderr.write(f"cache: {what}\n")


def hits(subject: Subject) -> float:
    """Answers that its cache gave so far."""
    return sum(value for labels, value in subject.counted(LOOKUPS).items() if 'result="hit"' in labels)


def run(samples: Samples, core: Cores, folder: Path, upstream: Upstream, pace: Pace) -> None:
    """Every row of the suite. Raises LoadError, RuntimeError."""
    with ExitStack() as stack:
        plans = (UNCACHED, PLAN, SIMILAR, FULL, FULL_SIMILAR, ROUTING)
        subjects = {plan: stack.enter_context(gateway(plan, core.subject, folder, upstream, f"cache {plan}")) for plan in plans}
        told("gateways started")
        settle(list(subjects.values()))
        told("under load")
        uvloop.run(_under_load(samples, subjects, upstream, pace))
        uvloop.run(_routing_time(samples, subjects[ROUTING]))
    told("100,000 entries")
    _entries(samples, home(FULL_SIMILAR, folder, upstream, "two workers"), upstream, f"{core.subject},{core.rest}")


async def _under_load(samples: Samples, subjects: dict[str, Subject], upstream: Upstream, pace: Pace) -> None:
    """Worker CPU for each request: hits beside forwarding, misses with and without `similar`, chosen models beside named ones."""
    again = Again(questions.other()[:_TEXTS])

    async def cpu(suite: str, names: Sequence[str], body: New | Again) -> None:
        those = [subjects[name] for name in names]
        await load_cpu(samples, suite, those, body, pace, upstream, connections=_CLIENTS, kept=hits)

    for name in (UNCACHED, PLAN):
        await _sent(subjects[name].target, [again.next(at) for at in range(_TEXTS)])
    for _ in range(pace.repetitions):
        await cpu("cache.again", (UNCACHED, PLAN), again)
        await cpu("cache.new", (PLAN, SIMILAR, FULL, FULL_SIMILAR), New())
        await cpu("cache.route_named", (ROUTING,), New())
        routed = _routed(subjects[ROUTING])
        await cpu("cache.route_auto", (ROUTING,), New("auto"))
        samples.add("cache.routed", ROUTING, _routed(subjects[ROUTING]) - routed)
    for name in (SIMILAR, FULL_SIMILAR):
        _looked_up(subjects[name])


def _routed(subject: Subject) -> float:
    """Requests whose model was chosen by what they say. Raises LoadError where the router failed."""
    counted = subject.counted(ROUTED)
    if failed := [labels for labels in counted if "failed" in labels]:
        raise LoadError(f"{subject.name}: {failed}")
    return sum(value for labels, value in counted.items() if "semantic" in labels or "difficulty" in labels)


def _looked_up(subject: Subject) -> None:
    """Raises LoadError unless nearly every question was looked up by what it means."""
    similar = {labels: value for labels, value in subject.counted(LOOKUPS).items() if 'tier="similar"' in labels}
    missed = sum(value for labels, value in similar.items() if 'result="miss"' in labels)
    if missed < 0.98 * sum(similar.values()) or not missed:
        raise LoadError(f"{subject.name}: look-ups were {similar}")


async def _routing_time(samples: Samples, subject: Subject, count: int = 40) -> None:
    asked = (New(), New("auto"))
    taken = await _sent(subject.target, [asked[at % 2].next(numbers()) for at in range(2 * count)])
    for suite, mine in (("cache.route_named_ms", taken[2::2]), ("cache.route_auto_ms", taken[3::2])):
        samples.add(suite, subject.name, statistics.median(each for each, _ in mine))


async def _sent(target: Target, bodies: Sequence[bytes], links: int = 1) -> list[tuple[float, bytes]]:
    """Requests one after the other, over connections that take turns: milliseconds to the whole answer, and its head."""
    made = [await connect(target) for _ in range(links)]
    taken = [await _timed(made[at % links], request(target, body)) for at, body in enumerate(bodies)]
    hang_up(made)
    return taken


async def _timed(link: Exchange, asked: bytes) -> tuple[float, bytes]:
    start = time.perf_counter()
    await link.ask(asked)
    return (time.perf_counter() - start) * 1000, link.head.lower()


def _tier(tier: str) -> Callable[[tuple[float, bytes]], bool]:
    field = f"detail={tier}".encode()
    return lambda taken: field in taken[1].partition(b"\r\n\r\n")[0]


def _entries(samples: Samples, at: Home, upstream: Upstream, cores: str) -> None:
    """Two workers on all cores: hits among few entries, then among 100,000 after a restart; what these take, and look-ups."""
    known = questions.held()
    path = Layout(state=at.state).answers
    with running(at, cores, workers=2) as subject:
        settle([subject])
        uvloop.run(_hits(samples, subject, upstream))
        before = subject.tree_memory()[1]
        texts = questions.other()[: stored.TEXTS]
        filling = list(zip(texts, uvloop.run(stored.vectors(Layout(state=at.state).models, texts)), strict=True))
    with closing(sqlite3.connect(path)) as db:
        [(partition,)] = db.execute("select partition from similar group by partition order by count(*) desc limit 1").fetchall()
    samples.add("cache.entries", FULL_SIMILAR, stored.fill(path, partition, filling, answer().partition(b"\r\n\r\n")[2]))
    started = time.perf_counter()
    with running(at, cores, workers=2) as subject:
        told("restarted")
        samples.add("cache.restart_ready_s", FULL_SIMILAR, time.perf_counter() - started)
        for tier, texts in (("exact", [known[0].question]), ("similar", [text for block in known for text in block.same])):
            uvloop.run(_until(subject, tier, texts))
            samples.add(f"cache.restart_{tier}_s", FULL_SIMILAR, time.perf_counter() - started)
        settle([subject])
        uvloop.run(_hits(samples, subject, upstream, "_full"))
        told("look-ups")
        samples.add("cache.entries_mb", FULL_SIMILAR, subject.tree_memory()[1] - before)
        for name, value in _measured(at.state, partition).items():
            samples.add(f"cache.{name}", FULL_SIMILAR, value)


async def _hits(samples: Samples, subject: Subject, upstream: Upstream, suffix: str = "") -> None:
    """Time of what is forwarded, of exact hits, and of those rewordings that are hits."""
    blocks = questions.held()[:100]
    target = subject.target
    await _sent(target, [questions.body(block.question) for block in blocks])
    await asyncio.sleep(1)
    before, counted = (await arrived(upstream.target))[0], hits(subject)
    fresh = await _sent(target, [New().next(numbers()) for _ in range(60)], links=8)
    exact = await _sent(target, [questions.body(block.question) for block in blocks], links=8)
    reworded = await _sent(target, [questions.body(text) for block in blocks for text in block.same[:1]], links=8)
    similar = list(filter(_tier("similar"), reworded))
    seen, given = (await arrived(upstream.target))[0] - before, hits(subject) - counted
    if not all(map(_tier("exact"), exact)) or len(similar) < 20 or seen + given != len(fresh) + len(exact) + len(reworded):
        raise LoadError(f"{len(similar)} of {len(reworded)} rewordings were similar hits; {seen} arrived, {given} were hits")
    for name, taken in (("forwarded", fresh), ("exact", exact), ("similar", similar)):
        samples.add(f"cache.{name}{suffix}_ms", subject.name, statistics.median(each for each, _ in taken))
    samples.add(f"cache.similar{suffix}_share", subject.name, len(similar) / len(reworded))


async def _until(subject: Subject, tier: str, texts: Sequence[str], limit: float = 60.0) -> None:
    """Ask these until one is a hit of this tier. Raises LoadError."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        for text in texts:
            if any(map(_tier(tier), await _sent(subject.target, [questions.body(text)]))):
                return
    raise LoadError(f"{subject.name}: no {tier} hit in {limit:g} s")


def _measured(state: Path, partition: bytes) -> dict[str, float]:
    """What `bench.stored` measures in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.stored", str(state), partition.hex()],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
    )
    if done.returncode:
        raise RuntimeError(f"bench.stored: {done.stderr[-2000:]}")
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def figures(samples: Samples) -> dict[str, float]:
    """The figures of this suite, by their names in report.GOALS."""

    def of(name: str, subject: str = FULL_SIMILAR) -> float:
        return samples.median(f"cache.{name}", subject)

    return {
        "exact_hit_ms": of("exact_ms"),
        "similar_hit_ms": of("similar_ms"),
        "similar_hit_full_ms": of("similar_full_ms"),
        "forwarded_ms": of("forwarded_ms"),
        "exact_hit_cpu": samples.ratio("cache.again", PLAN, UNCACHED),
        "miss_cpu": samples.ratio("cache.new", SIMILAR, PLAN),
        "miss_full_cpu": samples.ratio("cache.new", FULL_SIMILAR, FULL),
        "look_up_ms": of("look_up_file_ms") + of("look_up_question_ms"),
        "look_up_file_ms": of("look_up_file_ms"),
        "look_up_hit_ms": of("look_up_hit_ms"),
        "embed_ms": of("embed_ms"),
        "embed_together": of("embed_together"),
        "embed_together_short": of("embed_short_together"),
        "verifier_ms": of("verifier_ms"),
        "stored_mb": of("entries_mb") + 2 * of("worker_mb"),
        "restart_exact_s": of("restart_exact_s"),
        "restart_similar_s": of("restart_similar_s"),
        "route_worker_ms": of("route_auto", ROUTING) - of("route_named", ROUTING),
        "route_model_server_ms": of("route_auto.encoder", ROUTING) - of("route_named.encoder", ROUTING),
        "route_ms": of("route_auto_ms", ROUTING) - of("route_named_ms", ROUTING),
    }
