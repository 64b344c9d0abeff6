"""`outgate evaluate picker`: strategies of `pick_endpoint` over a simulated pool, by their own code, beside rules of others."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import fmean
from time import perf_counter_ns, thread_time_ns
from typing import Any

import click

from outgate.cli.evaluate import latency, write
from outgate.testing.pools.contest import Metrics
from outgate.testing.pools.matrix import LIGHT, Cell, cells, geometric, regrets, scenes
from outgate.testing.pools.pickers import OTHERS, OWN
from outgate.testing.pools.plot import plot
from outgate.upstreams.picking.prefixes import MOST
from outgate.upstreams.picking.priced import Priced, Replica

_REPLICAS, _PICKS = 64, 2_000


@click.command()
@click.option(
    "--json", "target", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where the figures are written."
)
@click.option("--traces", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Folder of the Mooncake traces.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Where the regrets are drawn.")
@click.option("--seeds", default=5, show_default=True, help="Runs of each scene.")
@click.option("--seconds", default=60.0, show_default=True, help="Simulated seconds in which requests come.")
def command(*, target: Path, traces: Path | None, svg: Path | None, seeds: int, seconds: float) -> None:
    """Run every scene under every picker, and say how much longer than the best each took to the first word.

    Regret is the mean time to the first word over that of the best picker of the cell. Metrics are fresh, none, or frozen.
    """
    ran = []
    for cell in cells(scenes(traces), range(1, seeds + 1), seconds):
        ran.append(cell)
        if cell.picker == OTHERS[-1] and cell.metrics is Metrics.FROZEN:
            click.echo(f"{cell.scene}, seed {cell.seed}", err=True)
    told: dict[str, Any] = {"regret": _regrets(ran), "scenes": _scenes(ran), "hits_of_ideal": _hits(ran), "pick_ms": _pick_time()}
    write(target, {"seeds": seeds, "seconds": seconds, **told})
    if svg is not None:
        svg.write_text(plot({metrics.value: regrets(ran, metrics) for metrics in Metrics}))
    for metrics, pickers in told["regret"].items():
        for picker, figures in pickers.items():
            click.echo(f"{metrics}: {picker}: regret {figures['geometric_mean']} (max {figures['max']})")
    click.echo(f"hits of ideal, {LIGHT}: {told['hits_of_ideal']}; a pick, ms: {told['pick_ms']}")


def _regrets(ran: Sequence[Cell]) -> dict[str, Any]:
    return {
        metrics.value: {
            picker: {"geometric_mean": round(geometric(values), 3), "max": round(max(values), 2)}
            for picker, values in regrets(ran, metrics).items()
        }
        for metrics in Metrics
    }


def _scenes(ran: Sequence[Cell]) -> list[dict[str, Any]]:
    """The mean over the seeds, for each scene and picker, with fresh metrics; and of `prefix_cache` under the others."""
    rows = []
    for scene in dict.fromkeys(cell.scene for cell in ran):
        for metrics in Metrics:
            for picker in (*OWN, *OTHERS) if metrics is Metrics.FRESH else OWN[:1]:
                results = [cell.result for cell in ran if (cell.scene, cell.metrics, cell.picker) == (scene, metrics, picker)]
                figures = {name: round(fmean(getattr(each, name) for each in results), 4) for name in results[0]._fields}
                rows.append({"scene": scene, "metrics": metrics.value, "picker": picker, **figures})
    return rows


def _hits(ran: Sequence[Cell]) -> dict[str, float]:
    """The share of the blocks that one endless cache would have had, at the light load."""
    shares: dict[str, list[float]] = {}
    for cell in ran:
        if cell.scene == LIGHT and cell.metrics is Metrics.FRESH:
            shares.setdefault(cell.picker, []).append(cell.result.hits / (cell.result.ideal or 1.0))
    return {picker: round(fmean(values), 4) for picker, values in shares.items()}


def _pick_time() -> dict[str, dict[str, float | None]]:
    """Picks among 64 replicas of prompts of 512 blocks, half of which each replica has: by the clock, and of CPU."""
    random, now = Random(1), iter(range(10**9))  # noqa: S311 - no secret
    priced = Priced(20_480.0, 40_000, lambda: next(now) / 100, random)
    replicas = [Replica(f"replica-{at}", 0.0, 0) for at in range(_REPLICAS)]
    chains = [tuple(b"%d.%d" % (0 if block < MOST // 2 else prompt, block) for block in range(MOST)) for prompt in range(256)]
    for at, each in enumerate(replicas):
        priced.prefixes.add(each.address, chains[at])
    times, spent = [], []
    for turn in range(_PICKS):
        start, began = perf_counter_ns(), thread_time_ns()
        priced.pick(replicas, chains[turn % len(chains)], MOST * 64)
        spent.append((thread_time_ns() - began) / 1e6)
        times.append((perf_counter_ns() - start) / 1e6)
    return {"wall": latency(times), "cpu": latency(spent)}
