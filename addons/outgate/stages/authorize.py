"""Authorize destination, path and requested model for a workload. Default deny; before any policy that reads the body.

What is not known yet (the path at CONNECT, the model in the head) rules nobody out; the same stage judges again when it is.
"""

from typing import NamedTuple

from pydantic import Field

from outgate.errors import Denial
from outgate.identity.access import ModelRule, listed
from outgate.inference.principal import Principal
from outgate.inference.shown import quoted, shown_method, shown_path
from outgate.net.patterns import covers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.upstreams.catalog import Catalog


class AccessRule(ModelRule):
    """One permission: who, where, what. What is absent allows all of its kind: without `paths`, every path that a route takes. A
    request that names no model has the empty name.
    """

    methods: tuple[str, ...] = ()
    """Request methods."""
    paths: tuple[str, ...] = Field(default=("**",))
    """Paths without query: `*` stands for anything but a slash, `**` for anything. Paths need naming once: routes take some, and a
    path that none takes is denied before its body is read."""


class AuthorizeSettings(Settings):
    """Permissions; what none of them allows is denied."""

    allow: tuple[AccessRule, ...] = ()
    """Permissions, any of which is enough."""


class Reads(NamedTuple):
    """Who, and what is known of what they want."""

    principal: Principal
    destination: str
    method: str | None
    path: str | None
    model_requested: str | None


class Authorize(Stage):
    """Principal and request head to admission."""

    name = "authorize"
    settings_type = AuthorizeSettings

    def __init__(self, settings: AuthorizeSettings, catalog: Catalog) -> None:
        self.rules = settings.allow
        self._catalog = catalog
        self.contract = Contract.of(
            Reads, writes=("admitted",), may=May.DENY, optional=("method", "path", "model.requested"), cost=0.004, passes=0.9
        )

    def run(self, facts: Reads, /) -> Outcome:
        backend = self._catalog.by_destination(facts.destination)
        if backend is not None and any(_allows(rule, facts, backend.provider) for rule in self.rules):
            return (True,)
        message = f"The policy does not allow {facts.principal.name} {self._missing(facts, backend.provider if backend else '')}."
        return Denial(code="not_authorized", status=403, message=message)

    def _missing(self, facts: Reads, provider: str) -> str:
        """What was asked for that no permission gives, and what there is of it."""
        rules = [rule for rule in self.rules if rule.covers(facts.principal)]
        here = [rule for rule in rules if _in_place(rule, provider)]
        if not here:
            return f"to call {provider or facts.destination}; it allows {listed(one for rule in rules for one in rule.providers)}"
        heads = [rule for rule in here if _takes_head(rule, facts)]
        if not heads:
            allowed = listed(path for rule in here for path in rule.paths)
            return f"to {shown_method(facts.method or '')} {shown_path(facts.path or '')}; it allows {allowed}"
        allowed = listed(model for rule in heads for model in rule.models)
        return f"the model {quoted(facts.model_requested or '')}; it allows {allowed}"


def _allows(rule: AccessRule, facts: Reads, provider: str) -> bool:
    if not _in_place(rule, provider) or not rule.covers(facts.principal):
        return False
    if facts.path is None:
        return True
    return _takes_head(rule, facts) and (facts.model_requested is None or covers(rule.models, facts.model_requested))


def _in_place(rule: AccessRule, provider: str) -> bool:
    return not rule.providers or provider in rule.providers


def _takes_head(rule: AccessRule, facts: Reads) -> bool:
    if rule.methods and facts.method not in rule.methods:
        return False
    return covers(rule.paths, (facts.path or "").partition("?")[0])
