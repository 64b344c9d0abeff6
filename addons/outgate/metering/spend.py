"""Add up what closing lines say was spent: by tenant, team, workload or model, and of two models beside each other.

Memory is that of the groups, not of the lines. Costs are exact decimals; a cost that no price gives is counted, not guessed.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from math import inf, sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

type Line = Mapping[str, Any]

BY = {
    "tenant": "outgate.tenant",
    "team": "outgate.groups",
    "workload": "outgate.workload",
    "model": "gen_ai.request.model",
    "provider": "gen_ai.provider.name",
    "route": "outgate.route",
}
"""What may be asked for, and where it stands in a line. A team is the groups of a workload, joined by `+`."""
OTHERS = "(others)"
_MOST = 10_000
"""Groups that are told apart."""
FEWEST = 10
"""Requests for each of two models, below which nothing is said of their difference."""


class Spend:
    """What a group of requests cost: US dollars, tokens, and how many of them have no known price."""

    def __init__(self) -> None:
        self.requests = self.tokens_in = self.tokens_out = self.cached = self.unpriced = 0
        self.dollars = self.held = Decimal(0)

    def add(self, line: Line) -> None:
        self.requests += 1
        self.tokens_in += _number(line, "outgate.charged.input_tokens")
        self.tokens_out += _number(line, "outgate.charged.output_tokens")
        self.cached += _number(line, "gen_ai.usage.cache_read.input_tokens")
        spent, held = _dollars(line, "outgate.cost.usd"), _dollars(line, "outgate.cost.hold.usd")
        self.dollars += spent or 0
        self.held += held or 0
        self.unpriced += spent is None and held is None and _is_charged(line)


def spend(lines: Iterable[Line], by: tuple[str, ...]) -> dict[tuple[str, ...], Spend]:
    """The groups, the dearest first. Requests that were refused before they cost anything are in none."""
    groups: dict[tuple[str, ...], Spend] = {}
    for line in lines:
        if line.get("outcome") != "denied" or _is_charged(line):
            key = tuple(_named(line, name) for name in by)
            if key not in groups and len(groups) >= _MOST:
                key = (OTHERS,) * len(by)
            groups.setdefault(key, Spend()).add(line)
    return dict(sorted(groups.items(), key=lambda group: (-group[1].dollars, -group[1].requests, group[0])))


class Sample:
    """Dollars of each request, as its moments: Welford's, which lose no digits."""

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self._squares += delta * (value - self.mean)

    @property
    def error(self) -> float:
        """Squared standard error of the mean; infinite for less than two."""
        return self._squares / (self.count - 1) / self.count if self.count > 1 else inf


class Compared(NamedTuple):
    """Dollars a request of one workload with two models. `low` and `high` bound the second mean minus the first (95 %); None where
    there are too few.
    """

    workload: str
    before: Sample
    after: Sample
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        if self.low is None or self.high is None:
            return "too few requests"
        return "dearer" if self.low > 0 else "cheaper" if self.high < 0 else "no clear change"


def compare(lines: Iterable[Line], models: tuple[str, str]) -> list[Compared]:
    """What a request cost with each model, workload by workload; only requests whose cost is known count."""
    pairs: dict[str, tuple[Sample, Sample]] = {}
    for line in lines:
        model, cost = line.get(BY["model"]), _dollars(line, "outgate.cost.usd")
        if model in models and cost is not None:
            pair = pairs.setdefault(_named(line, "workload"), (Sample(), Sample()))
            pair[models.index(model)].add(float(cost))
    return [Compared(workload, *pair, *_interval(*pair)) for workload, pair in sorted(pairs.items())]


def _interval(before: Sample, after: Sample) -> tuple[float, float] | tuple[None, None]:
    """Welch's interval of a difference of means, 95 %: the variances may differ (Welch 1947)."""
    if min(before.count, after.count) < FEWEST:
        return None, None
    first, second = before.error, after.error
    difference, both = after.mean - before.mean, first + second
    if not both:
        return difference, difference
    freedom = both**2 / (first**2 / (before.count - 1) + second**2 / (after.count - 1))
    reach = _student(freedom) * sqrt(both)
    return difference - reach, difference + reach


def _student(freedom: float) -> float:
    """The 97.5 % quantile of Student's t, by its expansion in 1/freedom (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(0.975)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def _named(line: Line, name: str) -> str:
    value = line.get(BY[name])
    return "+".join(map(str, value)) if isinstance(value, list) else str(value or "-")


def _is_charged(line: Line) -> bool:
    return bool(_number(line, "outgate.charged.input_tokens") or _number(line, "outgate.charged.output_tokens"))


def _number(line: Line, name: str) -> int:
    value = line.get(name)
    return value if isinstance(value, int) else 0


def _dollars(line: Line, name: str) -> Decimal | None:
    """A finite cost; None where there is none, or something else stands there."""
    try:
        value = Decimal(line.get(name) or "nan")
    except (InvalidOperation, TypeError, ValueError):
        return None
    return value if value.is_finite() else None
