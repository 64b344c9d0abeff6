"""Map the requested model name to a provider and a model: the first target whose provider has not failed.

No name is ever replaced silently: what the map does not know is refused, unless the policy passes names through, or sets a default
and is warned of it. A request that names no model goes to the provider that was addressed. A name that passes leaves unread by any
guard: a permission must cover it by more than a wildcard, or it must not look like data.
"""

import re
from typing import NamedTuple

from pydantic import Field

from outgate.errors import Denial, Problem
from outgate.inference.names import ModelName, ProviderName
from outgate.inference.shown import holds_long_number, quoted
from outgate.net.patterns import covers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.upstreams.catalog import Catalog

_NAME = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}(?:@[A-Za-z0-9-]{1,20})?(?:\[[a-z0-9]{1,8}\])?")
_SHOWN = 20


class ModelTarget(Settings):
    """A model where it is served."""

    provider: ProviderName
    """A name from the policy's `providers`."""
    model: ModelName
    """The model's name there."""


class ModelMapSettings(Settings):
    """Names that callers may use, and what they stand for."""

    models: dict[str, tuple[ModelTarget, ...]] = Field(default_factory=dict)
    """Alias to targets, the preferred one first; the next is taken where a provider has failed in this exchange."""
    passthrough: bool = False
    """Names that stand in no alias go to the addressed provider as they are (`authorize_model` judges them)."""
    default: ModelTarget | None = None
    """What any other name silently stands for. Not recommended: it is warned of at every load."""


class Reads(NamedTuple):
    """The name asked for, where it was asked, and which providers have failed in this exchange."""

    model_requested: str
    model_routed: str | None
    destination: str
    provider_state: frozenset[str] | None


class ModelMap(Stage):
    """Requested name to model and provider."""

    name = "model_map"
    settings_type = ModelMapSettings

    def __init__(self, settings: ModelMapSettings, catalog: Catalog, allowed: tuple[str, ...] = ()) -> None:
        self._settings = settings
        self._allowed = allowed
        self._catalog = catalog
        self.warnings = _silent_default(settings)
        _check(settings)
        self.contract = Contract.of(
            Reads, writes=("model", "provider"), may=May.DENY, optional=("model.routed",), cost=0.004, passes=0.99
        )

    def run(self, facts: Reads, /) -> Outcome:
        requested, failed = facts.model_routed or facts.model_requested, facts.provider_state or frozenset()
        targets = self._settings.models.get(requested)
        if targets is None:
            return self._unmapped(requested, facts.destination)
        for target in targets:
            if target.provider not in failed:
                return (target.model, target.provider)
        return Denial(code="no_provider", status=503, message="Every provider of this model has failed.")

    def _unmapped(self, requested: str, destination: str) -> Outcome:
        addressed = self._catalog.by_destination(destination)
        if addressed is not None and (not requested or self._settings.passthrough):
            return self._refused(requested) or (requested, addressed.provider)
        if self._settings.default is not None:
            return (self._settings.default.model, self._settings.default.provider)
        known = sorted(self._settings.models)
        told = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" if known[_SHOWN:] else "")
        message = f"The policy knows no model {quoted(requested)} here; it knows {told or 'none'}."
        return Denial(code="model_not_found", status=404, message=message)

    def _refused(self, requested: str) -> Denial | None:
        """Why a name does not pass: it must not carry anything else."""
        if not requested or requested in self._allowed:
            return None
        if _NAME.fullmatch(requested) is None:
            message = "What is asked for has not the form of a model's name."
        elif holds_long_number(requested) and not covers(self._allowed, requested):
            message = "The model's name may hold an account or telephone number, and only a wildcard allows it."
        else:
            return None
        return Denial(code="model_name_refused", status=400, message=f"{message} To let it pass, name it in `authorize_model`.")


def _silent_default(settings: ModelMapSettings) -> tuple[Problem, ...]:
    if settings.default is None:
        return ()
    message = f"every model name that the policy does not know silently becomes {settings.default.model!r}"
    return (Problem(code="W_DEFAULT_MODEL", message=message, repair="remove `default`, so that unknown names are refused"),)


def _check(settings: ModelMapSettings) -> None:
    """Raises ValueError for an alias without a target."""
    empty = sorted(alias for alias, several in settings.models.items() if not several)
    if empty:
        raise ValueError(f"no target is given for {', '.join(empty)}")
