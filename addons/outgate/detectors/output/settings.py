"""Settings of a guard of the answer: where it looks, and what becomes of the answer when it finds something."""

from enum import StrEnum
from typing import Any, Literal, get_type_hints

from pydantic import Field

from outgate.inference.judge import CALLS_HELD, Judge
from outgate.inference.prompt import Channel
from outgate.inference.verdict import SKIPPED, Verdict
from outgate.pipeline.contract import Contract, Holds, Judges, May, OnError
from outgate.pipeline.stage import TimedSettings

type Said = Literal["assistant", "reasoning", "tool_arguments"]
EVERYWHERE: tuple[Said, ...] = ("assistant", "reasoning", "tool_arguments")

ORDER = ("output_phrases", "output_secrets", "output_pii", "leak_guard", "toxicity_guard", "output_topics")
"""Guards that may rewrite an answer: each that does judges what those before it let go on; one that does not judges before."""


class OutputAct(StrEnum):
    """What becomes of an answer in which something was found."""

    DENY = "deny"
    ANSWER = "answer"
    REPLACE = "replace"
    FLAG = "flag"


class OutputSettings(TimedSettings):
    """What a guard of the answer does about what it finds."""

    action: OutputAct = OutputAct.DENY
    """`deny` ends the answer before what was found: with a status, or the error event of the dialect where something has left.
    `answer` gives `answer` as if the model had said it, or ends what has left with it. `replace` puts `replacement` in the place
    of what was found, and `flag` writes the verdict down; the answer goes on.
    """
    answer: str = Field(default="I can't help with that.", min_length=1, max_length=4_000)
    """The words of `answer`."""
    replacement: str = Field(default="[removed]", max_length=200)
    """What stands in for what was found."""
    channels: tuple[Said, ...] = Field(default=EVERYWHERE, min_length=1)
    """Where is looked: what the model says, its reasoning, and what it calls tools with. The rest is told as unjudged."""
    on_error: Literal["deny", "open"] = "deny"
    """What becomes of the answer when the guard fails or runs out of time: `deny` ends it, `open` lets it go on unjudged."""

    def looks(self) -> frozenset[Channel]:
        """The channels that are shown to the judge; names of arguments are judged with them."""
        named = {Channel.KEY} if "tool_arguments" in self.channels else set[Channel]()
        return frozenset(map(Channel, self.channels)) | named


class Skipped(Judge):
    """The judge of an answer in which there is nothing to look for."""

    channels = frozenset()

    def verdict(self) -> Verdict:
        return SKIPPED


def output_contract(name: str, reads: type[tuple[Any, ...]], settings: OutputSettings, **fields: Any) -> Contract:
    """The contract of a guard of the answer that acts by these settings, on clean text.

    The request that it compares with is unset where a guard ended it before it was complete: that answer is the policy's own words.
    """
    replaces = settings.action is OutputAct.REPLACE
    verdict = f"verdict.out.{name}"
    usual: dict[str, Any] = {
        "writes": ("r.stream", verdict) if replaces else (verdict,),
        "may": (May.MUTATE if replaces else May.NOTHING) | May.DENY,
        "judges": Judges.CLEAN,
        "preserves": ("verdict.out.*",) if replaces else (),
        "optional": tuple(field for field in ("prompt",) if field in get_type_hints(reads)),
        "limit": settings.limit,
        "on_error": OnError(settings.on_error),
        "holds": Holds("tool calls until they are whole", CALLS_HELD) if settings.action is OutputAct.ANSWER else None,
        "after": ORDER[: ORDER.index(name)] if replaces else (),
    }
    return Contract.of(reads, **usual | fields)
