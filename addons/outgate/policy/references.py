"""Check that what a policy names exists (stages, providers, workloads, groups, files) and that every route can be reached.

Names are found by the types of settings (`inference/names.py`), those of stages included, in the file as it is written: a section
that is broken otherwise still defines its name.
"""

import re
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from outgate.errors import Problem
from outgate.inference.names import NameOf, StageName
from outgate.policy import misplaced_keys
from outgate.policy.files import named_files
from outgate.policy.schema import MatchSection, PolicySection, RouteSection
from outgate.policy.source import Place, Source
from outgate.policy.stage_types import RENAMED, stage_names, stage_type
from outgate.policy.validate import Validated, looks_secret
from outgate.policy.validation_messages import nearest

_CODES = {
    "stage": "E_UNKNOWN_STAGE",
    "provider": "E_UNKNOWN_PROVIDER",
    "workload": "E_UNKNOWN_WORKLOAD",
    "group": "E_UNKNOWN_GROUP",
}
_DEFINED = {"provider": "providers", "workload": "workloads", "group": "workloads.NAME.groups"}
_PATTERN = frozenset("*?[")


_ALLOWING = frozenset({"authorize", "authorize_model"})
_BROAD = re.compile(r"[*/]*")


class Reference(NamedTuple):
    """A name, what it is a name of, and where it stands; or a pattern of names."""

    thing: str
    name: str
    place: Place
    pattern: bool = False


def reference_problems(source: Source, validated: Validated, *, elsewhere: bool = False) -> Iterator[Problem]:
    """Every name without its thing. `elsewhere`: files may be missing on this machine."""
    yield from _files(source, named_files(validated), "W_MISSING_FILE" if elsewhere else "E_MISSING_FILE")
    yield from _files(source, _credential_files(validated), "W_MISSING_FILE")  # it may be mounted later, and is read when used
    yield from _unknown(source)
    yield from _routes(source, validated)


def models_named(source: Source) -> frozenset[str]:
    """Every model that stands in the policy by its own name: in a stage's rules, or among the prices of a provider."""
    return frozenset(name for name, _ in models_at(source))


def models_at(source: Source) -> Iterator[tuple[str, Place]]:
    """The same models, each at every place where it stands."""
    names = _names(PolicySection, source.data, ())
    yield from ((each.name, each.place) for each in names if each.thing == "model" and not each.pattern)


def models_allowed(source: Source) -> tuple[str, ...]:
    """Every name and pattern of models in a permission, but for those that say nothing of the name, `**` for example."""
    rules = [each for each in _names(PolicySection, source.data, ()) if each.thing == "model" and _ALLOWING & set(each.place)]
    return tuple(sorted({each.name for each in rules if not _BROAD.fullmatch(each.name)}))


def _unknown(source: Source) -> Iterator[Problem]:
    known = _defined(source.data) | {"stage": stage_names()}
    for thing, name, place, pattern in dict.fromkeys(_names(PolicySection, source.data, ())):
        names = known.get(thing)
        if pattern or names is None or name in names or looks_secret(name):  # which is told already, without showing it
            continue
        repair = _stage_repair(name, place) if thing == "stage" else _repair(thing, name, names)
        yield source.problem(_CODES[thing], f"there is no {thing} {name!r}", place, repair)


def _repair(thing: str, name: str, names: frozenset[str]) -> str:
    if near := nearest(name, names):
        return f"did you mean {near!r}?"
    return f"name one of: {', '.join(sorted(names))}" if names else f"none is defined: add it under `{_DEFINED[thing]}`"


def _stage_repair(name: str, place: Place) -> str:
    """A key under `stages` may be one of another place; in a list there are names alone."""
    if name in RENAMED:
        return f"did you mean {RENAMED[name]!r}?"
    return misplaced_keys.repair(name, place[:-1], stage_names()) if place[-1] == name else _repair("stage", name, stage_names())


def _defined(data: Any) -> dict[str, frozenset[str]]:
    """The names that may be referred to; those of groups are not known where an issuer gives them."""
    providers, workloads = _section(data, "providers"), _section(data, "workloads")
    names = {"provider": frozenset(providers), "workload": frozenset(workloads)}
    if "groups_claim" in str(workloads):
        return names
    groups = [each.get("groups") for each in workloads.values() if isinstance(each, dict)]
    return names | {"group": frozenset(str(group) for each in groups if isinstance(each, list) for group in each)}


def _section(data: Any, name: str) -> dict[str, Any]:
    section = data.get(name) if isinstance(data, dict) else None
    return section if isinstance(section, dict) else {}


def _names(kind: Any, value: Any, place: Place) -> Iterator[Reference]:
    """The names in a value, found by its type; settings of another shape are judged by their model."""
    if isinstance(kind, typing.TypeAliasType):
        yield from _names(kind.__value__, value, place)
        return
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        marks = [each for each in inner[1:] if isinstance(each, NameOf)]
        if not marks:
            yield from _names(inner[0], value, place)
        elif isinstance(value, str):
            yield Reference(marks[0].thing, value, place, marks[0].pattern and bool(_PATTERN.intersection(value)))
    elif origin in (typing.Union, types.UnionType):
        plain = any(value in typing.get_args(branch) for branch in inner if typing.get_origin(branch) is typing.Literal)
        yield from (name for branch in inner for name in _names(branch, value, place) if not plain)
    elif isinstance(value, list) and origin in (tuple, list, frozenset):
        yield from (name for index, each in enumerate(value) for name in _names(inner[0], each, (*place, index)))
    elif isinstance(value, dict):
        yield from _names_in_mapping(kind, inner, value, place)


def _names_in_mapping(kind: Any, inner: tuple[Any, ...], value: dict[str, Any], place: Place) -> Iterator[Reference]:
    fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}
    for key, each in value.items():
        where = (*place, key)
        if key in fields:
            yield from _names(fields[key].annotation, each, where)
        elif inner[1:]:
            yield from _names(inner[0], key, where)
            settings = stage_type(key).settings_type if inner[0] is StageName and key in stage_names() else inner[1]
            yield from _names(settings, each, where)


def _files(source: Source, named: Iterable[tuple[Place, str]], code: str) -> Iterator[Problem]:
    folder = Path(source.file).parent
    for place, name in named:
        if name and not (folder / name).is_file():
            yield source.problem(
                code,
                f"{'.'.join(map(str, place))}: there is no file {name}",
                place,
                "write the path from this policy's folder; with `--elsewhere`, files of another machine may be missing",
            )


def _credential_files(validated: Validated) -> Iterator[tuple[Place, str]]:
    for name, provider in validated.policy.providers.items():
        if provider.credential is not None:
            yield ("providers", name, "credential", "file"), provider.credential.file
        for own, held in provider.placeholders.items():
            yield ("providers", name, "placeholders", own, "credential", "file"), held.credential.file


def _routes(source: Source, validated: Validated) -> Iterator[Problem]:
    if isinstance(source.data, dict) and not source.data.get("routes"):
        message = "there is no route: every request would be denied"
        yield source.problem("W_NO_ROUTES", message, ("routes",), "add one under `routes`, `- name: all` for example")
    seen: list[RouteSection] = []
    for route, place in zip(validated.policy.routes, validated.route_places, strict=True):
        if any(route.name == other.name for other in seen):
            yield source.problem(
                "W_ROUTE_TWICE", f"two routes are named {route.name!r}", (*place, "name"), "rename one: metrics tell routes by name"
            )
        shadow = next((other for other in seen if _takes_all(other.match, route.match)), None)
        if shadow is not None:
            message = f"the route {route.name!r} is never reached: {shadow.name!r} before it takes all its requests"
            yield source.problem("W_ROUTE_UNREACHABLE", message, place, "put the narrower route first, or remove one")
        seen.append(route)


def _takes_all(first: MatchSection, second: MatchSection) -> bool:
    """Whether `first` certainly matches whatever `second` matches."""
    ours, theirs = first.model_dump(), second.model_dump()
    patterns = ("paths", "models")
    return all(
        not mine
        or ("**" in mine and field in patterns and field != "models")
        or (theirs[field] and set(theirs[field]) <= set(mine))
        for field, mine in ours.items()
    )
