"""Act on an answer that tells the request's own instructions: its system prompt, and the definitions of its tools.

Word for word, in whatever case, spacing, quotes or markup, in base64 or hexadecimal too; what is said in other words passes. What
the user or a tool wrote into the request is no secret. Short instructions that everybody gives are not looked for.
"""

from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from outgate.detectors.output.instructions import indexed
from outgate.detectors.output.leaks import LeakJudge, needed
from outgate.detectors.output.requested import Requested
from outgate.detectors.output.settings import OutputSettings, Skipped, output_contract
from outgate.inference.judge import Judge
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.stream import EventStream
from outgate.pipeline.stage import Settings, StreamStage

_SECRET = frozenset({Channel.SYSTEM, Channel.TOOL_DEFINITION})
_KNOWN = frozenset({Channel.USER, Channel.TOOL_RESULT})


class LeakGuardSettings(OutputSettings):
    """How much of its instructions an answer may tell, and what happens when it tells more."""

    share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """The share of distinct sentences from which on it is a leak; two at least, where there are two."""
    sentences: Annotated[int, Field(ge=1)] = 6
    """So many are a leak, whatever their share."""
    least: Annotated[int, Field(ge=0)] = 100
    """Letters of instructions, all sentences together, below which there is nothing to tell."""
    window: Annotated[int, Field(ge=100, le=4_000)] = 400
    """Characters that are held back at most, while they stand so in a sentence. What is longer leaves before its end is judged."""


class Reads(NamedTuple):
    """The answer, and the request that it answers."""

    prompt: Prompt | None
    r_stream: EventStream


class LeakGuard(StreamStage):
    """Opens a judge that knows the instructions."""

    name = "leak_guard"
    settings_type: ClassVar[type[Settings]] = LeakGuardSettings

    def __init__(self, settings: LeakGuardSettings) -> None:
        self._settings = settings
        self.contract = output_contract(self.name, Reads, settings, cost=0.3)

    def open(self, facts: Any, /) -> Judge:
        if facts.prompt is None:
            return Skipped()
        settings, leaves = self._settings, facts.prompt.leaves
        known = indexed(tuple(leaf.text for leaf in leaves if leaf.channel in _SECRET and leaf.text))
        if sum(map(len, known.sentences)) < max(1, settings.least):
            return Skipped()
        need = needed(len(known.sentences), settings.share, settings.sentences)
        requested = Requested([leaf.text for leaf in leaves if leaf.channel in _KNOWN])
        return LeakJudge(settings, known, need, requested, settings.window)
