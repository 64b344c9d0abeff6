from decimal import Decimal
from types import SimpleNamespace

from outgate.inference.usage import Usage
from outgate.metering.charge import Basis, Charge
from outgate.metering.cost import costs_of
from outgate.metering.price_list import Price, Rate
from outgate.metering.prices import Prices

MILLION = 1_000_000
CHEAP, DEAR = ("p", "cheap"), ("q", "dear")
PRICES = Prices(
    lambda: 0.0,
    overrides={
        CHEAP: Price.flat(Decimal(1), Decimal(2), cached_mtok=Decimal("0.1")),
        DEAR: Price(Rate(Decimal(10), ((1_500_000, Decimal(20)),)), Rate(Decimal(100))),
    },
)


def tried(name=CHEAP, *, status=None):
    return SimpleNamespace(status=status, provider=name[0], model=name[1], credential=None)


def test_a_lost_attempt_has_the_price_of_the_model_that_it_asked_for():
    usage = Usage(input_tokens=MILLION, output_tokens=0)
    charge = Charge(2 * MILLION, MILLION, Basis.HOLD, ((MILLION, MILLION), (MILLION, 0)))

    found = costs_of(PRICES, CHEAP, usage, charge, [tried(DEAR), tried(status=200)])

    assert {Basis.HOLD: Decimal(110), Basis.REPORTED: Decimal(1)} == found


def test_each_attempt_is_a_request_of_its_own_where_prices_rise_with_the_input():
    charge = Charge(2 * MILLION, 2, Basis.HOLD, ((MILLION, 1), (MILLION, 1)))

    assert Decimal("20.0002") == costs_of(PRICES, DEAR, None, charge, [tried(DEAR), tried(DEAR)])[Basis.HOLD]


def test_cached_tokens_keep_their_price():
    usage = Usage(input_tokens=MILLION, output_tokens=0, cached_tokens=MILLION)

    assert {Basis.REPORTED: Decimal("0.1")} == costs_of(PRICES, CHEAP, usage, Charge(MILLION, 0, Basis.REPORTED), [])


def test_an_answer_that_is_reported_to_be_free_costs_nothing_and_is_priced():
    assert {Basis.REPORTED: 0} == costs_of(PRICES, CHEAP, Usage(input_tokens=0, output_tokens=0), Charge(0, 0, Basis.REPORTED), [])
