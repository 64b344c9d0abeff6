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

from bench import bodies, report, suites
from bench.gateway import gateway
from bench.load import LoadError
from bench.report import BARE, DIRECT, EMPTY, FULL, PLAN, REDACTION, STOCK, STREAMING
from bench.subjects import Subject, Upstream, bare, cores, provider, settle, stock
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
)


class Run:
    """One run: the subjects by name, and what was measured of them."""

    def __init__(self, subjects: dict[str, Subject], upstream: Upstream, pace: Pace) -> None:
        self.subjects = subjects
        self.upstream = upstream
        self.pace = pace
        self.samples = Samples()
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
    core = cores()
    os.sched_setaffinity(0, {core.rest})
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        upstream = stack.enter_context(provider(core.rest, folder))
        found = [
            stack.enter_context(stock(core.subject, folder, upstream)),
            stack.enter_context(stock(core.subject, folder, upstream, streaming=True)),
            stack.enter_context(bare(core.subject, folder, upstream)),
        ]
        if not asked.stock:
            found += [stack.enter_context(gateway(plan, core.subject, folder, upstream)) for plan in (EMPTY, PLAN, REDACTION, FULL)]
        run = Run({subject.name: subject for subject in found}, upstream, pace)
        settle(found)
        uvloop.run(run.all(asked.suite or SUITES))
        encoder = run.subjects[FULL].model_server_rss() if FULL in run.subjects else 0.0
    return show(run, encoder, asked.json, complete=not asked.suite and not asked.stock)


def show(run: Run, encoder: float, path: Path | None, *, complete: bool) -> int:
    """Print the medians and, where every suite ran, the figures against their goals."""
    for suite, medians in report.absolute(run.samples).items():
        sys.stdout.write(f"{suite:<20} " + "   ".join(f"{name}: {value:.3f}" for name, value in medians.items()) + "\n")
    if not complete:
        return 0
    values = report.figures(run.samples, encoder)
    sys.stdout.write("\n" + report.table(values) + "\n")
    if path is not None:
        report.write(path, values, run.samples, run.pace.repetitions)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except* (LoadError, RuntimeError) as failures:
        sys.exit("\n".join(f"scripts/bench: {failure}" for failure in failures.exceptions))
