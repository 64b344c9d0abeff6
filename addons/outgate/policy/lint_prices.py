"""Warn of models without a price at providers that have a price list: a misspelt name, or a cost that nobody will see.

For `outgate check` alone: the lists take half a second to read, and a policy that takes effect does not wait for them.
"""

from collections.abc import Iterator

from outgate.errors import Problem
from outgate.metering.prices import Prices
from outgate.policy.references import models_at
from outgate.policy.schema import PolicySection
from outgate.policy.source import Place, Source


def unpriced(source: Source, policy: PolicySection, prices: Prices) -> Iterator[Problem]:
    """A warning for each model that a map or a permission names in full, and that no provider it is for has a price of."""
    seen = set[tuple[str, tuple[str, ...]]]()
    for name, place in models_at(source):
        providers = tuple(_providers(source, policy, place))
        lacks = bool(providers) and all(_lacks(policy, prices, each, name) for each in providers)
        if lacks and (name, providers) not in seen:
            seen.add((name, providers))
            where = " or ".join(providers)
            message = f"no price is known of the model {name!r} at {where}: what it is asked has no cost"
            repair = f"is it spelt as {where} spells it? else write its price under `prices`"
            yield source.problem("W_NO_PRICE", message, place, repair)


def _providers(source: Source, policy: PolicySection, place: Place) -> Iterator[str]:
    """The providers for which a model is named there: that of a target of `model_map`, those of a permission."""
    target, rule = source.at(place[:-1]), source.at(place[:-2])
    if place[-1] == "model" and isinstance(target, dict):
        yield str(target.get("provider"))
    elif "authorize_model" in place and isinstance(rule, dict):
        yield from rule.get("providers") or policy.providers


def _lacks(policy: PolicySection, prices: Prices, provider: str, model: str) -> bool:
    """Whether a provider sells models, but none of this name. One of the operator's own sells nothing."""
    known = policy.providers.get(provider)
    return known is not None and not known.is_inside and "{" not in model and prices.knows(provider, model) is False
