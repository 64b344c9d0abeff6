"""Embed the question, for the look-up of similar ones: the redacted text of the last turn becomes a vector.

Reads nothing that routing decides, so that it starts beside the guards that wait, and no attempt embeds again. Where the model
server does not answer there is no vector, which is a miss of the cache and nothing else.
"""

from base64 import b64decode
from typing import NamedTuple

from outgate.answers.keys import is_cacheable, question_of
from outgate.answers.settings import CacheSettings
from outgate.inference.operation import Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedders
from outgate.model_server.wire import ModelServerError
from outgate.pipeline.contract import Contract, OnError
from outgate.pipeline.stage import Stage


class Reads(NamedTuple):
    """The question, and whether its answer may be cached at all."""

    prompt: Prompt
    tools: Tools
    params: Params
    operation: Operation
    principal: Principal


class Embed(Stage):
    """Writes `prompt.vector`: float32, little-endian, of length 1; None where nothing is to be looked up."""

    name = "embed"
    settings_type = CacheSettings

    def __init__(self, settings: CacheSettings, model_server: ModelClient, embedders: Embedders) -> None:
        self._settings, self._models = settings, model_server
        self._options = embedders.named(settings.similar.model).options
        self.asks = (("embed", self._options),)
        self.contract = Contract.of(
            Reads,
            writes=("prompt.vector",),
            limit=settings.similar.limit,
            on_error=OnError.FALLBACK,
            fallback=(None,),
            cost=5.0,
        )

    async def run(self, facts: Reads) -> tuple[bytes | None]:
        question = question_of(facts, self._settings) if is_cacheable(facts, self._settings) else None
        if question is None:
            return (None,)
        try:
            (vector,) = await self._models.ask("embed", [question], options=self._options, share=facts.principal.tenant)
            return (b64decode(vector, validate=True),)
        except (ModelServerError, TypeError, ValueError):
            return (None,)
