"""Matrix of a contest: workloads, replicas and seeds, each picker on the same requests, and its regret.

Regret is the mean time to the first word over that of the best picker in the same cell, of all that are compared: 1 is the best.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from pathlib import Path
from random import Random
from typing import NamedTuple

from outgate.testing.pools.contest import Contest, Metrics, Result
from outgate.testing.pools.engine import Model
from outgate.testing.pools.pickers import OTHERS, OWN, picker_of
from outgate.testing.pools.workloads import Workload, agents, chat, teams, trace

_EIGHT = (Model(),) * 8
_BY_METRICS = ("prefix_cache", "3/2/2 (inference extension)")
"""Pickers that read what replicas tell."""
LIGHT = "chat at 60 % load"


class Scene(NamedTuple):
    """A workload and the replicas that it meets, for so many times the seconds of a run: requests of traces are few."""

    workload: Workload
    models: tuple[Model, ...] = _EIGHT
    span: float = 1.0


class Cell(NamedTuple):
    """One run of the matrix."""

    scene: str
    seed: int
    metrics: Metrics
    picker: str
    result: Result


def scenes(traces: Path | None) -> dict[str, Scene]:
    """All scenes; those of traces only where their folder is given."""
    slow = (Model().slower(0.4), *_EIGHT[1:])
    found = {
        "teams, 20/s": Scene(teams(20)),
        "teams, 24/s: near saturation": Scene(teams(24)),
        "teams, always new questions, 18/s": Scene(teams(18, repeats=False)),
        "chat, 6 conversations/s": Scene(chat(6)),
        LIGHT: Scene(chat(9)),
        "agents, 0.4/s": Scene(agents(0.4)),
        "one hot prompt, 30/s": Scene(teams(30, groups=1, users=10_000)),
        "nothing shared, 14/s": Scene(teams(14, groups=100_000, repeats=False)),
        "teams, one slow replica, 18/s": Scene(teams(18), slow),
        "chat, 4 replicas, 3/s": Scene(chat(3), _EIGHT[:4]),
    }
    if traces is not None:
        found["Mooncake conversations, 1.6 times as fast"] = Scene(trace(traces / "conversation_trace.jsonl", 1.6), span=3.0)
        found["Mooncake synthetic"] = Scene(trace(traces / "synthetic_trace.jsonl"), span=3.0)
    return found


def cells(found: Mapping[str, Scene], seeds: Sequence[int], seconds: float) -> Iterator[Cell]:
    """Every cell. Pickers that read no metrics are the same under all, and run once."""
    for name, scene in found.items():
        for seed in seeds:
            for picker in (*OWN, *OTHERS):
                fresh = _run(scene, seed, seconds, picker, Metrics.FRESH)
                for metrics in Metrics:
                    same = metrics is Metrics.FRESH or picker not in _BY_METRICS
                    yield Cell(name, seed, metrics, picker, fresh if same else _run(scene, seed, seconds, picker, metrics))


def _run(scene: Scene, seed: int, seconds: float, picker: str, metrics: Metrics) -> Result:
    drawn, picks = Random(seed), Random(seed)  # noqa: S311 - no secret
    seconds *= scene.span
    contest = Contest(scene.models, lambda clock: picker_of(picker, scene.models[-1], clock, picks), metrics, seconds)
    return contest.run(scene.workload(drawn, seconds))


def regrets(ran: Sequence[Cell], metrics: Metrics) -> dict[str, list[float]]:
    """The regret of each picker in each scene and seed."""
    cells = [cell for cell in ran if cell.metrics is metrics]
    best: dict[tuple[str, int], float] = {}
    for cell in cells:
        key = cell.scene, cell.seed
        best[key] = min(best.get(key, cell.result.mean), cell.result.mean)
    told: dict[str, list[float]] = {}
    for cell in cells:
        told.setdefault(cell.picker, []).append(cell.result.mean / best[cell.scene, cell.seed])
    return told


def geometric(values: Sequence[float]) -> float:
    """The geometric mean."""
    return exp(sum(map(log, values)) / len(values))
