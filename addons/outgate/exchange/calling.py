"""Run a judge of tool calls: the dialect holds them until they are whole, the judge decides about each.

What cannot be read as a call of the dialect goes past no judge: the reader announces it as a call with a fault. Where nobody judges
calls, and a judge of text may end the answer in words, they are held all the same (`Unfinished`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from outgate.dialects.calls import CallReader
from outgate.errors import ContractViolationError
from outgate.exchange.judging import TOO_LONG, CutError, EndedError, Guard
from outgate.inference.calls import Call, Decide
from outgate.inference.judge import CALLS_HELD, CallJudge, Cut
from outgate.inference.stream import Event


class Calling(Guard):
    """A judge of tool calls at its place in the pass."""

    _reader: CallReader | None = None

    def reads(self, reader: Callable[[Decide], CallReader] | None) -> None:
        """Take what reads the calls of the answer; None where no answer of this kind has any."""
        self._reader = None if reader is None else reader(self._decide)
        self._decisions: dict[Call, str | None] = {}

    async def feed(self, event: Event) -> Sequence[Event]:
        reader = self._reader
        if reader is None:
            return (event,)
        passed = self._asked(lambda: reader.feed(event), event)
        assert isinstance(self.judge, CallJudge)
        if reader.size > self.judge.most:
            self._cut(TOO_LONG)
        return passed

    async def flush(self) -> Sequence[Event]:
        reader = self._reader
        return () if reader is None else self._asked(reader.rest)

    def _asked(self, read: Callable[[], Sequence[Event]], event: Event | None = None) -> Sequence[Event]:
        start = self._clock()
        try:
            return read()
        except (CutError, EndedError):
            raise
        except Exception as error:
            reader, self._reader = self._reader, None
            self._fail(error)
            held = list(reader.open()) if reader is not None else []
            return held if event is None or event in held else [*held, event]
        finally:
            self.ns += self._clock() - start

    def _decide(self, call: Call) -> str | None:
        if call in self._decisions:
            return self._decisions[call]
        assert isinstance(self.judge, CallJudge)
        decision: Any = self.judge.call(call)
        if isinstance(decision, Cut):
            self._cut(decision.denial)
        if decision is not None and not isinstance(decision, str):
            raise ContractViolationError(f"{self.step.name} returned {type(decision).__name__}, not a decision")
        self._decisions[call] = decision
        return decision


class Unfinished:
    """Tool calls that are not whole, behind all judges: an answer that ends in words ends before them, and no client has half of
    one to run. Beyond `most` characters they go on as they come.
    """

    def __init__(self, reader: Callable[[Decide], CallReader], most: int = CALLS_HELD) -> None:
        self._reader: CallReader | None = reader(lambda _: None)
        self._most = most

    async def feed(self, event: Event) -> Sequence[Event]:
        reader = self._reader
        if reader is None:
            return (event,)
        try:
            passed = reader.feed(event)
        except Exception:  # what cannot be read is not held; judges have let it go on
            return self._opened(reader, (event,))
        return self._opened(reader, passed) if reader.size > self._most else passed

    async def flush(self) -> Sequence[Event]:
        return () if self._reader is None else self._reader.rest()

    def _opened(self, reader: CallReader, behind: Sequence[Event]) -> Sequence[Event]:
        self._reader = None
        held = list(reader.open())
        return [*held, *(event for event in behind if event not in held)]
