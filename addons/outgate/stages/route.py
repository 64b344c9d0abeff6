"""Choose among named models, by rules, for requests that ask to be routed (`model: auto`). `model_map` maps what is chosen.

Decides on the last question, so that every step of a tool loop goes where its first step went; nothing of a failed attempt is read,
so that no attempt is routed again. A router that does not work refuses, or takes the name that the policy gives for that.
"""

from asyncio import timeout
from contextlib import suppress
from typing import Any, NamedTuple

from outgate.detectors.pii.canonical import Names
from outgate.errors import Denial, Problem
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import MEDIA, Prompt
from outgate.inference.routing import Routing
from outgate.metering.metrics import Metrics
from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedders
from outgate.model_server.wire import ModelServerError
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Stage
from outgate.routing.conditions import Size
from outgate.routing.conversation import asked, tokens_of, until
from outgate.routing.router import Question, Router
from outgate.routing.rules import Fallback, RouteSettings
from outgate.routing.topics import doubts
from outgate.stores.memo import Memo

_ROUTED = "outgate_routed_total"
_AT_START = 2.0
"""Seconds for which a policy that takes effect waits for its topics."""
_MESSAGE = "The gateway cannot choose a model now: {}. Ask for a model by its name, or again later."


class Reads(NamedTuple):
    """What is decided by."""

    model_requested: str
    prompt: Prompt
    tools: Tools
    params: Params
    principal: Principal
    headers: Headers | None = None


class Route(Stage):
    """Writes `model.routed` and `routing`; the name that was asked for, and nothing, where the caller chose a model."""

    name = "route"
    settings_type = RouteSettings

    def __init__(
        self, settings: RouteSettings, model_server: ModelClient, memo: Memo, metrics: Metrics, embedders: Embedders
    ) -> None:
        """Raises ValueError for an embedder that the policy does not have."""
        self.settings, self._metrics = settings, metrics
        options = {name: embedders.named(name).options for name in settings.embedders}
        self.router = Router(settings.rules, model_server, memo, options.__getitem__)
        self.asks = (*(("embed", each) for each in options.values()), *([("topics", ())] if options else []))
        self.warnings = tuple(_warnings(settings))
        by_headers = any(rule.when.headers for rule in settings.rules)
        self.contract = Contract(
            reads=tuple(_FACTS[: None if by_headers else -1]), writes=("model.routed", "routing"), may=May.DENY,
            limit=settings.limit + 1, cost=0.2, passes=0.99,
        )  # fmt: skip

    def explained(self) -> tuple[str, ...]:
        return self.settings.told()

    async def start(self) -> None:
        """Fit topics before the plan is swapped in; where that takes too long, or the model server is not there yet, with the first
        requests.
        """
        with suppress(ModelServerError, TimeoutError):
            async with timeout(min(self.settings.limit, _AT_START)):
                await self.router.fitted()

    async def stop(self) -> None:
        self.router.end()

    async def run(self, facts: Any, /) -> Outcome:
        if facts.model_requested not in self.settings.models:
            return (facts.model_requested, None)
        try:
            async with timeout(self.settings.limit):
                routing = await self.router.decide(_question(facts))
        except (ModelServerError, TimeoutError) as error:
            return self._failed(error)
        self._metrics.add(_ROUTED, (routing.name, routing.method))
        if routing.name:
            return (routing.name, routing)
        names = ", ".join(self.settings.names)
        message = f"No rule of the policy decides which model answers this; ask for one of {names}."
        return Denial(code="not_routed", status=400, message=message, outputs=("", routing))

    def _failed(self, error: Exception) -> Outcome:
        """The declared failure mode; never a model that the policy does not name for it."""
        last = self.settings.on_error
        if isinstance(last, Fallback):
            self._metrics.add(_ROUTED, (last.to, "fallback"))
            return (last.to, Routing(name=last.to, method="fallback", rule=-1))
        self._metrics.add(_ROUTED, ("", "failed"))
        cause = "its router does not answer in time" if isinstance(error, TimeoutError) else "its router does not answer"
        routing = Routing(name="", method="failed", rule=-1)
        return Denial(code="router_unavailable", status=503, message=_MESSAGE.format(cause), retry_after=1, outputs=("", routing))


_FACTS = ("model.requested", "prompt", "tools", "params", "principal", "headers")


def _question(facts: Any) -> Question:
    leaves = facts.prompt.leaves
    last = asked(leaves)
    (text,), _ = Names.of([*(leaf.text for leaf in leaves), last.text]).canonical([last.text])  # as the cache embeds it
    size = Size(
        tools=bool(facts.tools.names),
        media=not MEDIA.isdisjoint(facts.prompt.unjudged),
        input_tokens=tokens_of(until(leaves, last.turn)),
        output_tokens=facts.params.max_tokens or 0,
    )
    is_elsewhere = last.in_loop and not last.text.strip()
    return Question(text, size, facts.principal, getattr(facts, "headers", None), is_elsewhere)


def _warnings(settings: RouteSettings) -> "list[Problem]":
    found = [
        Problem(code=code, message=message, repair=repair)
        for rule in settings.rules
        for code, message, repair in (doubts(rule.semantic) if rule.semantic is not None else ())
    ]
    if isinstance(settings.on_error, Fallback):
        message = f"where its router fails, `route` takes {settings.on_error.to!r} for every request that asks to be routed"
        found.append(Problem(code="W_DEFAULT_MODEL", message=message, repair="set `on_error: deny`"))
    return found
