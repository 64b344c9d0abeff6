"""Embed the question, for the look-up of similar ones: the redacted text of the last turn becomes a vector.

It is there to start beside guards that wait, and no part of a plan without any: the look-up then embeds. After `route`, which may
have embedded the same question. Where the model server does not answer there is no vector, and nothing else fails.
"""

from typing import NamedTuple

from outgate.answers.keys import is_cacheable, question_of
from outgate.answers.look_up import LookUp
from outgate.answers.settings import CacheSettings
from outgate.inference.operation import Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedders
from outgate.pipeline.contract import Contract, OnError
from outgate.pipeline.stage import Stage
from outgate.stores.memo import Memo

_SLACK = 1.0


class Reads(NamedTuple):
    """The question, and whether its answer may be cached at all."""

    prompt: Prompt
    tools: Tools
    params: Params
    operation: Operation
    principal: Principal


class Embed(Stage):
    """Writes `prompt.vector`: float32, little-endian, of length 1; None where nothing is to be looked up, empty where
    nobody answers.
    """

    name = "embed"
    settings_type = CacheSettings

    def __init__(self, settings: CacheSettings, model_server: ModelClient, memo: Memo, embedders: Embedders) -> None:
        embedder = embedders.named(settings.similar.model)
        self._settings, self._look_up = settings, LookUp(settings, model_server, memo, embedder)
        self.asks = (("embed", embedder.options),)
        self.contract = Contract.of(
            Reads,
            writes=("prompt.vector",),
            limit=settings.similar.limit + _SLACK,
            on_error=OnError.FALLBACK,
            fallback=(b"",),
            after=("route",),
            ahead=True,
            cost=5.0,
        )

    async def run(self, facts: Reads) -> tuple[bytes | None]:
        question = question_of(facts, self._settings) if is_cacheable(facts, self._settings) else None
        return (await self._look_up.embedded(question, facts.principal) if question is not None else None,)
