"""Warn of routes that can only deny or fail, and of workloads that no credential stands for.

Such a policy is safe, and may be half-written. Errors are a name that `route` chooses and nothing maps, a map that nothing
translates, a region that is left, and an address that may not be dialled. Names without a definition are judged by `references`. A
policy with errors is not linted, since what would be found may only follow from one.
"""

import re
from collections.abc import Iterator

from outgate.dialects.registry import templates
from outgate.errors import Problem
from outgate.inference.operation import Kind
from outgate.net.patterns import covers
from outgate.policy.lint_addresses import closed_addresses
from outgate.policy.lint_bindings import indistinct
from outgate.policy.lint_models import refused_models, unknown_aliases, untranslatable
from outgate.policy.lint_redaction import left_behind
from outgate.policy.lint_regions import outside
from outgate.policy.lint_routes import dropped, idle, unread
from outgate.policy.schema import MatchSection, RouteSection
from outgate.policy.scopes import Placed, stages_of
from outgate.policy.source import Place, Source
from outgate.policy.validate import Validated

_KINDS = {(template.method, re.sub(r"\{[a-z]+\}", "*", template.path)): template.kind for template in templates()}


def lint(source: Source, validated: Validated) -> Iterator[Problem]:
    """Every warning of this kind."""
    policy = validated.policy
    yield from _workloads(source, validated)
    yield from indistinct(source, policy)
    yield from closed_addresses(source, policy)
    for route, place in zip(policy.routes, validated.route_places, strict=True):
        found: list[Problem] = []
        for name in route.match.destinations or policy.providers:
            if name in policy.providers:
                stages = stages_of(policy.stages, name, policy.providers[name], route, place)
                found += _unsent(source, route, name, stages, place)
                kinds = _kinds(route.match)
                found += unknown_aliases(source, stages)
                found += refused_models(source, route, stages.get("model_map"), kinds, place)
                found += untranslatable(source, policy, route, stages.get("model_map"), kinds)
                found += outside(source, policy, route, name, stages, kinds)
                found += left_behind(source, policy, route, name, stages, kinds, place)
                found += dropped(source, policy, route, name, kinds, place)
                found += unread(source, route, stages, kinds, place)
                found += idle(source, route, stages, place)
        yield from dict.fromkeys(found)


def _workloads(source: Source, validated: Validated) -> Iterator[Problem]:
    asked = bool(validated.policy.gateway.client_ca)
    for name, workload in validated.policy.workloads.items():
        if workload.token_hashes or workload.jwt or (workload.certificates and asked):
            continue
        cause, repair = "it has no token, no JWT and no client certificate", f"`outgate workload rotate {name}` gives it a token"
        if workload.certificates:
            cause = "its certificates are not asked for without `gateway.client_ca`"
            repair = f"name under `gateway.client_ca` who signs them; {repair}"
        yield source.problem("W_WORKLOAD_LOCKED_OUT", f"nobody can be the workload {name!r}: {cause}", ("workloads", name), repair)


def _unsent(source: Source, route: RouteSection, provider: str, stages: dict[str, Placed], place: Place) -> Iterator[Problem]:
    if "dispatch" in stages or ("list_models" in stages and _kinds(route.match) <= {Kind.MODELS}):
        return
    removed = ((*place, "stages"), ("providers", provider, "stages"), ("stages",))
    where = next(((*each, "dispatch") for each in removed if (*each, "dispatch") in source.lines), place)
    message = f"the route {route.name!r} has no `dispatch`: nothing is sent, and what no stage answers by itself fails (503)"
    yield source.problem("W_NO_DISPATCH", message, where, "remove `dispatch: false`; `authorize` is what refuses", ("dispatch",))


def _kinds(match: MatchSection) -> frozenset[Kind]:
    """The kinds of work that a route may be asked for, judged by its match alone; too many rather than too few."""
    asked = {
        kind
        for (method, path), kind in _KINDS.items()
        if (not match.methods or method in match.methods) and (not match.paths or covers(match.paths, path))
    }
    known = {path for _, path in _KINDS}
    if not match.paths or not known.issuperset(match.paths):
        asked.add(Kind.OPAQUE)
    return frozenset(asked) & frozenset(match.kinds or Kind)
