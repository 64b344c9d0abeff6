"""Warn of redaction that is left behind: a request whose route redacts nothing goes on, or falls back, to where text is redacted.

`raw_to` of `redact` binds redaction to the provider that is really asked; leaving `redact` out of a scope does not.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby

from outgate.errors import Problem
from outgate.inference.operation import Kind
from outgate.policy.lint_models import NAMING_A_MODEL, targets_of
from outgate.policy.schema import PolicySection, RouteSection
from outgate.policy.scopes import Placed, inherited_of, stages_of
from outgate.policy.source import Place, Source

_STAGE = "redact"


def left_behind(
    source: Source, policy: PolicySection, route: RouteSection, addressed: str, stages: Mapping[str, Placed],
    kinds: frozenset[Kind], place: Place,
) -> Iterator[Problem]:  # fmt: skip
    """Targets that get as it came what they get redacted where they are addressed themselves, or behind a server of the cluster."""
    if _STAGE in stages or not kinds & NAMING_A_MODEL:
        return
    for at, targets in groupby(targets_of(stages.get("model_map")), key=lambda each: each[0]):
        names = [name for _, name in targets if name in policy.providers]
        for name in dict.fromkeys(names):
            provider = policy.providers[name]
            inside = [each for each in names if policy.providers[each].is_inside]
            if _STAGE in stages_of(policy.stages, name, provider, route, place):
                cause, raw = f"requests that are addressed to {addressed!r}", addressed
            elif _STAGE in inherited_of(policy.stages, name, provider) and inside and name not in inside:
                cause, raw = f"what the route {route.name!r} does not redact for {inside[0]!r}", inside[0]
            else:
                continue
            message = f"{name!r} gets {cause} as it came, although the policy redacts what goes there"
            repair = f"write `redact: {{raw_to: [{raw}]}}` in place of `redact: false`: whatever goes elsewhere is then redacted"
            yield source.problem("W_REDACTION_LEFT", message, at, repair, (_STAGE,))
