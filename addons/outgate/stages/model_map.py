"""Map the requested or routed name to a provider and a model: the first target that takes the request and has not failed.

No name is ever replaced silently: what the map does not know is refused, unless the policy passes names through, or sets a default
and is warned of it. A request that names no model goes to the provider that was addressed. A name that passes leaves unread by any
guard: a permission must cover it by more than a wildcard, or it must not look like data.
"""

import re
from typing import Any

from pydantic import Field

from outgate.errors import Denial, Problem
from outgate.inference.shown import holds_long_number, holds_token, quoted
from outgate.metering.prices import Prices
from outgate.net.patterns import covers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.routing.choice import Caller, Target, Unfit, caller_of, needs, passed_over, question, targets_for, uncrowded
from outgate.routing.latency import Latencies
from outgate.routing.market import Measures
from outgate.routing.targets import Alias, Aliases, Found, ModelTarget
from outgate.stores.memo import Memo
from outgate.stores.state_secret import StateSecret
from outgate.upstreams.catalog import Catalog
from outgate.upstreams.congestion import Congestion

_NAME = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}(?:@[A-Za-z0-9-]{1,20})?(?:\[[a-z0-9]{1,8}\])?")
_SHOWN = 20
_ALWAYS = ("model.requested", "model.routed", "destination")
_OUTSIDE = ("provider.state", "model.state")
_WRITES = ("model", "provider", "model.passed")
_KIND = "model_map.fastest"

_FULL = Denial(code="pool_full", status=429, message="The servers of this model are full; try again.", retry_after=1)
_NONE_LEFT = Denial(code="no_provider", status=503, message="Every provider of this model has failed.")


class ModelMapSettings(Settings):
    """Names that callers may use, and what they stand for."""

    models: dict[str, tuple[ModelTarget, ...] | Alias] = Field(default_factory=dict)
    """Alias to targets, the preferred one first; the next is taken where a provider has failed in this exchange. An alias with `*`
    stands for all names of that form; an exact one goes before it, and of several the longest. A mapping says more: weights,
    conditions, sizes, preferences."""
    passthrough: bool = False
    """Names that stand in no alias go to the addressed provider as they are (`authorize_model` judges them)."""
    default: ModelTarget | None = None
    """What any other name silently stands for. Not recommended: it is warned of at every load."""


class ModelMap(Stage):
    """Requested name to model and provider. What it reads beside the name depends on what its targets ask for."""

    name = "model_map"
    settings_type = ModelMapSettings

    def __init__(
        self, settings: ModelMapSettings, catalog: Catalog, prices: Prices, latencies: Latencies, state_secret: StateSecret,
        memo: Memo, congestion: Congestion, allowed: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self._settings, self._catalog, self._allowed, self._memo = settings, catalog, allowed, memo
        self._congestion = congestion
        self.aliases = Aliases(settings.models)
        self._market = Measures(prices, latencies)
        self._key = lambda name: state_secret.derive("weights", name)
        self.warnings = _silent_default(settings)
        self.contract = Contract(
            reads=(*_ALWAYS, *needs(self.aliases.all, ranked=any(each.replicas.shed for each in catalog.backends))),
            outside=_OUTSIDE, writes=_WRITES, may=May.DENY, optional=("model.routed",), cost=0.004, passes=0.99,
        )  # fmt: skip

    def explained(self) -> tuple[str, ...]:
        return self.aliases.told()

    def run(self, facts: Any, /) -> Outcome:
        requested = facts.model_routed or facts.model_requested
        found = self.aliases.find(requested)
        if found is None:
            return self._left(self._unmapped(requested, facts.destination), facts)
        caller = caller_of(facts)
        targets = targets_for(found, caller, self._market, self._key)
        if isinstance(targets, Unfit):
            return targets.denial(requested)
        left = [target for target in self._kept(found, caller, targets) if not _has_failed(target.provider, target.model, facts)]
        if not left:
            return _NONE_LEFT
        outcome = self._uncrowded(left, facts)
        refusal = self._refused(outcome[0]) if found.captures and isinstance(outcome, tuple) else None
        return refusal or outcome

    def _uncrowded(self, left: list[Target], facts: Any) -> Outcome:
        """The first target in health whose pool is open to this caller, with those before it; a denial where none is."""
        crowd = self._congestion.met_by(getattr(facts, "principal", None), self._catalog)
        taken = uncrowded(left, crowd)
        return _FULL if taken is None else (taken.model, taken.provider, passed_over(left, taken, crowd))

    def _kept(self, found: Found, caller: Caller, targets: list[Target]) -> list[Target]:
        """The fastest target, but within a tool loop the one that its question was given."""
        if found.alias.prefer != "fastest" or caller.principal is None:
            return targets
        digest, tenant = self._memo.digest(f"{found.name}/{caller.principal.name}/{question(caller)}"), caller.principal.tenant
        known = self._memo.get(tenant, _KIND, digest)
        if known in targets:
            return [known, *(target for target in targets if target != known)]
        self._memo.put(tenant, _KIND, digest, targets[0], 100)
        return targets

    def _left(self, outcome: Outcome, facts: Any) -> Outcome:
        """The only target of a name that stands in no alias, unless it has failed or is full."""
        if not isinstance(outcome, tuple):
            return outcome
        only = Target(outcome[1], outcome[0])
        if only in (facts.model_state or ()):
            return _NONE_LEFT
        return self._uncrowded([only], facts)

    def _unmapped(self, requested: str, destination: str) -> Outcome:
        addressed = self._catalog.by_destination(destination)
        if addressed is not None and (not requested or self._settings.passthrough):
            return self._refused(requested) or (requested, addressed.provider)
        if self._settings.default is not None:
            return (self._settings.default.model, self._settings.default.provider)
        known = self.aliases.names
        told = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" if known[_SHOWN:] else "")
        message = f"The policy knows no model {quoted(requested)} here; it knows {told or 'none'}."
        return Denial(code="model_not_found", status=404, message=message)

    def _refused(self, requested: str) -> Denial | None:
        """Why a name does not pass: it must not carry anything else."""
        if not requested or requested in self._allowed:
            return None
        if _NAME.fullmatch(requested) is None:
            message = "What is asked for has not the form of a model's name."
        elif (holds_long_number(requested) or holds_token(requested)) and not covers(self._allowed, requested):
            message = "The model's name may hold an account or telephone number, or a key, and only a wildcard allows it."
        else:
            return None
        return Denial(code="model_name_refused", status=400, message=f"{message} To let it pass, name it in `authorize_model`.")


def _has_failed(provider: str, model: str, facts: Any) -> bool:
    return provider in (facts.provider_state or ()) or (provider, model) in (facts.model_state or ())


def _silent_default(settings: ModelMapSettings) -> tuple[Problem, ...]:
    if settings.default is None:
        return ()
    message = f"every model name that the policy does not know silently becomes {settings.default.model!r}"
    return (Problem(code="W_DEFAULT_MODEL", message=message, repair="remove `default`, so that unknown names are refused"),)
