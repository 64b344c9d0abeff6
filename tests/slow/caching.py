"""CPU of the worker a request, and the time to the first byte, by what the cache finds.

`PYTHONPATH=tests python tests/slow/caching.py [--requests N] [--agreeing]`: one gateway without a cache, one with the exact tier,
one with both; asked in turns, so that other work on the machine weighs on all of them. `--agreeing` puts a judgement that agrees in
the place of the verifier, where there is none: its time is missing from what a similar hit takes.
"""

import argparse
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from bench.subjects import cpu_seconds
from e2e.asking import URL, echo, whole
from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, STAGES, World, http
from support.gateway import RunningGateway
from support.scripted_upstream import ScriptedUpstream

PLAN = STAGES + "admit_parts: {}\nprompt_guard: {}\nredact: {}\ncount_tokens: {}\n"
CACHES = {
    "none": "",
    "exact": "cache: {when: always, single_flight: false}\n",
    "both": 'cache: {when: always, single_flight: false, similar: {mode: "on", sample: 0, limit: 20}}\n',
}
ASKED = "How do I reset my router number {} to factory settings?"
AGAIN = "How can I reset my router number {} to its factory settings?"
_AGREEING = """
import sys
if any("model_server.process" in each for each in sys.orig_argv):
    from outgate.answers import service
    from support.near_models import Agreeing
    service.load_judgement = Agreeing
"""


class Asked:
    """One gateway, a client that keeps its connection, and what was measured of it."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway, (self.worker,) = gateway, gateway.worker_pids()
        self.client = http(gateway)
        self.cpu: dict[str, list[float]] = {}
        self.first: dict[str, list[float]] = {}

    def ask(self, what: str, text: str) -> httpx.Response:
        before, began = cpu_seconds(self.worker), time.perf_counter()
        with self.client.stream("POST", URL["openai"], json=whole(text)) as reply:
            first = time.perf_counter() - began
            reply.read()
        self.cpu.setdefault(what, []).append(1000 * (cpu_seconds(self.worker) - before))
        self.first.setdefault(what, []).append(1000 * first)
        assert reply.status_code == 200
        return reply

    def told(self) -> None:
        for what, values in self.cpu.items():
            first = statistics.median(self.first[what])
            print(f"  {what:<12} CPU {statistics.median(values):6.3f} ms   first byte p50 {first:6.1f} ms   n={len(values)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--agreeing", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(ScriptedUpstream("api.openai.com"))
        provider.script(*[echo()] * (options.requests * 10))
        asked = {name: _started(stack, folder / name, provider, text, options.agreeing) for name, text in CACHES.items()}
        _warm(asked)
        for number in range(options.requests):
            for each in asked.values():
                each.ask("miss", ASKED.format(1000 + number))
        for number in range(options.requests):
            asked["none"].ask("again", ASKED.format(1000 + number))
            for name in ("exact", "both"):
                reply = asked[name].ask("exact hit", ASKED.format(1000 + number))
                assert "detail=exact" in reply.headers["cache-status"]
            reply = asked["both"].ask("similar", AGAIN.format(1000 + number))
            assert not options.agreeing or "detail=similar" in reply.headers["cache-status"], reply.headers
        for name, each in asked.items():
            print(name)
            each.told()
        forwarded, hit = (statistics.median(asked[name].cpu[what]) for name, what in (("none", "again"), ("exact", "exact hit")))
        base = statistics.median(asked["none"].cpu["miss"])
        print(f"an exact hit takes {hit / forwarded:.2f} of the CPU of forwarding")
        for name in ("exact", "both"):
            print(f"a miss adds {100 * (statistics.median(asked[name].cpu['miss']) / base - 1):.0f} % ({name})")


def _started(stack: ExitStack, folder: Path, provider: ScriptedUpstream, cache: str, agreeing: bool) -> Asked:
    folder.mkdir()
    world = World(folder, provider, provider)
    env = {"E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY}
    if agreeing:
        (folder / "sitecustomize.py").write_text(_AGREEING)
        env["PYTHONPATH"] = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    gateway = stack.enter_context(RunningGateway(world.policy(PLAN + cache), folder / "state", env=env))
    return Asked(gateway)


def _warm(asked: dict[str, Asked]) -> None:
    """Ask until every model is loaded; what was measured of it is forgotten."""
    for each in asked.values():
        for number in range(20):
            each.ask("warm", ASKED.format(number))
    for each in asked.values():
        each.cpu.clear()
        each.first.clear()


if __name__ == "__main__":
    main()
