"""What a policy names must exist: stages, providers, workloads, groups, files; and every route must be reachable."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from outgate.errors import Problem
from outgate.policy.discover import stage_names
from outgate.policy.files import named_files
from outgate.policy.names import Known, rule_problems, unknown
from outgate.policy.schema import MatchSection, RouteSection
from outgate.policy.source import Place, Source
from outgate.policy.validate import Validated


def reference_problems(source: Source, validated: Validated, *, elsewhere: bool = False) -> Iterator[Problem]:
    """Every name without its thing. `elsewhere`: files may be missing on this machine."""
    yield from _stage_scopes(source, validated)
    yield from _files(source, named_files(validated), "W_MISSING_FILE" if elsewhere else "E_MISSING_FILE")
    yield from _files(source, _credential_files(validated), "W_MISSING_FILE")  # it may be mounted later, and is read when used
    known = Known(source)
    for route, place in zip(validated.policy.routes, validated.route_places, strict=True):
        yield from _match(known, route.match, (*place, "match"))
    yield from rule_problems(known, validated)
    for name, workload in validated.policy.workloads.items():
        for index, trust in enumerate(workload.jwt):
            if trust.jwks.provider:
                yield from known.check("provider", trust.jwks.provider, ("workloads", name, "jwt", index, "jwks", "provider"))
    yield from _routes(source, validated)


def _stage_scopes(source: Source, validated: Validated) -> Iterator[Problem]:
    policy, known = validated.policy, stage_names()
    named: list[tuple[str, Place]] = [(name, ("stages", name)) for name in policy.stages]
    for provider, section in policy.providers.items():
        named += [(name, ("providers", provider, "stages", name)) for name in section.stages]
    for route, place in zip(policy.routes, validated.route_places, strict=True):
        named += [(name, (*place, "stages", name)) for name in route.stages]
        named += [(name, (*place, "pin", index)) for index, name in enumerate(route.pin)]
        if not isinstance(route.inherit, bool):
            named += [(name, (*place, "inherit", index)) for index, name in enumerate(route.inherit)]
        for name, befores in route.after.items():
            named += [(name, (*place, "after", name)), *((each, (*place, "after", name)) for each in befores if each != "*")]
    for name, where in named:
        if name not in known:
            yield unknown(source, "stage", name, known, where)


def _match(known: Known, match: MatchSection, place: Place) -> Iterator[Problem]:
    checks = (
        ("provider", "destinations", match.destinations),
        ("workload", "workloads", match.workloads),
        ("group", "groups", match.groups),
    )
    for what, field, named in checks:
        for index, name in enumerate(named):
            yield from known.check(what, name, (*place, field, index))


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
