from decimal import Decimal

from outgate.metering.price_list import Price
from outgate.metering.prices import Prices
from outgate.routing.latency import Latencies
from outgate.routing.market import Measures


def test_prices_and_windows_come_from_the_policy_and_from_genai_prices():
    own = {("house", "big"): Price.flat(Decimal(1), Decimal(2))}
    measures = Measures(Prices(lambda: 1.8e9, own), Latencies(lambda: 0.0))

    assert 3e-6 == measures.dollars("house", "big", 1, 1)
    assert measures.dollars("house", "unknown", 1, 1) is None
    assert measures.dollars("openai", "gpt-4o-mini", 1000, 1000) > 0
    assert 128_000 == measures.window("openai", "gpt-4o-mini")
    assert measures.window("house", "big") is None
