"""Scopes of stage settings: route over provider over policy, the stages that come by themselves underneath.

Settings merge by key, mappings within them too; lists and plain values are written anew. `false` removes a stage, `replace` has its
settings stand alone. A stage's companions come with it unless they are removed by name.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from outgate.policy.provider_settings import ProviderSection
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
    "count_tokens": ("cache", "cache_similar"),
    "inject_credentials": ("encode_request",),
    "originate_tls": ("inject_credentials",),
}
"""The order of the design where contracts and policy leave a choice. No verdict depends on it: what a judge reads is `judges`."""

REQUIRED = ("authenticate", "authorize")
"""Stages a policy must configure: who may call, and what."""


class Placed(NamedTuple):
    """The settings of one stage and where they stand; no place where the stage came by itself. `under` are wider scopes' places."""

    settings: Mapping[str, Any]
    place: Place
    under: tuple[Place, ...] = ()


type Scope = Mapping[str, Any]


def layer(below: Mapping[str, Placed], stages: Scope, place: Place, replace: Collection[str] = ()) -> dict[str, Placed]:
    """A scope over those below it; the stages of `replace` inherit no settings."""
    layered = dict(below)
    for name, settings in stages.items():
        wider = layered.pop(name, None)
        if settings is False:
            continue
        if wider is None or not wider.place or name in replace:
            layered[name] = Placed(settings or {}, (*place, name))
        else:
            layered[name] = Placed(merged(wider.settings, settings or {}), (*place, name), (wider.place, *wider.under))
    return layered


def merged(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of two scopes: the narrower one's, and what it does not name of the wider one's."""
    both = {
        key: merged(wide[key], value) if isinstance(value, dict) and isinstance(wide.get(key), dict) else value
        for key, value in narrow.items()
    }
    return {**wide, **both}


def inherited_of(gateway: Scope, provider: str, backend: ProviderSection) -> dict[str, Placed]:
    """The stages that a policy sets where this provider is addressed."""
    return layer(layer({}, gateway, ("stages",)), backend.stages, ("providers", provider, "stages"), backend.replace)


def stages_of(gateway: Scope, provider: str, backend: ProviderSection, route: RouteSection, place: Place) -> dict[str, Placed]:
    """The stages of a route where this provider is addressed. Those that come by themselves keep the settings that a policy gives
    them, whatever the route inherits.
    """
    own = {name: Placed({}, ()) for name in BOUNDARY}
    removed = {name for scope in (gateway, backend.stages) for name, settings in scope.items() if settings is False}
    inherited = inherited_of(gateway, provider, backend)
    if route.inherit is not True:
        kept = (*BOUNDARY, *(route.inherit or ()))
        inherited = {name: placed for name, placed in inherited.items() if name in kept}
    base = {name: placed for name, placed in own.items() if name not in removed} | inherited
    return layer(base, route.stages, (*place, "stages"), route.replace)
