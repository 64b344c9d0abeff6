"""Prices per token in US dollars, and the exact cost of a usage; none where a price is unknown.

Prices come from the policy (per provider and model), else from the list bundled with the gateway; nothing is ever fetched.
Only tokens are priced, at the provider's standard tier: hosted tools (web search), batch and priority tiers, and one-hour cache
writes (priced as five-minute ones: usage does not tell them apart) are outside these figures. A model that prices audio, images
or video apart from text has no cost here, because usage does not say how many tokens were which: None rather than wrong.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from outgate.dialects.registry import SPECS
from outgate.inference.usage import Usage
from outgate.metering import price_list
from outgate.metering.price_list import Listed, Price

_MILLION = Decimal(1_000_000)
_MOST_MODELS = 1024
_VENDORS = {"vertex": "google", **{spec.name: spec.vendor for spec in SPECS if spec.vendor}}
"""What the list calls the providers that policies name so."""


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
        self._models: dict[tuple[str, str], Listed | None] = {}
        self._fixed: dict[tuple[str, str], Price | None] = {}

    def under(self, overrides: Mapping[tuple[str, str], Price]) -> "Prices":
        """These prices, with those of one policy before them."""
        return Prices(self._wall, self._overrides | dict(overrides), self._vendors)

    def load(self) -> None:
        """Read the bundled list now instead of at the first cost."""
        price_list.load()

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
        return price_list.find(vendor, model) is not None if price_list.lists(vendor) else None

    def window(self, provider: str, model: str) -> int | None:
        """Tokens of its context window, None where they are unknown."""
        key = (provider, model)
        if key not in self._models:
            self._look_up(key)
        listed = self._models[key]
        return listed.window if listed is not None else None

    def _look_up(self, key: tuple[str, str]) -> Price | None:
        if key not in self._models:
            self._models[key] = price_list.find(self._vendors.get(key[0], key[0]), key[1])
        listed = self._models[key]
        price = listed.price(self._wall()) if listed is not None else None
        if listed is None or listed.fixed:
            self._fixed[key] = price
        return price
