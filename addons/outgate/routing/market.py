"""Compare targets by price and context window (genai-prices and the policy) and by latency at this worker."""

from outgate.inference.usage import Usage
from outgate.metering.prices import Prices
from outgate.routing.latency import Latencies


class Measures:
    """Prices and latencies as one port of `choice`."""

    def __init__(self, prices: Prices, latencies: Latencies) -> None:
        self._prices = prices
        self.seconds = latencies.seconds
        self.window = prices.window

    def dollars(self, provider: str, model: str, input_tokens: int, output_tokens: int) -> float | None:
        cost = self._prices.cost(provider, model, Usage(input_tokens=input_tokens, output_tokens=output_tokens))
        return None if cost is None else float(cost)
