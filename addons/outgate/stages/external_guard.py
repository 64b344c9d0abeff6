"""Have a service outside the gateway judge the text of a request: a moderation API, a webhook, or a detector like Lakera's.

It is a recipient of what it reads, so it stands behind `redact` unless the policy hands it text as it came, and it never begins
before its turn. What was judged before is not sent again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from outgate.detectors.actions import Actions, Keys, RefusedTexts, guard_contract
from outgate.detectors.external.settings import ExternalGuardSettings
from outgate.guards.external import Breaker, ExternalGuard, ExternalGuardError, Service
from outgate.inference.prompt import Prompt
from outgate.inference.verdict import FAILED, Extent, Verdict, extents
from outgate.pipeline.contract import Judges, Release
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.memo import Memo
from outgate.upstreams.catalog import Catalog
from outgate.upstreams.client import Client
from outgate.upstreams.credentials import Credentials

_SLACK = 1.0
_OTHERS = ("hydrate", "prompt_guard", "tool_result_guard", "secret_guard", "topic_guard")


class ExternalGuardStage(Stage):
    """The prompt to a verdict, and to the prompt that goes on."""

    name = "external_guard"
    settings_type = ExternalGuardSettings

    def __init__(
        self,
        settings: ExternalGuardSettings,
        catalog: Catalog,
        client: Client,
        credentials: Credentials,
        memo: Memo,
        monotonic: Callable[[], float],
        state_secret: Keys,
        refused: RefusedTexts,
    ) -> None:
        backend = catalog.by_name(settings.provider)
        if backend is None:
            raise ValueError("`provider` names the service that is asked, one of those under `providers`")
        self._settings, self._host = settings, backend.authority
        service = Service(settings, client, credentials, backend, Breaker(settings.circuit, monotonic))
        self._guard = ExternalGuard(settings, service, memo, settings.model_dump_json())
        self._actions = Actions(settings, state_secret, refused)
        self._channels = frozenset(settings.channels)
        contract = guard_contract(
            self.name, settings, "exchange_id", "model_requested",
            judges=Judges.RAW if settings.raw else Judges.CLEAN, releases=Release.THIRD_PARTY, releases_raw=settings.raw,
            after=_OTHERS, cost=50.0, passes=0.98,
        )  # fmt: skip
        self.contract = replace(contract, limit=settings.limit + _SLACK)

    def explained(self) -> tuple[str, ...]:
        settings = self._settings
        text = "as it came" if settings.raw else "cleared"
        return (
            f"asks {self._host} ({settings.shape}) about {', '.join(settings.channels)}, {text}, within {settings.limit:g} s",
            f"no answer: {'refused (503)' if settings.on_error == 'deny' else 'it passes unjudged'}",
        )

    async def run(self, facts: Any, /) -> Outcome:
        read = tuple(self._extents(facts.prompt, read=True))
        rest = tuple(self._extents(facts.prompt, read=False))
        try:
            found = await self._guard.find(facts.prompt, facts.principal, facts.exchange_id, facts.model_requested or "")
        except ExternalGuardError as error:
            if self._settings.on_error == "deny":
                raise
            return Verdict(action=FAILED.action, unjudged=read + rest, reason=error.told), facts.prompt
        return await self._actions.outcome(facts, found, Verdict(scanned=read, unjudged=rest))

    def _extents(self, prompt: Prompt, *, read: bool) -> tuple[Extent, ...]:
        leaves = (leaf for leaf in prompt.leaves if leaf.text and (leaf.channel in self._channels) is read)
        return extents((leaf.channel.value, leaf.text) for leaf in leaves)
