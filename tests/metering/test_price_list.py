import subprocess
import sys
from datetime import UTC, datetime

import pytest
from genai_prices.data_snapshot import get_snapshot

from outgate.metering import price_list
from outgate.metering.price_list import Price, Rate
from support.prices import content

PROVIDERS = get_snapshot().providers
TIMES = (1_700_000_000.0, 1_748_000_000.0, 1_795_000_000.0, 1_795_040_000.0)
UNITS = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
OUTSIDE = {"cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount"}


def names(models):
    """Names that callers use: the ids as they are, with dates of both forms, in capitals, with something before and behind."""
    for model in models:
        yield from (model.id, model.id.upper(), f"{model.id}-20251211", f"{model.id}-2025-12-11", f"x/{model.id}", f"{model.id}x")
    yield from ("no-such-model", "", "gpt-20259999", "claude-3-5-sonnet-20241022-v2:0")


def rate(value):
    if value is None or not hasattr(value, "tiers"):
        return None if value is None else Rate(value)
    return Rate(value.base, tuple((tier.start, tier.price) for tier in value.tiers))


def expected(model, wall):
    given = {
        unit: value
        for unit, value in model.get_prices(datetime.fromtimestamp(wall, UTC)).__dict__.items()
        if value is not None and unit not in OUTSIDE
    }
    if "input_mtok" not in given or not given.keys() <= set(UNITS):
        return None
    return Price(*(rate(given.get(unit)) for unit in UNITS))


def test_the_file_is_what_genai_prices_says_now():
    assert price_list.FILE.read_bytes() == content(), "run scripts/fix"


@pytest.mark.exhaustive
@pytest.mark.parametrize("provider", PROVIDERS, ids=[provider.id for provider in PROVIDERS])
def test_every_name_has_the_model_the_window_and_the_price_of_genai_prices_at_any_time(provider):
    for name in names(provider.models):
        theirs, ours = provider.find_model(name, all_providers=PROVIDERS), price_list.find(provider.id, name)
        assert (theirs is None) == (ours is None), name
        if theirs is not None and ours is not None:
            assert theirs.context_window == ours.window, name
            for wall in TIMES:
                assert expected(theirs, wall) == ours.price(wall), (name, wall)


def test_only_a_vendor_of_that_very_id_has_a_list():
    assert price_list.lists("openai")
    assert not price_list.lists("my-openai-clone")
    assert price_list.find("my-openai-clone", "gpt-4o") is None


def test_the_gateway_never_imports_the_package():
    program = "import outgate.server.worker, sys; from outgate.metering.prices import Prices; Prices(lambda: 0.0).load()"
    loaded = subprocess.run(
        [sys.executable, "-c", program + "; print('genai_prices' in sys.modules)"], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "False"
