"""The gateway and stock mitmdump measured side by side, interleaved, in one run; the figures of the README's speed table.

`scripts/bench [--quick] [--json FILE] [--suite NAME ...] [--stock]`: `--quick` takes a minute and its figures are
rough; `--stock` leaves the gateway out.
"""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench import bodies, cache, report, suites
from bench.gateway import gateway
from bench.load import LoadError
from bench.report import BARE, DIRECT, EMPTY, FULL, PLAN, REDACTION, STOCK, STREAMING
from bench.subjects import Cores, Subject, Upstream, bare, cores, provider, settle, stock
from bench.suites import Pace, Samples

SUITES = (
    "keepalive",
    "newconn",
    "body64k",
    "known64k",
    "sse",
    "burst",
    "latency",
    "agent",
    "conversation",
    "newtext",
    "open_streams",
    "growth",
    "cache",
)
"""`cache` comes last, by itself: it starts gateways of its own when the others have ended."""


class Run:
    """One run: the subjects by name, and what was measured of them."""

    def __init__(self, upstream: Upstream, pace: Pace, samples: Samples) -> None:
        self.subjects: dict[str, Subject] = {}
        self.upstream = upstream
        self.pace = pace
        self.samples = samples
        self.turned = False

    def those(self, *names: str) -> Sequence[Subject]:
        """The running ones of these subjects, in an order that turns with every repetition."""
        found = [self.subjects[name] for name in names if name in self.subjects]
        return found[::-1] if self.turned else found

    async def suite(self, name: str) -> None:  # noqa: C901 (one line for each suite)
        samples, pace, those, upstream = self.samples, self.pace, self.those, self.upstream
        match name:
            case "keepalive":
                await suites.load_cpu(samples, name, those(STOCK, BARE, EMPTY, PLAN, FULL), bodies.small(), pace, upstream)
            case "newconn":
                await suites.load_cpu(samples, name, those(STOCK, BARE, EMPTY, PLAN), bodies.small(), pace, upstream, fresh=True)
            case "body64k":
                await suites.load_cpu(samples, name, those(STOCK, BARE, EMPTY, PLAN, FULL), bodies.large(), pace, upstream)
            case "known64k":
                await suites.load_cpu(samples, name, those(STOCK, BARE, EMPTY, PLAN, FULL), bodies.known(), pace, upstream)
            case "sse":
                await suites.paced_streams(samples, those(STREAMING, EMPTY, PLAN))
            case "burst":
                await suites.load_cpu(samples, name, those(STREAMING, EMPTY, PLAN), bodies.burst(), pace, upstream)
            case "latency":
                targets = {subject.name: subject.target for subject in those(STREAMING, EMPTY, PLAN)}
                await suites.one_stream(samples, {DIRECT: upstream.target, **targets}, pace)
            case "agent":
                await suites.agent_turn(samples, those(STOCK, EMPTY, PLAN), pace)
            case "conversation":
                await suites.conversation(samples, those(STREAMING, EMPTY, PLAN, REDACTION, FULL), upstream.target)
            case "newtext":
                await suites.new_text(samples, those(PLAN, REDACTION, FULL), upstream.target)
            case "open_streams":
                await suites.open_streams(samples, those(STREAMING, EMPTY, PLAN))
            case "growth":
                await suites.growth(samples, those(STOCK, EMPTY, PLAN, FULL), pace)

    async def all(self, chosen: Sequence[str]) -> None:
        for subject in self.subjects.values():
            await suites.requests(subject.target, bodies.small(), 64)
        for repetition in range(self.pace.repetitions):
            self.turned = repetition % 2 == 1
            for name in chosen:
                if name in ("growth", "open_streams") and repetition:
                    continue
                sys.stderr.write(f"\r{repetition + 1}/{self.pace.repetitions} {name:<14}")
                sys.stderr.flush()
                await self.suite(name)
        sys.stderr.write("\r" + " " * 40 + "\r")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two short repetitions: about a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--suite", action="append", choices=SUITES, help="only these")
    parser.add_argument("--stock", action="store_true", help="leave the gateway out")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    pace = suites.QUICK if asked.quick else suites.FULL
    chosen = asked.suite or [suite for suite in SUITES if suite != "cache" or not asked.stock]
    core = cores()
    os.sched_setaffinity(0, {core.rest})
    encoder, samples = 0.0, Samples()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        upstream = stack.enter_context(provider(core.rest, folder))
        if others := [suite for suite in chosen if suite != "cache"]:
            encoder = beside_stock(others, core, folder, Run(upstream, pace, samples), stock_only=asked.stock)
        if "cache" in chosen:
            cache.run(samples, core, folder, upstream, pace)
    return show(samples, chosen, encoder, asked.json, pace.repetitions)


def beside_stock(chosen: Sequence[str], core: Cores, folder: Path, run: "Run", *, stock_only: bool) -> float:
    """Run these suites; returns the memory of the model server."""
    with contextlib.ExitStack() as stack:
        found = [
            stack.enter_context(stock(core.subject, folder, run.upstream)),
            stack.enter_context(stock(core.subject, folder, run.upstream, streaming=True)),
            stack.enter_context(bare(core.subject, folder, run.upstream)),
        ]
        if not stock_only:
            plans = (EMPTY, PLAN, REDACTION, FULL)
            found += [stack.enter_context(gateway(plan, core.subject, folder, run.upstream)) for plan in plans]
        run.subjects = {subject.name: subject for subject in found}
        settle(found)
        uvloop.run(run.all(chosen))
        return run.subjects[FULL].model_server_rss() if FULL in run.subjects else 0.0


def show(samples: Samples, chosen: Sequence[str], encoder: float, path: Path | None, repetitions: int) -> int:
    """Print the medians and, of the suite `cache` and where every suite ran, the figures against their goals."""
    for suite, medians in report.absolute(samples).items():
        sys.stdout.write(f"{suite:<24} " + "   ".join(f"{name}: {value:.3f}" for name, value in medians.items()) + "\n")
    values = report.figures(samples, encoder) if set(chosen) == set(SUITES) else {}
    values |= cache.figures(samples) if "cache" in chosen else {}
    if values:
        sys.stdout.write("\n" + report.table(values) + "\n")
    if values and path is not None:
        report.write(path, values, samples, repetitions)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except* (LoadError, RuntimeError) as failures:
        sys.exit("\n".join(f"scripts/bench: {failure}" for failure in failures.exceptions))
