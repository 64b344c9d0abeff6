"""Warn of routes that drop what the policy set, and of routes whose bodies nothing reads.

Such a policy does what it says; whoever wrote it may not have meant it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from outgate.errors import Problem
from outgate.inference.operation import Kind
from outgate.policy.schema import PolicySection, RouteSection
from outgate.policy.scopes import BOUNDARY, Placed, inherited_of
from outgate.policy.source import Place, Source

type _Lost = tuple[tuple[str, ...], list[str]]

_INFERENCE = frozenset({Kind.CHAT, Kind.COUNT_TOKENS, Kind.EMBEDDINGS})
_WORKS_ON = {"redact": "entities", "prompt_guard": "channels"}
"""The list without which a guard reads or replaces nothing."""
_BODILESS = frozenset({"GET", "HEAD"})
_READERS = {"prompt_guard": "no guard judges what leaves", "redact": "nothing in it is redacted"}


def dropped(
    source: Source, policy: PolicySection, route: RouteSection, provider: str, kinds: frozenset[Kind], place: Place
) -> Iterator[Problem]:
    """Stages and list items that the policy sets, and that the route leaves out without saying so."""
    inherited = inherited_of(policy.stages, provider, policy.providers[provider])
    if route.inherit is not True and kinds & _INFERENCE:
        named = {*(route.inherit or ()), *route.stages}
        lost = ", ".join(name for name in inherited if name not in named and name not in BOUNDARY)
        if lost:
            message = f"the route {route.name!r} takes requests to models without what the policy sets: {lost}"
            repair = "leave `inherit` out, or write `false` under the route's `stages` for what it does not need"
            yield source.problem("W_STAGES_DROPPED", message, (*place, "inherit"), repair)
    for name, settings in route.stages.items():
        if name in inherited and isinstance(settings, dict) and name not in route.replace:
            for key, items in _lost(inherited[name].settings, settings):
                message = f"the route {route.name!r} writes `{'.'.join(key)}` of `{name}` anew, without {', '.join(items)}"
                repair = f"add what is missing, or have the route say `replace: [{name}]`"
                yield source.problem("W_STAGES_DROPPED", message, (*place, "stages", name, *key), repair, (name,))


def _lost(wide: Mapping[str, Any], narrow: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[_Lost]:
    """Keys of lists that a route writes anew, and the inherited items that are not in them."""
    for key, value in narrow.items():
        before = wide.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            yield from _lost(before, value, (*at, key))
        elif isinstance(value, list) and isinstance(before, list):
            lost = [str(each.get("name", "an entry") if isinstance(each, dict) else each) for each in before if each not in value]
            if lost:
                yield (*at, key), lost


def idle(source: Source, route: RouteSection, stages: Mapping[str, Placed], place: Place) -> Iterator[Problem]:
    """Stages that stand on a route and, by an emptied list, do nothing."""
    for name, key in _WORKS_ON.items():
        own = name in stages and (stages[name].settings.get("patterns") or stages[name].settings.get("deny_list"))
        if name in stages and not own and stages[name].settings.get(key, ...) in ([], ()):
            message = f"`{name}` does nothing on the route {route.name!r}: `{key}` is empty"
            repair = f"leave `{key}` out, or write `{name}: false` where the route shall do without it"
            yield source.problem("W_STAGE_IDLE", message, stages[name].place or place, repair, (name,))


def unread(
    source: Source, route: RouteSection, stages: Mapping[str, Placed], kinds: frozenset[Kind], place: Place
) -> Iterator[Problem]:
    """What leaves by this route as it came."""
    admitted = stages["admit_parts"].settings.get("allow_unjudged", ()) if "admit_parts" in stages else ("opaque",)
    bodiless = route.match.methods and _BODILESS.issuperset(route.match.methods)
    if bodiless or Kind.OPAQUE not in kinds or "opaque" not in (admitted or ()):
        return
    missing = "".join(f", {what}" for name, what in _READERS.items() if name not in stages)
    message = f"the route {route.name!r} lets bodies pass that no dialect reads: no answer is judged, no token counted or charged"
    where = stages["admit_parts"].place if "admit_parts" in stages and stages["admit_parts"].place else place
    repair = "keep such a route to the `paths` and `groups` that need it"
    yield source.problem("W_UNREAD", message + missing, where, repair, ("admit_parts",))
