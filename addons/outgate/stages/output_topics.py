"""Act on restricted topics in what a model says, known by phrases of the policy: deny, answer, replace or flag, by sentence.

The model server embeds each sentence with what stands before it, and compares it as `route` compares questions.
"""

from contextlib import suppress
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from outgate.detectors.output.sentences import AskedJudge
from outgate.detectors.output.settings import OutputSettings, Said, output_contract
from outgate.inference.principal import Principal
from outgate.inference.stream import EventStream
from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedders
from outgate.model_server.wire import ModelServerError
from outgate.pipeline.stage import Settings, StreamStage
from outgate.routing.semantic import Semantic
from outgate.routing.topics import RestrictedTopics
from outgate.stores.memo import Memo


class OutputTopicsSettings(OutputSettings):
    """Which topics an answer may not touch, and what happens when it does."""

    topics: RestrictedTopics = Field(examples=[{"names": {"medical": ["take two tablets a day", "the dose for children is half"]}}])
    """Restricted topics by their phrases, as in the `semantic` rule of `route`; what is near and harmless is `none_of_these`."""
    window: Annotated[int, Field(ge=50, le=4_000)] = 300
    """Characters that are held back at most: of a longer sentence the beginning is judged and leaves before its end has come."""
    least: Annotated[int, Field(ge=1)] = 20
    """Characters below which the beginning of an answer is too short to ask about: it goes on."""
    channels: tuple[Said, ...] = Field(default=("assistant",), min_length=1)
    """Where is looked. The rest is told as unjudged."""


class Reads(NamedTuple):
    """The answer, and on whose account its sentences are asked about."""

    principal: Principal
    r_stream: EventStream


class OutputTopics(StreamStage):
    """Opens a judge that asks about sentences."""

    name = "output_topics"
    settings_type: ClassVar[type[Settings]] = OutputTopicsSettings

    def __init__(self, settings: OutputTopicsSettings, model_server: ModelClient, memo: Memo, embedders: Embedders) -> None:
        options = embedders.named(settings.topics.model).options
        self._settings, self._semantic = settings, Semantic(settings.topics, model_server, memo, options)
        self.asks = (("embed", options), ("topics", ()))
        self.contract = output_contract(self.name, Reads, settings, cost=5.0)

    async def start(self) -> None:
        """Fit topics before the plan is swapped in, or with the first answer."""
        with suppress(ModelServerError):
            await self._semantic.exemplars.scorer()

    async def stop(self) -> None:
        self._semantic.exemplars.end()

    def open(self, facts: Any, /) -> AskedJudge:
        async def ask(text: str) -> tuple[float, str]:
            scores, decided = await self._semantic.judge(text, facts.principal)
            return min(1.0, max(0.0, scores.score)), f"topic.{scores.name}" if decided else ""

        return AskedJudge(self._settings, self._settings.window, self._settings.least, ask)
