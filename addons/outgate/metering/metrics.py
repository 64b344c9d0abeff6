"""Counters and histograms, exact over all workers, kept over their restarts, with a bounded number of series.

prometheus_client's multi-process mode keeps a file per process id, so that files pile up with restarts, and takes several times as
long per update; here a worker goes on in the file of one that has died (`series`).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from outgate.metering.series import SUFFIX, SeriesFile, is_owned, read_series
from outgate.metering.table import BY_NAME, LAYOUT, METRICS, Metric, Type

OTHER = "other"
"""The label of whatever is not told apart by name."""
_OVERFLOW = "outgate_metrics_overflow_total"
_LONGEST = 96


class Sample(NamedTuple):
    """What a gauge shows now."""

    name: str
    labels: tuple[str, ...]
    value: float


class Metrics:
    """The metrics of one worker: the first slot of the folder that no living process owns. Not shared by threads.

    `most` bounds the distinct label sets of each metric; what exceeds it is counted with every label `other`. Raises OSError where
    the file cannot be made.
    """

    def __init__(self, folder: Path, *, most: int = 1000) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._series = _free_slot(folder)
        self._cells = self._series.cells
        self._most = most
        self._known: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in BY_NAME}
        self._sets: dict[str, int] = defaultdict(int)
        for key in self._series.index:
            metric = _metric(key)
            if metric is not None:
                self._sets[metric.name] += 1
        self._zero_gauges()
        for metric in BY_NAME.values():
            if metric.type is Type.GAUGE and not metric.labels:
                self.set(metric.name, 0.0)

    def add(self, name: str, labels: tuple[str, ...] = (), amount: float = 1.0) -> None:
        """Count `amount` (a gauge may go down). `labels` are values in the table's order. Raises KeyError for an unknown name."""
        cell = self._known[name].get(labels)
        if cell is None:
            cell = self._place(name, labels)
        if cell >= 0:
            self._cells[cell] += amount

    def set(self, name: str, value: float) -> None:
        """Say what a gauge without labels shows of this worker. Raises KeyError for an unknown name."""
        cell = self._place(name, ())
        if cell >= 0:
            self._cells[cell] = value

    def observe(self, name: str, labels: tuple[str, ...], value: float) -> None:
        """Put a value into its bucket of a histogram, or into a summary. Raises KeyError for an unknown name."""
        self.observe_each(name, ((labels, value),))

    def observe_each(self, name: str, values: Iterable[tuple[tuple[str, ...], float]]) -> None:
        """Observe many values of one metric, each with its labels."""
        known, cells, buckets = self._known[name], self._cells, BY_NAME[name].buckets
        last = len(buckets) + 1
        for labels, value in values:
            cell = known.get(labels)
            if cell is None:
                cell = self._place(name, labels)
            if cell >= 0:
                cells[cell + bisect_left(buckets, value)] += 1.0
                cells[cell + last] += value

    def close(self) -> None:
        self._zero_gauges()
        self._known.clear()
        del self._cells
        self._series.close()

    def _zero_gauges(self) -> None:
        for key, first in self._series.index.items():
            if _is_gauge(key):
                self._cells[first] = 0.0

    def _place(self, name: str, labels: tuple[str, ...]) -> int:
        """The first cell of a series; -1 where nothing is left even for `other`."""
        metric = BY_NAME[name]
        key = _key(metric, labels)
        if key not in self._series.index and self._sets[name] >= self._most:
            return self._other(metric)
        new = key not in self._series.index
        cell = self._series.add(key, metric.cells)
        if cell is None:
            return self._other(metric)
        self._sets[name] += new
        if len(self._known[name]) < 2 * self._most:
            self._known[name][labels] = cell
        return cell

    def _other(self, metric: Metric) -> int:
        if metric.name != _OVERFLOW:
            self.add(_OVERFLOW, (metric.name,))
        cell = self._series.add(_key(metric, (OTHER,) * len(metric.labels)), metric.cells)
        return -1 if cell is None else cell


def _free_slot(folder: Path) -> SeriesFile:
    slot = 0
    while True:
        try:
            return SeriesFile(folder / f"{slot}{SUFFIX}", LAYOUT)
        except BlockingIOError:
            slot += 1


def render(folder: Path, beside: Iterable[Sample] = ()) -> bytes:
    """The sum over every worker's file, in the text format of Prometheus (version 0.0.4), and gauges that are in no file.

    The file of a worker that is gone adds its counts alone: its gauges told of a process that is no more. Raises OSError.
    """
    total: dict[str, list[float]] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        gone = not is_owned(path)
        for key, cells in read_series(path, LAYOUT):
            if gone and _is_gauge(key):
                continue
            known = total.get(key)
            total[key] = list(cells) if known is None else [a + b for a, b in zip(known, cells, strict=True)]
    total |= {_key(BY_NAME[name], labels): [float(value)] for name, labels, value in beside}
    series: dict[str, list[tuple[str, list[float]]]] = defaultdict(list)
    for key in sorted(total):
        metric = _metric(key)
        if metric is not None:
            series[metric.name].append((key.partition("{")[2].removesuffix("}"), total[key]))
    return "".join(line for metric in METRICS for line in _lines(metric, series[metric.name])).encode()


def _lines(metric: Metric, series: Iterable[tuple[str, list[float]]]) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.doc}\n# TYPE {metric.name} {metric.type}\n"
    for labels, cells in series:
        if metric.type is Type.SUMMARY:
            yield _sum_and_count(metric, labels, cells[1], cells[0])
        elif metric.type is Type.HISTOGRAM:
            yield from _histogram(metric, labels, cells)
        else:
            yield f"{metric.name}{_braced(labels)} {cells[0]!r}\n"


def _histogram(metric: Metric, labels: str, cells: list[float]) -> Iterator[str]:
    count = 0.0
    for bound, cell in zip((*map(repr, metric.buckets), "+Inf"), cells, strict=False):
        count += cell
        yield f"{metric.name}_bucket{_braced(f'{labels},le="{bound}"'.lstrip(','))} {count!r}\n"
    yield _sum_and_count(metric, labels, cells[-1], count)


def _sum_and_count(metric: Metric, labels: str, total: float, count: float) -> str:
    return f"{metric.name}_sum{_braced(labels)} {total!r}\n{metric.name}_count{_braced(labels)} {count!r}\n"


def _key(metric: Metric, labels: tuple[str, ...]) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(metric.labels, labels, strict=True))
    return f"{metric.kept_as}{_braced(','.join(pairs))}"


def _metric(key: str) -> Metric | None:
    """The metric of a series; None for one that an earlier release counted, or counted otherwise."""
    kept_as = key.partition("{")[0]
    metric = BY_NAME.get(kept_as.partition("#")[0])
    return metric if metric is not None and metric.kept_as == kept_as else None


def _is_gauge(key: str) -> bool:
    metric = _metric(key)
    return metric is not None and metric.type is Type.GAUGE


def _escaped(value: str) -> str:
    return value[:_LONGEST].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""
