from decimal import Decimal

import pytest
from genai_prices import Usage as BundledUsage
from genai_prices import calc_price

from outgate.inference.usage import Usage
from outgate.metering.price_list import Price
from outgate.metering.prices import Prices

NOW = 1_795_000_000.0
BEFORE_O3_CUT = 1_748_000_000.0


def prices(**given):
    return Prices(lambda: NOW, **given)


def test_a_plain_request_costs_what_the_price_list_says():
    cost = prices().cost("openai", "gpt-4o-mini", Usage(input_tokens=1_000_000, output_tokens=500_000))

    assert Decimal("0.45") == cost


def test_cached_tokens_are_part_of_the_input_and_cost_less():
    cost = prices().cost("openai", "gpt-4o-mini", Usage(input_tokens=1_000_000, output_tokens=0, cached_tokens=1_000_000))

    assert Decimal("0.075") == cost


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("openai", "gpt-5.2"),
        ("openai", "o3"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-opus-4-8"),
        ("anthropic", "claude-haiku-4-5-20251001"),
    ],
)
@pytest.mark.parametrize("size", [0, 1, 1_000, 200_000, 200_001, 900_000])
@pytest.mark.parametrize("cached", [0, 3])
@pytest.mark.parametrize("written", [0, 2])
def test_agrees_with_genai_prices_to_the_last_digit(provider, model, size, cached, written):
    total = size + cached + written
    counts = {"input_tokens": total, "output_tokens": 77}
    expected = calc_price(
        BundledUsage(**counts, cache_read_tokens=cached, cache_write_tokens=written), model, provider_id=provider
    ).total_price

    cost = prices().cost(provider, model, Usage(**counts, cached_tokens=cached, cache_write_tokens=written))

    assert expected == cost


def test_the_price_in_force_is_the_one_of_the_day():
    usage = Usage(input_tokens=1_000_000, output_tokens=0)

    assert Decimal(10) == Prices(lambda: BEFORE_O3_CUT).cost("openai", "o3", usage)
    assert Decimal(2) == prices().cost("openai", "o3", usage)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "no-such-model"),
        ("nobody", "gpt-4o"),
        ("my-openai-clone", "gpt-4o"),
        ("openai", "gpt-audio"),
    ],
)
def test_an_unknown_or_ambiguous_price_is_none(provider, model):
    assert prices().cost(provider, model, Usage(input_tokens=10, output_tokens=10)) is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(input_tokens=10),
        Usage(output_tokens=10),
        Usage(input_tokens=10, output_tokens=1, cached_tokens=11),
        Usage(input_tokens=10, output_tokens=-1),
    ],
)
def test_a_missing_or_impossible_count_is_none(usage):
    assert prices().cost("openai", "gpt-4o", usage) is None


def test_embeddings_have_no_output_to_price():
    cost = prices().cost("openai", "text-embedding-3-small", Usage(input_tokens=1_000_000))

    assert Decimal("0.02") == cost


def test_output_without_a_price_is_none():
    assert prices().cost("openai", "text-embedding-3-small", Usage(input_tokens=1, output_tokens=1)) is None


def test_the_policy_overrides_one_provider_only():
    own = prices(overrides={("local", "gpt-4o"): Price.flat(Decimal(1), Decimal(2), Decimal("0.5"), Decimal(3))})
    usage = Usage(input_tokens=3_000_000, output_tokens=1_000_000, cached_tokens=1_000_000, cache_write_tokens=1_000_000)

    assert Decimal("6.5") == own.cost("local", "gpt-4o", usage)
    assert Decimal("2.5") == own.cost("openai", "gpt-4o", Usage(input_tokens=1_000_000, output_tokens=0))


def test_an_override_without_cache_prices_charges_cached_tokens_as_input():
    own = prices(overrides={("local", "m"): Price.flat(Decimal(1), Decimal(2))})

    assert Decimal(1) == own.cost("local", "m", Usage(input_tokens=1_000_000, output_tokens=0, cached_tokens=600_000))


@pytest.mark.parametrize(
    ("provider", "model"),
    [("gemini", "gemini-2.5-pro"), ("vertex", "gemini-2.5-pro"), ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0")],
)
def test_clouds_have_prices_under_their_usual_names(provider, model):
    assert prices().cost(provider, model, Usage(input_tokens=1_000_000, output_tokens=0)) > 1


def test_a_provider_under_another_name_is_priced_as_its_vendor():
    cost = prices(vendors={"openai-eu": "openai"}).cost("openai-eu", "gpt-4o-mini", Usage(input_tokens=1_000_000, output_tokens=0))

    assert Decimal("0.15") == cost


def test_the_model_table_is_bounded_whatever_names_arrive():
    own = prices()
    for number in range(3000):
        own.cost("openai", f"model-{number}", Usage(input_tokens=1, output_tokens=1))

    assert len(own._fixed) <= 1024
    assert len(own._models) <= 1024
