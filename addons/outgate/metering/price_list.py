"""The bundled list of prices and context windows: what genai-prices knows, in a form that is read in milliseconds.

`price_list.jsonl` is made from genai-prices (MIT, github.com/pydantic/genai-prices) by `scripts/fix`: a line per vendor and per
model. The package itself is a tool of development: imported at run time, it costs a second and 30 MB in every worker.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

FILE = Path(__file__).with_name("price_list.jsonl")
_COMPACT_DATE = re.compile(r"-(20\d\d)(\d\d)(\d\d)(?=[-:]|$)")


class Rate(NamedTuple):
    """US dollars per million tokens; `tiers` are (input tokens above which it applies, dollars), ascending."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()

    def at(self, input_tokens: int) -> Decimal:
        for start, dollars in reversed(self.tiers):
            if input_tokens > start:
                return dollars
        return self.base


class Price(NamedTuple):
    """What a model costs. A rate that is absent falls back to `input` for cached and written tokens; output without a rate has no
    price.
    """

    input: Rate
    output: Rate | None = None
    cached: Rate | None = None
    cache_write: Rate | None = None

    @classmethod
    def flat(
        cls, input_mtok: Decimal, output_mtok: Decimal, cached_mtok: Decimal | None = None, cache_write_mtok: Decimal | None = None
    ) -> "Price":
        """A price without tiers, US dollars per million tokens."""
        cached = None if cached_mtok is None else Rate(cached_mtok)
        return cls(Rate(input_mtok), Rate(output_mtok), cached, None if cache_write_mtok is None else Rate(cache_write_mtok))


class Listed(NamedTuple):
    """A model of the list: clauses of which one holds for its names, its context window in tokens, and its prices, each with when
    it is in force; the first that is counts.
    """

    clauses: Sequence[Any]
    window: int | None
    prices: Sequence[tuple[str | Sequence[str] | None, Sequence[Any] | None]]

    @property
    def fixed(self) -> bool:
        """Whether its price is the same at any time."""
        return len(self.prices) == 1

    def price(self, wall: float) -> Price | None:
        """The price at a time (epoch seconds), None where it is not one of text tokens alone."""
        now = datetime.fromtimestamp(wall, UTC)
        found = next((rates for when, rates in self.prices if _in_force(when, now)), self.prices[-1][1])
        if found is None:
            return None
        asked, *others = found
        return Price(_rate(asked), *(None if rate is None else _rate(rate) for rate in others))


class Vendor(NamedTuple):
    """Who sells models: the vendors that are asked where its own list has none, and its list."""

    others: Sequence[str]
    models: list[Listed]


def find(vendor: str, model: str) -> Listed | None:
    """The model of that vendor, None where there is none. The vendor's id must be the very one.

    A date written `-20251211` is also looked for as `-2025-12-11`, as genai-prices does.
    """
    known = _vendors().get(vendor)
    if known is None:
        return None
    name = model.lower()
    dashed = _dashed(name)
    return _match(known, name) or (_match(known, dashed) if dashed != name else None)


def lists(vendor: str) -> bool:
    """Whether the vendor has a list."""
    return vendor in _vendors()


@cache
def names() -> frozenset[str]:
    """Names of models of all vendors, without those that name their maker (`openai/…`) and beginnings of names."""
    found = (orjson.loads(line).get("model", "/") for line in FILE.read_bytes().splitlines())
    return frozenset(name for name in found if "/" not in name and name[-1].isalnum())


def load() -> None:
    """Read the file now instead of at the first price (10 ms)."""
    _vendors()


@cache
def _vendors() -> dict[str, Vendor]:
    vendors: dict[str, Vendor] = {}
    models: list[Listed] = []
    for line in FILE.read_bytes().splitlines():
        row = orjson.loads(line)
        if "vendor" in row:
            models = []
            vendors[row["vendor"]] = Vendor(row["others"], models)
        else:
            models.append(Listed(row["is"], row["window"], row["prices"]))
    return vendors


def _match(vendor: Vendor, name: str) -> Listed | None:
    asked = (vendor, *(_vendors()[other] for other in vendor.others))
    return next((model for one in asked for model in one.models if any(_holds(clause, name) for clause in model.clauses)), None)


def _holds(clause: Any, name: str) -> bool:
    """Whether a clause holds: a sign and a text, or a list of clauses that must all hold."""
    if isinstance(clause, list):
        return all(any(_holds(one, name) for one in each) for each in clause)
    sign, text = clause[0], clause[1:]
    match sign:
        case "=":
            return bool(name == text)
        case "^":
            return name.startswith(text)
        case "$":
            return name.endswith(text)
        case "*":
            return text in name
        case _:
            return re.search(text, name) is not None


def _dashed(name: str) -> str:
    return _COMPACT_DATE.sub(_with_dashes, name)


def _with_dashes(found: re.Match[str]) -> str:
    try:
        return f"-{date(*map(int, found.groups()))}"
    except ValueError:
        return found[0]


def _in_force(when: str | Sequence[str] | None, now: datetime) -> bool:
    """Always, from a date on (UTC), or between two times of every day (UTC), the second excluded."""
    if when is None:
        return True
    if isinstance(when, str):
        return now.date() >= date.fromisoformat(when)
    start, end = map(time.fromisoformat, when)
    at = now.time()
    return start <= at < end if start <= end else at >= start or at < end


def _rate(value: str | list[Any]) -> Rate:
    base, tiers = (value, []) if isinstance(value, str) else (value[0], value[1:])
    return Rate(Decimal(base), tuple((start, Decimal(dollars)) for start, dollars in tiers))
