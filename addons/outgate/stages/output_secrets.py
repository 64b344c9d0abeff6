"""Act on keys, tokens and passwords that the model produced and the caller never sent: deny, answer, replace or flag.

It judges placeholders, as the provider sent them: what `secret_guard` took out of the request is not looked for, nor is a value
that the request holds in any other place.
"""

from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from outgate.detectors.output.requested import Requested
from outgate.detectors.output.secrets import SecretsJudge
from outgate.detectors.output.settings import OutputSettings, Skipped, output_contract
from outgate.detectors.secrets.kinds import KINDS
from outgate.guards.secret_search import SecretSearch
from outgate.inference.judge import Judge
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.inference.stream import EventStream
from outgate.model_server.client import ModelClient
from outgate.pipeline.stage import Settings, StreamStage
from outgate.stores.memo import Memo

type SecretKind = Literal["api_key", "password", "private_key"]


class OutputSecretsSettings(OutputSettings):
    """Which secrets an answer may not bring, and what happens when it does."""

    kinds: tuple[SecretKind, ...] = Field(default=KINDS, min_length=1)  # type: ignore[arg-type]
    """`api_key` (tokens too), `password` (also of URLs and connections) and `private_key`."""


class Reads(NamedTuple):
    """The answer, and the request that it answers."""

    prompt: Prompt | None
    principal: Principal
    r_stream: EventStream


class OutputSecrets(StreamStage):
    """Opens a judge that knows what the request holds."""

    name = "output_secrets"
    settings_type: ClassVar[type[Settings]] = OutputSecretsSettings
    asks = (("secrets", ()),)

    def __init__(self, settings: OutputSecretsSettings, model_server: ModelClient, memo: Memo) -> None:
        self._settings = settings
        self._search = SecretSearch(model_server, memo)
        self.contract = output_contract(self.name, Reads, settings, cost=0.2)

    def open(self, facts: Any, /) -> Judge:
        if facts.prompt is None:
            return Skipped()
        requested = Requested([leaf.text for leaf in facts.prompt.leaves])
        return SecretsJudge(self._settings, self._settings.kinds, self._search, requested, facts.principal)
