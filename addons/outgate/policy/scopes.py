"""Scopes of stage settings: route over provider over policy, the stages that come by themselves underneath.

Settings replace whole; `false` removes. A stage's companions come with it unless they are removed by name.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from outgate.policy.schema import RouteSection
from outgate.policy.source import Place

BOUNDARY = (
    "admit_parts",
    "model_map",
    "select_headers",
    "pick_backend",
    "pick_endpoint",
    "encode_request",
    "inject_credentials",
    "originate_tls",
    "dispatch",
    "close_exchange",
)
"""Stages that come by themselves: without them nothing is judged whole, sent, or accounted for."""

TIES = {
    "model_map": ("redact",),
    "count_tokens": ("cache",),
    "inject_credentials": ("encode_request",),
    "originate_tls": ("inject_credentials",),
}
"""The order of the design where contracts and policy leave a choice. No verdict depends on it: what a judge reads is `judges`."""

REQUIRED = ("authenticate", "authorize")
"""Stages a policy must configure: who may call, and what."""


class Placed(NamedTuple):
    """The settings of one stage and where they stand; no place where the stage came by itself."""

    settings: Mapping[str, Any]
    place: Place


type Scope = Mapping[str, Any]


def layer(below: Mapping[str, Placed], stages: Scope, place: Place) -> dict[str, Placed]:
    """A scope over those below it."""
    merged = dict(below)
    for name, settings in stages.items():
        if settings is False:
            merged.pop(name, None)
        else:
            merged[name] = Placed(settings or {}, (*place, name))
    return merged


def stages_of(gateway: Scope, provider: str, backend: Scope, route: RouteSection, place: Place) -> dict[str, Placed]:
    """The stages of a route where this provider is addressed."""
    own = {name: Placed({}, ()) for name in BOUNDARY}
    removed = {name for scope in (gateway, backend) for name, settings in scope.items() if settings is False}
    inherited = layer(layer({}, gateway, ("stages",)), backend, ("providers", provider, "stages"))
    if route.inherit is not True:
        kept = route.inherit or ()
        inherited = {name: placed for name, placed in inherited.items() if name in kept}
    base = {name: placed for name, placed in own.items() if name not in removed} | inherited
    return layer(base, route.stages, (*place, "stages"))
