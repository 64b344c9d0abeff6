"""Validate the sections of a policy, every problem at once: a mistake in one section hides none in another."""

import re
from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from outgate.errors import Problem
from outgate.policy.binding_settings import MARK
from outgate.policy.schema import PolicySection
from outgate.policy.source import Place, Source
from outgate.policy.stage_types import stage_names
from outgate.policy.validation_messages import validation_messages

_SECRETS = re.compile(
    r"\b(sk-[A-Za-z0-9_-]{16,}|og_[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{30,}|AKIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}"
    r"|github_pat_\w{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b[Bb]earer [A-Za-z0-9._~+/-]{16,}"
    r"|://[^/\s:@]+:[^/\s:@]+@"
)
_SECRET_NAMES = frozenset({"api_key", "apikey", "key", "password", "passwd", "secret", "token", "access_token", "client_secret"})
_HIDDEN = (
    "write where it is read from: `env: NAME` or `file: PATH` under `credential`; for workloads, its digest under `token_hashes`"
)
_CODES = {"unknown": "E_UNKNOWN_KEY", "missing": "E_MISSING_KEY", "value": "E_VALUE"}
_BEGIN = (
    "begin with `version: 1` and `providers:`, one key a line, a space after each colon; behaviour tests stand in NAME.test.yaml"
)
_NAMED = ("providers", "workloads")


class Validated(NamedTuple):
    """The sections that are sound, and where each route stood in the file: a broken route is left out."""

    policy: PolicySection
    route_places: tuple[Place, ...]


def validate(source: Source) -> tuple[Validated, list[Problem]]:
    """The sound part of a policy, and what is wrong with the rest."""
    problems = list(_secrets(source, source.data, ()))
    data = source.data if source.data is not None else {}
    if not isinstance(data, dict):
        problems.append(source.problem("E_POLICY", "a policy is a mapping of sections", repair=_BEGIN))
        data = {}
    routes = data.get("routes")
    places: list[Place] = [("routes", index) for index in range(len(routes))] if isinstance(routes, list) else []
    try:
        return Validated(PolicySection.model_validate(data), tuple(places)), problems
    except ValidationError as error:
        broken = {tuple(each["loc"][:2]) for each in error.errors(include_url=False, include_input=False, include_context=False)}
        problems += _problems(source, PolicySection, error)
    kept, data = _without(data, broken, places)
    return Validated(PolicySection.model_validate(data), tuple(kept)), problems


def settings_problems(
    source: Source, places: tuple[Place, ...], settings: type[BaseModel], error: ValidationError
) -> list[Problem]:
    """What is wrong with the settings of one stage, which stand at these places, the narrowest scope first."""
    return _problems(source, settings, error, places, "stages")


def _problems(
    source: Source, model: type[BaseModel], error: ValidationError, at: tuple[Place, ...] = ((),), see: str = "policy"
) -> list[Problem]:
    """What is told otherwise, that it looks like a credential, or that there is no such stage, is not told again."""
    told = [
        each
        for each in validation_messages(source, model, error, at, see)
        if not looks_secret(*each.place, source.at(each.place)) and (each.kind != "value" or not _is_no_stage(each.place))
    ]
    return [source.problem(_CODES[each.kind], each.text, each.place, each.repair) for each in told]


def looks_secret(*texts: Any) -> bool:
    """Whether one of them has the form of a credential."""
    return any(isinstance(text, str) and _SECRETS.search(text) for text in texts)


def _is_no_stage(place: Place) -> bool:
    return place[-2:-1] == ("stages",) and place[-1] not in stage_names()


def _without(data: dict[str, Any], broken: set[Place], places: list[Place]) -> tuple[list[Place], dict[str, Any]]:
    """The data without its broken sections: one provider, one workload, one route, or a whole other section."""
    data = {name: copy(value) for name, value in data.items()}
    for place in broken:
        section = data.get(str(place[0]))
        if place[0] in _NAMED and len(place) == 2 and isinstance(section, dict):
            section.pop(str(place[1]), None)
        elif not (place[0] == "routes" and place in places):
            data.pop(str(place[0]), None)
    kept = [place for place in places if place not in broken]
    if "routes" in data and isinstance(data["routes"], list):
        data["routes"] = [route for place, route in zip(places, data["routes"], strict=True) if place not in broken]
    return (kept if "routes" in data else []), data


def _secrets(source: Source, value: Any, place: Place) -> Iterator[Problem]:
    """Anything that looks like a credential. Its text is never shown."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(source, inner, (*place, name))
            if _SECRETS.search(name):
                yield source.problem("E_SECRET_INLINE", "a key looks like a credential", (*place, name), _HIDDEN)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _secrets(source, inner, (*place, index))
    elif place[-1:] == ("text",) and "placeholders" in place and MARK in str(value):
        return  # whoever knows it knows nothing
    elif looks_secret(value) or (isinstance(value, str) and value and place and place[-1] in _SECRET_NAMES):
        yield source.problem("E_SECRET_INLINE", f"{'.'.join(map(str, place))} looks like a credential", place, _HIDDEN)


def canonical(settings: BaseModel) -> bytes:
    """The same bytes for the same settings, in whatever order the file gave them."""
    import orjson

    return orjson.dumps(settings.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
