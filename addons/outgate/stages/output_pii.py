"""Act on personal data that the model produced and the caller never sent: deny, answer, replace or flag, streamed and not.

It judges placeholders, as the provider sent them: what `redact` took out of the request is none of what it looks for, nor is a
value that the request holds in any other place.
"""

from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from outgate.detectors.output.personal import PersonalJudge
from outgate.detectors.output.requested import Requested
from outgate.detectors.output.settings import OutputSettings, Skipped, output_contract
from outgate.detectors.pii.finders import ENTITIES
from outgate.inference.judge import Judge
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.inference.stream import EventStream
from outgate.model_server.client import ModelClient
from outgate.model_server.pieces import PiiPieces
from outgate.pipeline.stage import Settings, StreamStage
from outgate.stores.memo import Memo

type Entity = Literal["CREDIT_CARD", "EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "NATIONAL_ID"]


class OutputPiiSettings(OutputSettings):
    """Which personal data an answer may not bring, and what happens when it does."""

    entities: tuple[Entity, ...] = Field(default=ENTITIES, min_length=1)  # type: ignore[arg-type]
    """Kinds of structured personal data, by presidio's names."""


class Reads(NamedTuple):
    """The answer, and the request that it answers."""

    prompt: Prompt | None
    principal: Principal
    r_stream: EventStream


class OutputPii(StreamStage):
    """Opens a judge that knows what the request holds."""

    name = "output_pii"
    settings_type: ClassVar[type[Settings]] = OutputPiiSettings

    def __init__(self, settings: OutputPiiSettings, model_server: ModelClient, memo: Memo) -> None:
        self._settings = settings
        self._entities: tuple[str, ...] = tuple(sorted(settings.entities))
        self.asks = (("pii", self._entities),)
        self._pieces = PiiPieces(model_server, memo, self._entities)
        self.contract = output_contract(self.name, Reads, settings, cost=0.2)

    def open(self, facts: Any, /) -> Judge:
        if facts.prompt is None:
            return Skipped()
        requested = Requested([leaf.text for leaf in facts.prompt.leaves])
        return PersonalJudge(self._settings, self._entities, self._pieces, requested, facts.principal)
