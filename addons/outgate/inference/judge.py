"""Judges of an answer: the text that one is shown, and what it may decide.

A judge is opened for one answer and lives as long as it. The engine (`exchange.guarded`) joins the text by part, holds back what a
judge wants to see more of, and does what it decides.
"""

from collections.abc import Awaitable, Hashable
from typing import Any, NamedTuple

from outgate.errors import Denial
from outgate.inference.calls import Call
from outgate.inference.operation import Operation
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event


class Part(NamedTuple):
    """One text of an answer: what one choice says, a content block, the arguments of a tool call.

    `escaped` says that the text is a piece of JSON, in which quotes and the like are escaped; `before` is the end of what was
    released of it, as long as the judge's `overlap`; `repeated` marks a text that was told before in the same answer.
    """

    key: Hashable
    channel: Channel
    escaped: bool = False
    before: str = ""
    repeated: bool = False


class Pass(NamedTuple):
    """The text goes on, all but its last `hold` characters; None holds back as many as the judge's `window`."""

    hold: int | None = None


class Replace(NamedTuple):
    """`text` takes the place of all but the last `hold` characters."""

    text: str
    hold: int = 0


class Cut(NamedTuple):
    """The answer ends here, with this denial: as a status where nothing of it has left, else as the dialect's error event."""

    denial: Denial


class End(NamedTuple):
    """These words are the answer, or the end of it where something has left. A tool call that is not whole is dropped, where the
    judge says that it `ends`; else the words are a denial there.
    """

    text: str


type Decision = Pass | Replace | Cut | End

CALLS_HELD = 1024 * 1024
"""Characters of unfinished tool calls that are held where a judge `ends` answers; longer ones go on as they come."""

ON = Pass(0)
"""All of it goes on, and nothing is held back: most decisions."""


class Judge:
    """One stage at work on one answer.

    `window` is the most characters of a part that are held back at a time; None asks for the whole part before it is judged, and
    for all of a stream before anything of it leaves: at most `most` bytes, beyond which the answer is denied. Its contract
    `holds` the whole then, so that a policy is warned (W_BUFFERS_STREAM). `channels` are those whose text it is shown; None is all.
    `ends` says that it may return an End: tool calls then leave when they are whole, so that words never come behind half of one.
    A judge that awaits is bounded by its contract's `limit`; one that does not is a `def`.
    """

    window: int | None = 0
    overlap: int = 0
    most: int = 1024 * 1024
    channels: frozenset[Channel] | None = None
    ends: bool = False

    def judge(self, part: Part, text: str, final: bool, /) -> Decision | Awaitable[Decision]:  # noqa: FBT001 (one of three, always given)
        """Decide on what was held back of a part and has now come.

        `final` is true once for each part: no more of it will come. The text is empty then where nothing was held.
        """
        raise NotImplementedError

    def passed(self, event: Event, /) -> None:
        """An event goes on, as this judge let it. Only for judges that keep something of it."""

    def verdict(self) -> Any:
        """The fact of the stage, when the answer has ended: what it found, or what it kept."""
        return None


class CallJudge(Judge):
    """One stage at work on the tool calls of one answer; text goes past it.

    From the first event of a call on the stream is held until its calls are whole: at most `most` characters of arguments and bytes
    of other events, beyond which the answer is denied. `operation` says in which dialect the answer is.
    """

    operation: Operation
    channels = frozenset()

    def judge(self, part: Part, text: str, final: bool, /) -> Decision:  # noqa: ARG002, FBT001
        return ON

    def call(self, call: Call, /) -> str | Cut | None:
        """None lets the call go on, words take its place, a Cut ends the answer. Of the same call always the same."""
        raise NotImplementedError
