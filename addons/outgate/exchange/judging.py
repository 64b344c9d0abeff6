"""Run one judge: join text by part, hold back its window, apply its decisions, `limit` and `on_error`.

Text is joined by part. What a judge wants to see more of is held back, and leaves with the part's next event, or in an event of its
own before the part closes. Nothing leaves unjudged: a judge that raises, runs out of time or returns what it may not is answered
by its contract's `on_error`.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Hashable, Sequence
from inspect import iscoroutine
from typing import Any, NoReturn

from outgate.errors import ContractViolationError, Denial
from outgate.inference.judge import ON, Cut, End, Judge, Part, Pass, Replace
from outgate.inference.stream import Event, Text
from outgate.pipeline.executor import broken, is_ending
from outgate.pipeline.plan import Step
from outgate.pipeline.waiting import limited

LIMIT = 10.0
"""Seconds that a judge may wait where its contract does not say."""
MOST_PARTS = 4096
"""Parts of one answer that are open at a time; no dialect has so many, and a judge keeps something for each."""
_DECISIONS = frozenset({Pass, Replace, Cut, End})
TOO_LONG = Denial(code="answer_too_long", status=502, message="The answer is longer than policy can judge.")


class CutError(Exception):
    """A judge ended the answer with a denial."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.code)
        self.denial = denial


class EndedError(Exception):
    """A judge ended the answer with other words, in this part."""

    def __init__(self, text: str, part: Hashable, stage: str) -> None:
        super().__init__(stage)
        self.text, self.part, self.stage = text, part, stage


class _Open:
    """A part that may go on: its text that is held back, and the event and place that can carry it."""

    __slots__ = ("event", "index", "part", "text")

    def __init__(self, part: Part) -> None:
        self.part = part
        self.text = ""
        self.event: Event | None = None
        self.index = 0


class Guard:
    """One judge at its place in the pass. `ns` is the time it took, `outcome` its word in the trace."""

    def __init__(self, step: Step, judge: Judge | None, clock: Callable[[], int], ns: int, failed: tuple[Any, ...] | None) -> None:
        self.step = step
        self.judge = judge
        self.ns = ns
        self.outcome = "ok" if failed is None else "error"
        self._clock = clock
        self._limit = LIMIT if step.limit is None else step.limit
        self._failed = failed
        self._open: dict[Hashable, _Open] = {}
        if judge is not None:
            self._judge: Callable[[Part, str, bool], Any] = judge.judge
            self._window, self._overlap, self._channels = judge.window or 0, judge.overlap, judge.channels
            self._keeps = type(judge).passed is not Judge.passed

    async def feed(self, event: Event) -> Sequence[Event]:
        """The event as it may go on, behind what its closing parts still held."""
        channels = self._channels
        released: tuple[Event, ...] = ()
        if channels is None or channels:
            texts, closes = event.texts, event.closes
            changes: dict[int, str] = {}
            ends: dict[Hashable, int] = {}
            if closes or event.whole:
                ends = {text.part: index for index, text in enumerate(texts)}
                if closes and self._open:
                    released = await self._closed([part for part in closes if part not in ends])
                if not event.whole:
                    ends = {part: ends[part] for part in closes if part in ends}
            for index, text in enumerate(texts):
                if channels is None or text.channel in channels:
                    final = ends.get(text.part) == index
                    known = self._open.get(text.part)
                    if known is None or final:
                        known = self._begun(known, text, final)
                    known.event, known.index = event, index
                    out = self._decided(known, known.text + text.text, final)
                    if out is not text.text:
                        changes[index] = out if out.__class__ is str else await out  # type: ignore[misc]
            if changes:
                event = event.replace(changes)
        passed: Sequence[Event] = (*released, event) if released else (event,)
        return self._passed(passed) if self._keeps else passed

    async def flush(self) -> Sequence[Event]:
        """What is still held back, judged: no part goes on."""
        return self._passed(await self._closed(tuple(self._open)))

    def found(self) -> tuple[Any, ...]:
        """The facts of the stage. Raises CutError where telling them fails, and its contract denies."""
        if self._failed is not None or self.judge is None:
            return self._failed or (None,) * len(self.step.out)
        try:
            return (self.judge.verdict(),)
        except Exception as error:
            self._fail(error)
            return self._failed or ()

    def _begun(self, known: _Open | None, text: Text, final: bool) -> _Open:  # noqa: FBT001
        """A part of which the first text has come, or the last."""
        if known is None:
            known = _Open(_part(text))
            if not final:
                self._open[text.part] = known
                if len(self._open) > MOST_PARTS:
                    self._cut(TOO_LONG)
        else:
            del self._open[text.part]
        return known

    async def _closed(self, parts: Sequence[Hashable]) -> tuple[Event, ...]:
        """What parts that close still held, each in an event of its own."""
        released: list[Event] = []
        for key in parts:
            known = self._open.pop(key, None)
            if known is not None:
                out = self._decided(known, known.text, True)
                text: str = out if out.__class__ is str else await out  # type: ignore[misc]
                if text:
                    assert known.event is not None
                    released.append(known.event.only(known.index, text))
        return tuple(released)

    def _decided(self, known: _Open, text: str, final: bool) -> str | Awaitable[str]:  # noqa: FBT001
        """What of `text` the judge lets go on; the rest is held. Awaitable only where the judge is."""
        start = self._clock()
        try:
            decision = self._judge(known.part, text, final)
            if decision.__class__ not in _DECISIONS:
                return self._awaited(decision, known, text, final)
            released = self._split(decision, known, text, final)
        except (CutError, EndedError):
            raise
        except (Exception, CancelledError) as error:
            released = self._failing(error, known, text)
        finally:
            self.ns += self._clock() - start
        return released

    async def _awaited(self, pending: Any, known: _Open, text: str, final: bool) -> str:  # noqa: FBT001
        """The same, for a judge that waits."""
        start = self._clock()
        try:
            if not iscoroutine(pending):
                raise ContractViolationError(f"{self.step.name} returned {type(pending).__name__}, not a decision")
            decision = await limited(pending, self._limit)
            if is_ending():
                raise CancelledError  # the judge kept it to itself
            return self._split(decision, known, text, final)
        except (CutError, EndedError):
            raise
        except CancelledError as error:
            if is_ending():
                raise
            return self._failing(error, known, text)
        except Exception as error:
            return self._failing(error, known, text)
        finally:
            self.ns += self._clock() - start

    def _split(self, decision: Any, known: _Open, text: str, final: bool) -> str:  # noqa: FBT001
        """What goes on, by a decision; the rest is held. Raises ContractViolationError for one that a judge may not make."""
        kind = decision.__class__
        if decision is ON:
            released, known.text = text, ""
        elif kind is Pass or kind is Replace:
            whole = min(self._window, len(text))
            hold = whole if decision.hold is None else decision.hold
            if not 0 <= hold <= whole:
                raise ContractViolationError(f"{self.step.name} holds back more than its window, or than there is")
            done = len(text) - hold
            released, known.text = text[:done] if kind is Pass else decision.text, text[done:]
            if released.__class__ is not str:
                raise ContractViolationError(f"{self.step.name} replaces text by a {type(released).__name__}")
            if final:
                released, known.text = released + known.text, ""
        else:
            self._ended(decision, known.part)
        if self._overlap and not final:
            known.part = known.part._replace(before=(known.part.before + released)[-self._overlap :])
        return released

    def _ended(self, decision: Any, part: Part) -> NoReturn:
        if isinstance(decision, Cut) and isinstance(decision.denial, Denial):
            self._cut(decision.denial)
        if isinstance(decision, End) and isinstance(decision.text, str):
            self.outcome = "answered"
            raise EndedError(decision.text, part.key, self.step.name)
        raise ContractViolationError(f"{self.step.name} returned {type(decision).__name__}, not a decision")

    def _cut(self, denial: Denial) -> NoReturn:
        self.outcome = "denied"
        raise CutError(denial.by(self.step.name))

    def _passed(self, events: Sequence[Event]) -> Sequence[Event]:
        if self._keeps and self._failed is None:
            try:
                for event in events:
                    self.judge.passed(event)  # type: ignore[union-attr]
            except Exception as error:
                self._fail(error)
        return events

    def _failing(self, error: BaseException, known: _Open, text: str) -> str:
        self._fail(error)
        known.text = ""
        return text

    def _fail(self, error: BaseException) -> None:
        """Answer a failure: a denial ends the answer, else this judge has no more say in it."""
        self.outcome = "error"
        failed = self.step.on_error(broken(self.step, error))
        self._failed = failed.outputs if isinstance(failed, Denial) else failed
        self._judge = lambda *_: ON
        if isinstance(failed, Denial):
            raise CutError(failed.by(self.step.name)) from error


class Withholding(Guard):
    """A judge of whole parts: of a stream, nothing leaves before its end."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._events: list[Event] = []
        self._bytes = 0

    async def feed(self, event: Event) -> Sequence[Event]:
        if self._failed is not None:
            return await super().feed(event)
        if event.whole:
            return await self._judged([event])
        assert self.judge is not None
        self._bytes += len(event.encode())
        if self._bytes > self.judge.most:
            self._cut(TOO_LONG)
        self._events.append(event)
        return ()

    async def flush(self) -> Sequence[Event]:
        events, self._events = self._events, []
        return await self._judged(events)

    async def _judged(self, events: Sequence[Event]) -> Sequence[Event]:
        pieces: dict[Hashable, list[tuple[int, int, Text]]] = {}
        for at, event in enumerate(events):
            for index, text in enumerate(event.texts):
                if self._channels is None or text.channel in self._channels:
                    pieces.setdefault(text.part, []).append((at, index, text))
        changes: list[dict[int, str]] = [{} for _ in events]
        for said in pieces.values():
            whole = "".join(text.text for _, _, text in said)
            out = self._decided(_Open(_part(said[0][2])), whole, True)
            released: str = out if out.__class__ is str else await out  # type: ignore[misc]
            if released != whole:
                for at, index, _ in said:
                    changes[at][index], released = released, ""
        return self._passed([event.replace(changed) for event, changed in zip(events, changes, strict=True)])


def _part(text: Text) -> Part:
    return Part(text.part, text.channel, text.escaped, "", text.repeated)
