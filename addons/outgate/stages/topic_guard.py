"""Deny, answer, withhold or flag requests that touch a restricted topic, which the policy knows by its phrases.

The model server embeds what is new of users' texts, and it is compared as `route` compares questions. It decides on meaning alone:
what is told by allusion, or in a language that the embedder does not know, passes.
"""

from asyncio import timeout
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from outgate.detectors.actions import Actions, Keys, RefusedTexts, guard_contract
from outgate.detectors.guard_settings import ModelGuardSettings
from outgate.errors import Problem
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.verdict import SKIPPED, Extent, Verdict, extents
from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedders
from outgate.model_server.wire import ModelServerError
from outgate.pipeline.stage import Outcome, Stage
from outgate.routing.restricted import Restricted
from outgate.routing.semantic import Semantic
from outgate.routing.topics import RestrictedTopics, doubts
from outgate.stores.memo import Memo

_SLACK, _AT_START = 1.0, 2.0


class TopicGuardSettings(ModelGuardSettings):
    """Which topics a request may not touch, and what happens when it does."""

    topics: RestrictedTopics = Field(
        examples=[{"names": {"medical": ["how many tablets may I take a day?", "is this dose safe for a child?"]}}]
    )
    """Restricted topics by their phrases, as in the `semantic` rule of `route`; each is the rule `topic.<name>`. What is near and
    harmless is `none_of_these`.
    """
    channels: tuple[Literal["user", "system", "tool_result"], ...] = Field(default=("user",), min_length=1)
    """Where is looked. The rest is told as unjudged."""
    on_error: Literal["deny", "open"] = "deny"
    """Where the model server does not answer in time: `open` goes on, and the verdict says that nothing was read."""

    def rule_ids(self) -> Collection[str]:
        return tuple(f"topic.{name}" for name in self.topics.names)


class TopicGuard(Stage):
    """The prompt to a verdict, and to the prompt that goes on."""

    name = "topic_guard"
    settings_type = TopicGuardSettings

    def __init__(
        self,
        settings: TopicGuardSettings,
        model_server: ModelClient,
        memo: Memo,
        embedders: Embedders,
        state_secret: Keys,
        refused: RefusedTexts,
    ) -> None:
        """Raises ValueError for an embedder that the policy does not have."""
        options = embedders.named(settings.topics.model).options
        self._settings, self._semantic = settings, Semantic(settings.topics, model_server, memo, options)
        self._restricted = Restricted(self._semantic, memo, tuple(map(Channel, settings.channels)), options)
        self._actions = Actions(settings, state_secret, refused)
        self.asks = (("embed", options), ("topics", ()))
        self.warnings = tuple(_warnings(settings))
        contract = guard_contract(
            self.name, settings, *settings.reads, after=("prompt_guard", "tool_result_guard"), cost=5.0, passes=0.98
        )
        self.contract = replace(contract, limit=settings.limit + _SLACK)

    def explained(self) -> tuple[str, ...]:
        settings = self._settings
        acts = (f"{rule}: {settings.act(rule, Channel(settings.channels[0]), certain=True)}" for rule in settings.rule_ids())
        return f"new text of {', '.join(settings.channels)}, from a score of {settings.topics.threshold:g}", ", ".join(acts)

    async def start(self) -> None:
        """Fit topics before the plan is swapped in; where that takes too long, with the first requests."""
        with suppress(ModelServerError, TimeoutError):
            async with timeout(min(self._settings.limit, _AT_START)):
                await self._semantic.exemplars.scorer()

    async def stop(self) -> None:
        self._semantic.exemplars.end()

    async def run(self, facts: Any, /) -> Outcome:
        if self._settings.leaves_out(facts):
            return SKIPPED, facts.prompt
        read, rest = self._extents(facts.prompt, read=True), self._extents(facts.prompt, read=False)
        try:
            async with timeout(self._settings.limit):
                found = await self._restricted.find(facts.prompt, facts.principal)
        except (ModelServerError, TimeoutError):
            if self._settings.on_error == "deny":
                raise
            return Verdict(unjudged=read + rest), facts.prompt
        return await self._actions.outcome(facts, found, Verdict(scanned=read, unjudged=rest))

    def _extents(self, prompt: Prompt, *, read: bool) -> tuple[Extent, ...]:
        chosen = frozenset(self._restricted.chosen(prompt))
        leaves = (leaf for at, leaf in enumerate(prompt.leaves) if leaf.text and (at in chosen) is read)
        return extents((leaf.channel.value, leaf.text) for leaf in leaves)


def _warnings(settings: TopicGuardSettings) -> list[Problem]:
    return [Problem(code=code, message=message, repair=repair) for code, message, repair in doubts(settings.topics)]
