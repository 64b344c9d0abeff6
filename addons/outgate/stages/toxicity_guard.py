"""Act on insults, threats and hate in what a model says: deny, answer, replace or flag, sentence by sentence.

A small linear model of English words (docs/results/output.md): it tells apart what is said about people from what is said against
them, by words; it knows no irony and no other language.
"""

from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from outgate.detectors.output.sentences import ScoredJudge
from outgate.detectors.output.settings import OutputSettings, Said, output_contract
from outgate.detectors.output.toxicity import shipped
from outgate.inference.stream import EventStream
from outgate.pipeline.stage import Settings, StreamStage


class ToxicityGuardSettings(OutputSettings):
    """From which score on something is found, and what happens then."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Least score, 0 to 1; `outgate evaluate output` shows what a threshold finds."""
    window: Annotated[int, Field(ge=50, le=4_000)] = 300
    """Characters that are held back at most: of a longer sentence the beginning is judged and leaves before its end has come."""
    channels: tuple[Said, ...] = Field(default=("assistant", "reasoning"), min_length=1)
    """Where is looked. The rest is told as unjudged."""


class Reads(NamedTuple):
    """The answer."""

    r_stream: EventStream


class ToxicityGuard(StreamStage):
    """Opens a judge that scores sentences."""

    name = "toxicity_guard"
    settings_type: ClassVar[type[Settings]] = ToxicityGuardSettings

    def __init__(self, settings: ToxicityGuardSettings) -> None:
        self._settings, self._model = settings, shipped()
        self.contract = output_contract(self.name, Reads, settings, cost=0.3)

    def open(self, facts: Any, /) -> ScoredJudge:  # noqa: ARG002
        settings = self._settings
        return ScoredJudge(settings, settings.window, settings.threshold, self._model.score, "toxicity.words")
