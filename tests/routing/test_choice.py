"""Targets in the order of price or latency; a tool loop measures its question, not what it has grown to."""

from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf
from outgate.routing.choice import Caller, Unfit, targets_for
from outgate.routing.targets import Alias, Found


class Market:
    prices = {"cheap": 1.0, "dear": 5.0}
    windows = {"cheap": 1000}
    waits = {"cheap": 2.0, "dear": 0.5}

    def window(self, provider, model):
        return self.windows.get(model)

    def dollars(self, provider, model, input_tokens, output_tokens):
        price = self.prices.get(model)
        return None if price is None else price * (input_tokens + output_tokens)

    def seconds(self, provider, model, *, streams):
        return self.waits.get(model, 0.0)


def found(*models, **options):
    return Found("m", Alias.model_validate({"targets": [{"provider": "p", "model": model} for model in models], **options}), ())


def models(alias, caller=None):
    result = targets_for(alias, caller or Caller(Principal(name="a")), Market(), lambda _: b"k" * 32)
    return result if isinstance(result, Unfit) else [target.model for target in result]


def talk(size, after=0):
    leaves = [Leaf(0, 0, "x" * size, Channel.USER, 0)]
    return Caller(Principal(name="a"), leaves=leaves + [Leaf(0, 0, "y" * after, Channel.TOOL_RESULT, 1)] * bool(after))


def test_targets_come_as_they_are_listed():
    assert ["dear", "cheap"] == models(found("dear", "cheap"))


def test_the_cheapest_comes_first_and_the_unpriced_last():
    assert ["cheap", "dear", "unknown"] == models(found("unknown", "dear", "cheap", prefer="cheapest"), talk(100))


def test_the_fastest_comes_first_and_the_unmeasured_is_tried():
    assert ["new", "dear", "cheap"] == models(found("cheap", "dear", "new", prefer="fastest"))


def test_a_window_that_genai_prices_knows_is_kept():
    alias = found("cheap", "unknown", fit=True)

    assert ["cheap", "unknown"] == models(alias, talk(1000))
    assert ["unknown"] == models(alias, talk(5000))
    assert ["unknown"] == models(alias, talk(1000)._replace(output_tokens=2000)), "the answer needs its place too"


def test_nothing_fits():
    assert Unfit("size") == models(found("cheap", fit=True), talk(5000))


def test_a_price_is_that_of_the_question():
    alias = found("dear", "cheap", prefer="cheapest")

    assert models(alias, talk(100)) == models(alias, talk(100, after=100_000))
