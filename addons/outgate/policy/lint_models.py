"""Find names of models that a route takes, or gives, and that its `model_map` does not know."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from outgate.dialects.registry import asked_in, operations_of
from outgate.errors import Problem
from outgate.inference.operation import Kind, Operation
from outgate.net.patterns import covers
from outgate.policy.schema import PolicySection, RouteSection
from outgate.policy.scopes import Placed
from outgate.policy.source import Place, Source
from outgate.policy.stage_types import stage_type
from outgate.policy.validation_messages import nearest

NAMING_A_MODEL = frozenset({Kind.CHAT, Kind.COUNT_TOKENS, Kind.EMBEDDINGS, Kind.TEXT})
"""Kinds of work whose requests name a model that `model_map` may send elsewhere."""


def unknown_aliases(source: Source, stages: Mapping[str, Placed]) -> Iterator[Problem]:
    """Names that `route` would choose and `model_map` refuse, or pass on although an alias is spelt much like them."""
    placed, mapped = stages.get("route"), stages.get("model_map")
    if placed is None:
        return
    known = aliases(mapped)
    if known is None:
        yield from _misspelt(source, placed, frozenset(_settings(mapped).get("models", ())))
        return
    for place, name in _chosen(placed.settings, placed.place):
        if not any(covers((alias,), name) for alias in known):
            near = nearest(name, known)
            message = f"`route` chooses {name!r}, which is no alias of `model_map`"
            repair = (
                f"did you mean {near!r}?"
                if near
                else f"add it under `models` of `model_map`; it knows {', '.join(sorted(known)) or 'none'}"
            )
            yield source.problem("E_UNKNOWN_ALIAS", message, place, repair, ("route",))


def _misspelt(source: Source, placed: Placed, aliases: frozenset[str]) -> Iterator[Problem]:
    """Names that pass through a `model_map`, and are probably one of its aliases."""
    for place, name in _chosen(placed.settings, placed.place):
        near = nearest(name, aliases)
        if near and not any(covers((alias,), name) for alias in aliases):
            message = f"`route` chooses {name!r}, which is no alias of `model_map` and goes to the provider as it is"
            yield source.problem("W_NEAR_ALIAS", message, place, f"did you mean {near!r}?", ("route",))


def _chosen(settings: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, str]]:
    """The names that settings of `route` choose, with their places."""
    for index, rule in enumerate(settings["rules"]):
        at = (*place, "rules", index)
        if "to" in rule:
            yield (*at, "to"), rule["to"]
        for name in rule.get("semantic", {}).get("names", ()):
            yield (*at, "semantic", "names", name), name
        for end in ("hard", "easy"):
            if "difficulty" in rule:
                yield (*at, "difficulty", end), rule["difficulty"][end]
    if isinstance(settings.get("on_error"), dict):
        yield (*place, "on_error", "to"), settings["on_error"]["to"]


def refused_models(
    source: Source, route: RouteSection, placed: Placed | None, kinds: frozenset[Kind], place: Place
) -> Iterator[Problem]:
    """Names that the route takes and its `model_map` refuses (404 `model_not_found`)."""
    known = aliases(placed)
    if placed is None or known is None or not kinds & NAMING_A_MODEL:
        return
    if not known:
        message = f"the route {route.name!r} refuses every model: its `model_map` knows none"
        repair = "set `passthrough: true` under `model_map`, or name models there"
        yield source.problem("W_MODEL_REFUSED", message, placed.place or place, repair, ("model_map",))
        return
    for index, pattern in enumerate(route.match.models):
        if not any(covers((pattern,), alias) or covers((alias,), pattern) for alias in known):
            message = f"the route {route.name!r} takes the model {pattern!r} and refuses it: its `model_map` knows no such name"
            repair = f"it knows {', '.join(sorted(known))}; add the name, or set `passthrough: true`"
            yield source.problem("W_MODEL_REFUSED", message, (*place, "match", "models", index), repair, ("model_map",))


def untranslatable(
    source: Source, policy: PolicySection, route: RouteSection, placed: Placed | None, kinds: frozenset[Kind]
) -> Iterator[Problem]:
    """Targets that no conversation of the route can reach: they speak another dialect, and nothing translates. A map may be shared
    with routes of embeddings, whose callers ask for none of these names.
    """
    addressed = [name for name in route.match.destinations or policy.providers if name in policy.providers]
    spoken = dict.fromkeys(policy.providers[name].dialect for name in addressed)
    known = [Operation(api, kind) for each in spoken for api, kind in operations_of(each)]
    asked = [operation for operation in known if operation.kind is Kind.CHAT and operation.kind in kinds]
    for place, name in targets_of(placed):
        target = policy.providers.get(name)
        if target is None or not asked or any(asked_in(target.dialect, target.translation.apis, each) for each in asked):
            continue
        message = f"the route {route.name!r} maps a model to {name!r}, which speaks {target.dialect}: nothing translates to that"
        repair = "map the model to a provider of the same dialect, or of one that is translated (docs/translation.md)"
        yield source.problem("E_UNTRANSLATABLE", message, place, repair, ("model_map",))


def targets_of(placed: Placed | None) -> Iterator[tuple[Place, str]]:
    """The providers of a `model_map`, with the places of their aliases."""
    for alias, mapped in _settings(placed).get("models", {}).items():
        for target in mapped["targets"] if isinstance(mapped, dict) else mapped:
            yield (*(placed.place if placed else ()), "models", alias), target["provider"]


def aliases(placed: Placed | None) -> frozenset[str] | None:
    """The names that a `model_map` knows; None where it takes any, or has settings that are wrong."""
    settings = _settings(placed)
    return None if not settings or settings["passthrough"] or settings["default"] else frozenset(settings["models"])


def _settings(placed: Placed | None) -> dict[str, Any]:
    """All settings of a `model_map`; empty where there is none, or where they are wrong."""
    if placed is None:
        return {}
    try:
        return stage_type("model_map").settings_type.model_validate(dict(placed.settings)).model_dump()
    except ValidationError:
        return {}
