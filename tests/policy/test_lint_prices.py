"""A model without a price is told at providers that have a price list, and nowhere else."""

import pytest

from outgate.metering.prices import Prices
from outgate.policy.lint_prices import unpriced
from outgate.policy.source import parse_source
from outgate.policy.validate import validate
from outgate.policy.values import prices_of

POLICY = """version: 1
providers:
  openai: {host: api.openai.com, PROVIDER}
  cluster: {host: llm.test, allow_addresses: [10.0.0.0/8]}
stages:
  model_map: {models: {fast: [{provider: TARGET, model: MODEL}]}}
  authorize_model: {allow: [RULE]}
"""


def told(model="gpt-4o", rule="{}", target="openai", provider="port: 443"):
    text = POLICY.replace("MODEL", model).replace("RULE", rule).replace("TARGET", target).replace("PROVIDER", provider)
    source = parse_source(text, "p.yaml")
    policy = validate(source)[0].policy
    prices = Prices(lambda: 0.0, prices_of(policy))
    return [(each.code, each.message.split("'")[1], each.line) for each in unpriced(source, policy, prices)]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"model": "gtp-4o"}, [("W_NO_PRICE", "gtp-4o", 6)]),
        ({"model": "gtp-4o", "target": "cluster"}, []),
        ({"model": "gtp-4o", "provider": "prices: {gtp-4o: {input: 1, output: 2}}"}, []),
        ({"model": "gtp-4o", "provider": "allow_addresses: [10.0.0.0/8]"}, []),
        ({"model": '"gpt-{1}"'}, []),
        ({"rule": "{models: [gpt-4o, gtp-4o], providers: [openai]}"}, [("W_NO_PRICE", "gtp-4o", 7)]),
        ({"rule": "{models: [large]}"}, []),
        ({"rule": '{models: ["gtp-*"], providers: [openai]}'}, []),
        ({"model": "gtp-4o", "rule": "{models: [gtp-4o], providers: [openai]}"}, [("W_NO_PRICE", "gtp-4o", 6)]),
    ],
)
def test_a_model_that_its_seller_does_not_list_is_told(changes, found):
    assert found == told(**changes)
