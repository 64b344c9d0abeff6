"""The names a policy defines; what a stage's rule names beside them is a mistake, because such a rule covers nothing."""

from collections.abc import Iterator
from typing import Any

from outgate.errors import Problem
from outgate.policy.discover import nearest
from outgate.policy.source import Place, Source
from outgate.policy.validate import Validated

_WHO = {"workloads": "workload", "groups": "group"}
_WHERE = {"providers": "provider"}
_RULES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    *((stage, (rules, "*", field, "*"), what)
      for stage, rules in (("authorize", "allow"), ("authorize_model", "allow"), ("list_models", "offers"))
      for field, what in (_WHO | _WHERE).items()),
    ("model_map", ("models", "*", "*", "provider"), "provider"),
    ("model_map", ("default", "provider"), "provider"),
    ("token_budget", ("limits", "*", "workload"), "workload glob"),
)  # fmt: skip
"""Stage, the way to the name through its settings (`*` stands for every member), and what the name is a name of."""
_MODELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("model_map", ("models", "*", "*", "model")),
    ("model_map", ("default", "model")),
    ("authorize", ("allow", "*", "models", "*")),
    ("authorize_model", ("allow", "*", "models", "*")),
    ("list_models", ("offers", "*", "models", "*")),
    ("token_budget", ("limits", "*", "model")),
)
"""Where models are named; what is a pattern there names none."""
_UNKNOWN = {
    "stage": "E_UNKNOWN_STAGE",
    "provider": "E_UNKNOWN_PROVIDER",
    "workload": "E_UNKNOWN_WORKLOAD",
    "group": "E_UNKNOWN_GROUP",
}
_DEFINED = {"stage": "stages", "provider": "providers", "workload": "workloads", "group": "workloads.NAME.groups"}
_GLOB = frozenset("*?[")


class Known:
    """The names in the file, also those of sections that are broken otherwise. Groups are open where an issuer gives them."""

    def __init__(self, source: Source) -> None:
        data = source.data if isinstance(source.data, dict) else {}
        sections = data.get("workloads")
        groups = [each.get("groups") for each in sections.values() if isinstance(each, dict)] if isinstance(sections, dict) else []
        self._names = {
            "provider": frozenset(_names(data.get("providers"))),
            "workload": frozenset(_names(sections)),
            "group": frozenset(str(group) for several in groups if isinstance(several, list) for group in several),
        }
        self._groups_are_open = "groups_claim" in str(sections)
        self._source = source

    def check(self, what: str, name: str, place: Place) -> Iterator[Problem]:
        """The problem, where there is no such provider, workload or group."""
        names = self._names[what]
        if name not in names and not (what == "group" and self._groups_are_open):
            yield unknown(self._source, what, name, names, place)


def _names(section: Any) -> list[str]:
    return list(section) if isinstance(section, dict) else []


def unknown(source: Source, what: str, name: str, names: frozenset[str], place: Place) -> Problem:
    """The problem of a name that is not among `names`, and the nearest that is."""
    near = nearest(name, names)
    others = f"name one of: {', '.join(sorted(names))}" if names else f"none is defined: add it under `{_DEFINED[what]}`"
    repair = f"did you mean {near!r}?" if near else others
    return source.problem(_UNKNOWN[what], f"there is no {what} {name!r}", place, repair)


def rule_problems(known: Known, validated: Validated) -> Iterator[Problem]:
    """Every name in a stage's rules, in whatever scope, without its thing."""
    for stages, place in _scopes(validated):
        for stage, way, what in _RULES:
            for name, where in _along(stages.get(stage), way, (*place, stage)):
                if what != "workload glob":
                    yield from known.check(what, name, where)
                elif _GLOB.isdisjoint(name):
                    yield from known.check("workload", name, where)


def models_named(validated: Validated) -> frozenset[str]:
    """Every model that stands in the policy by its own name: in a stage's rules, or among the prices of a provider."""
    found = {model for provider in validated.policy.providers.values() for model in provider.prices}
    for stages, place in _scopes(validated):
        for stage, way in _MODELS:
            found.update(name for name, _ in _along(stages.get(stage), way, place) if _GLOB.isdisjoint(name))
    return frozenset(found)


def _scopes(validated: Validated) -> Iterator[tuple[dict[str, Any], Place]]:
    yield validated.policy.stages, ("stages",)
    for name, provider in validated.policy.providers.items():
        yield provider.stages, ("providers", name, "stages")
    for route, place in zip(validated.policy.routes, validated.route_places, strict=True):
        yield route.stages, (*place, "stages")


def _along(value: Any, way: tuple[str, ...], place: Place) -> Iterator[tuple[str, Place]]:
    """The strings at the end of the way; settings of another shape are judged by their stage."""
    if not way:
        if isinstance(value, str):
            yield value, place
        return
    step, rest = way[0], way[1:]
    if isinstance(value, dict):
        for key in value if step == "*" else {step} & value.keys():
            yield from _along(value[key], rest, (*place, key))
    elif isinstance(value, list) and step == "*":
        for index, each in enumerate(value):
            yield from _along(each, rest, (*place, index))
