"""Authorize the routed model at the routed provider, as opposed to the model that was asked for.

Aliases and fallbacks decide that after `authorize` has judged what was asked for; this runs again whenever they decide anew.
"""

from typing import NamedTuple

from outgate.errors import Denial
from outgate.identity.access import ModelRule, listed
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.inference.shown import quoted
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Settings, Stage


class AuthorizeModelSettings(Settings):
    """Permissions; what none of them allows is denied."""

    allow: tuple[ModelRule, ...] = ()
    """Permissions, any of which is enough."""


class Reads(NamedTuple):
    """Who, and what they would be given."""

    principal: Principal
    model: str
    provider: str
    params: Params


class AuthorizeModel(Stage):
    """Principal and routed model to admission."""

    name = "authorize_model"
    settings_type = AuthorizeModelSettings

    def __init__(self, settings: AuthorizeModelSettings) -> None:
        self.rules = settings.allow
        self.contract = Contract.of(Reads, writes=("model.admitted",), may=May.DENY, cost=0.006, passes=0.99)

    def run(self, facts: Reads, /) -> Outcome:
        refused = [model for model in facts.params.models or (facts.model,) if not self._allows(facts, model)]
        if not refused:
            return (True,)
        allowed = listed(pattern for rule in self.rules if rule.reaches(facts.principal, facts.provider) for pattern in rule.models)
        asked = f"{facts.principal.name} the model {quoted(refused[0])} of {facts.provider}"
        message = f"The policy does not allow {asked}; it allows {allowed}."
        return Denial(code="model_not_authorized", status=403, message=message)

    def _allows(self, facts: Reads, model: str) -> bool:
        return any(rule.allows(facts.principal, facts.provider, model) for rule in self.rules)
