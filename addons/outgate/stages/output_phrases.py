"""Deny an answer that holds one of the policy's phrases, or replace them, streamed and not, in every dialect.

Phrases are literal, found in any case, however the answer is cut into pieces: a deny list for names and wordings that must not be
said. What only means the same passes. It judges placeholders, as the provider sent them.
"""

from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, StringConstraints

from outgate.detectors import escapes
from outgate.detectors.phrases import PhraseJudge, Phrases
from outgate.inference.prompt import Channel
from outgate.inference.stream import EventStream
from outgate.pipeline.contract import Contract, Holds, Judges, May
from outgate.pipeline.stage import Settings, StreamStage

type Phrase = Annotated[str, StringConstraints(min_length=1, max_length=200)]
type Said = Literal["assistant", "reasoning", "tool_arguments", "tool_result", "tool_definition"]
_EVERYWHERE: tuple[Said, ...] = ("assistant", "reasoning", "tool_arguments", "tool_result", "tool_definition")


class OutputPhrasesSettings(Settings):
    """Which phrases are looked for, where, and what happens when one is found."""

    phrases: tuple[Phrase, ...] = Field(min_length=1, max_length=1_000)
    """What must not be said, in any case. Longer phrases win over those that they begin with."""
    action: Literal["deny", "replace"] = "deny"
    """`deny` ends the answer before the phrase; `replace` puts `replacement` in its place."""
    replacement: str = Field(default="[removed]", max_length=200)
    """What stands in for a phrase."""
    whole_words: bool = False
    """Find a phrase only where neither end of it is inside a word."""
    channels: tuple[Said, ...] = Field(default=_EVERYWHERE, min_length=1)
    """Where is looked: what the model says, its reasoning, what it calls tools with, and what tools that the provider runs return
    and say of themselves.
    """


class Reads(NamedTuple):
    """The answer."""

    r_stream: EventStream


class OutputPhrases(StreamStage):
    """Opens a judge that knows the phrases."""

    name = "output_phrases"
    settings_type: ClassVar[type[Settings]] = OutputPhrasesSettings

    def __init__(self, settings: OutputPhrasesSettings) -> None:
        self._phrases = Phrases(settings.phrases, words=settings.whole_words)
        self._replacement = settings.replacement if settings.action == "replace" else None
        named = {Channel.KEY} if "tool_arguments" in settings.channels else set[Channel]()
        self._channels = frozenset(map(Channel, settings.channels)) | named
        replaces = self._replacement is not None
        self.contract = Contract.of(
            Reads,
            writes=("r.stream", "verdict.out.output_phrases") if replaces else ("verdict.out.output_phrases",),
            may=May.MUTATE if replaces else May.DENY,
            judges=Judges.CLEAN,
            preserves=("verdict.out.*",) if replaces else (),
            holds=Holds("what may become a phrase", escapes.LONGEST * (self._phrases.longest + 1)),
            cost=0.02,
        )

    def open(self, facts: Reads, /) -> PhraseJudge:  # noqa: ARG002
        return PhraseJudge(self._phrases, self._replacement, self._channels)
