"""Write the gateway's list of prices from genai-prices, and compare.

Only prices of text tokens at the standard tier are kept. A model that has others (audio, images, pages) has no price there.
`PYTHONPATH=tests python tests/support/prices.py --write` writes it; `tests/metering/test_price_list.py` compares.
"""

import sys
from collections.abc import Iterator
from typing import Any

import orjson
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    StartDateConstraint,
    TimeOfDateConstraint,
)

from outgate.metering.price_list import FILE

_UNITS = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
_OUTSIDE = {"cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount"}
"""Units that are outside the gateway's figures; a price that has them beside those of text counts without them."""


def lines() -> Iterator[bytes]:
    """The file, line by line."""
    providers = get_snapshot().providers
    known = {provider.id for provider in providers}
    for provider in providers:
        others = [other for other in provider.fallback_model_providers or () if other in known]
        yield orjson.dumps({"vendor": provider.id, "others": others})
        for model in provider.models:
            row = {"model": model.id, "is": _clauses(model.match), "window": model.context_window, "prices": _prices(model.prices)}
            yield orjson.dumps(row)


def content() -> bytes:
    return b"\n".join(lines()) + b"\n"


def _clauses(match: Any) -> list[Any]:
    """Clauses of which one must hold."""
    match match:
        case ClauseOr():
            return [clause for each in match.or_ for clause in _clauses(each)]
        case ClauseAnd():
            return [[_clauses(each) for each in match.and_]]
        case ClauseEquals():
            return ["=" + match.equals.lower()]
        case ClauseStartsWith():
            return ["^" + match.starts_with.lower()]
        case ClauseEndsWith():
            return ["$" + match.ends_with.lower()]
        case ClauseContains():
            return ["*" + match.contains.lower()]
        case ClauseRegex():
            return ["~" + match.regex]
    raise TypeError(type(match).__name__)


def _prices(prices: Any) -> list[Any]:
    """From when on, and the rates; what takes precedence first, and the first of the list, which holds for all else, last."""
    if not isinstance(prices, list):
        return [[None, _rates(prices)]]
    rows = [[_when(each.constraint), _rates(each.prices)] for each in reversed(prices)]
    return rows if rows[-1][0] is None else [*rows, [None, rows[-1][1]]]


def _when(constraint: Any) -> Any:
    match constraint:
        case None:
            return None
        case StartDateConstraint():
            return constraint.start_date.isoformat()
        case TimeOfDateConstraint():
            return [_utc(constraint.start_time), _utc(constraint.end_time)]
    raise TypeError(type(constraint).__name__)


def _utc(at: Any) -> str:
    assert at.tzinfo is None or not at.utcoffset()
    return at.replace(tzinfo=None).isoformat()


def _rates(prices: Any) -> Any:
    given = {name: value for name, value in prices.__dict__.items() if value is not None and name not in _OUTSIDE}
    if "input_mtok" not in given or not given.keys() <= set(_UNITS):
        return None
    return [_rate(given.get(unit)) for unit in _UNITS]


def _rate(value: Any) -> Any:
    if value is None or not hasattr(value, "tiers"):
        return None if value is None else str(value)
    return [str(value.base), *([tier.start, str(tier.price)] for tier in value.tiers)]


if __name__ == "__main__" and "--write" in sys.argv:
    FILE.write_bytes(content())
