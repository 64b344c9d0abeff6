"""Refuse a route that could send outside its regions: where it is addressed, what it maps to or falls back on, what stages ask."""

from collections.abc import Iterator, Mapping
from typing import Any

from outgate.errors import Problem
from outgate.inference.operation import Kind
from outgate.policy.lint_models import NAMING_A_MODEL, aliases
from outgate.policy.schema import PolicySection, RouteSection
from outgate.policy.scopes import Placed
from outgate.policy.source import Source


def outside(
    source: Source, policy: PolicySection, route: RouteSection, addressed: str, stages: Mapping[str, Placed], kinds: frozenset[Kind]
) -> Iterator[Problem]:
    """An error for each provider of another region, or of none, that requests addressed to this one may reach."""
    if not route.regions:
        return
    reached = [(placed.place, name) for placed in stages.values() for name in _named(placed.settings)]
    if _is_asked_itself(stages, kinds):
        reached.append((("providers", addressed), addressed))
    for place, name in dict.fromkeys(reached):
        if name in policy.providers and policy.providers[name].region not in route.regions:
            region = policy.providers[name].region or "none"
            message = (
                f"the route {route.name!r} may send to {name!r}, whose region is {region}; it allows {', '.join(route.regions)}"
            )
            yield source.problem(
                "E_REGION", message, place, f"take {name!r} off this route, or say where it is: `region`", ("regions",)
            )


def _is_asked_itself(stages: Mapping[str, Placed], kinds: frozenset[Kind]) -> bool:
    """Whether a request may go where it is addressed: not where every model is mapped, and nothing but models is asked for."""
    unmapped = kinds - NAMING_A_MODEL - ({Kind.MODELS} if "list_models" in stages else set())
    return bool(unmapped) or aliases(stages.get("model_map")) is None


def _named(settings: Any) -> Iterator[str]:
    """The providers that settings name as places to ask."""
    for key, value in settings.items() if isinstance(settings, Mapping) else ():
        if key == "provider" and isinstance(value, str):
            yield value
        else:
            yield from _named(value)
    for each in settings if isinstance(settings, list | tuple) else ():
        yield from _named(each)
