"""Prices per token in US dollars, and the exact cost of a usage; none where a price is unknown.

Prices come from the policy (per provider and model), else from the data bundled with genai-prices; nothing is ever fetched.
Only tokens are priced, at the provider's standard tier: hosted tools (web search), batch and priority tiers, and one-hour cache
writes (priced as five-minute ones: usage does not tell them apart) are outside these figures. A model that prices audio, images
or video apart from text has no cost here, because usage does not say how many tokens were which: None rather than wrong.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from outgate.dialects.registry import SPECS
from outgate.inference.usage import Usage

_MILLION = Decimal(1_000_000)
_TEXT_UNITS = {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"}
_OUTSIDE = {"cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount"}
_MOST_MODELS = 1024
_VENDORS = {"vertex": "google", **{spec.name: spec.vendor for spec in SPECS if spec.vendor}}
"""What genai-prices calls the providers that policies name so."""


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


class Prices:
    """Costs of requests. `wall` gives epoch seconds (prices change on dates). `overrides` are the policy's own prices by
    (provider, model); `vendors` maps a provider's name in the policy to its genai-prices id, where the two differ.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        overrides: Mapping[tuple[str, str], Price] | None = None,
        vendors: Mapping[str, str] | None = None,
    ) -> None:
        self._wall = wall
        self._overrides = dict(overrides or {})
        self._vendors = _VENDORS | dict(vendors or {})
        self._models: dict[tuple[str, str], Any] = {}
        self._fixed: dict[tuple[str, str], Price | None] = {}

    def under(self, overrides: Mapping[tuple[str, str], Price]) -> "Prices":
        """These prices, with those of one policy before them."""
        return Prices(self._wall, self._overrides | dict(overrides), self._vendors)

    def load(self) -> None:
        """Read the bundled data (0.5 s, 30 MB) now, in a thread at start, instead of at the first cost."""
        _bundled("", "")

    def cost(self, provider: str, model: str, usage: Usage) -> Decimal | None:
        """US dollars for these tokens; None where the model's price is unknown or a needed count was not reported."""
        price = self.price(provider, model)
        total, output = usage.input_tokens, usage.output_tokens or 0
        if price is None or total is None or (price.output is None and output):
            return None
        if price.output is not None and usage.output_tokens is None:
            return None
        cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
        plain = total - cached - written
        if min(plain, cached, written, output) < 0:
            return None
        dollars = price.input.at(total) * plain
        if cached:
            dollars += (price.cached or price.input).at(total) * cached
        if written:
            dollars += (price.cache_write or price.input).at(total) * written
        if price.output is not None:
            dollars += price.output.at(total) * output
        return dollars / _MILLION

    def price(self, provider: str, model: str) -> Price | None:
        """The price in force now, None where it is unknown."""
        key = (provider, model)
        override = self._overrides.get(key)
        if override is not None:
            return override
        if key in self._fixed:
            return self._fixed[key]
        if len(self._fixed) >= _MOST_MODELS or len(self._models) >= _MOST_MODELS:
            self._fixed.clear()
            self._models.clear()
        return self._look_up(key)

    def knows(self, provider: str, model: str) -> bool | None:
        """Whether the provider's price list, or the policy, has the model; None where there is no list of this provider."""
        if (provider, model) in self._overrides:
            return True
        vendor = self._vendors.get(provider, provider)
        return _bundled(vendor, model) is not None if _lists(vendor) else None

    def window(self, provider: str, model: str) -> int | None:
        """Tokens of its context window, None where they are unknown."""
        key = (provider, model)
        if key not in self._models:
            self._look_up(key)
        return getattr(self._models[key], "context_window", None)

    def _look_up(self, key: tuple[str, str]) -> Price | None:
        if key not in self._models:
            self._models[key] = _bundled(self._vendors.get(key[0], key[0]), key[1])
        model = self._models[key]
        now = datetime.fromtimestamp(self._wall(), UTC)
        price = None if model is None else _converted(model.get_prices(now).__dict__)
        if model is None or not isinstance(model.prices, list):
            self._fixed[key] = price
        return price


def _bundled(vendor: str, model: str) -> Any:
    """The genai-prices model of that vendor, None where there is none.

    The vendor's id must be the very one: genai-prices would also take `my-openai-clone` for OpenAI.
    """
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    for provider in snapshot.providers:
        if provider.id == vendor:
            return provider.find_model(model, all_providers=snapshot.providers)
    return None


def _lists(vendor: str) -> bool:
    from genai_prices.data_snapshot import get_snapshot

    return any(provider.id == vendor for provider in get_snapshot().providers)


def _converted(fields: Mapping[str, Any]) -> Price | None:
    given = {name: value for name, value in fields.items() if value is not None and name not in _OUTSIDE}
    if "input_mtok" not in given or not given.keys() <= _TEXT_UNITS:
        return None
    rates = {name: _rate(value) for name, value in given.items()}
    return Price(rates["input_mtok"], rates.get("output_mtok"), rates.get("cache_read_mtok"), rates.get("cache_write_mtok"))


def _rate(value: Any) -> Rate:
    if isinstance(value, Decimal):
        return Rate(value)
    return Rate(value.base, tuple((tier.start, tier.price) for tier in value.tiers))
