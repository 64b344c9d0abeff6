"""Tool calls in Gemini's answers: a part each, whole in its event; words in a part take the place of one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from outgate.dialects.answers import WholeAnswer, WholeEvent
from outgate.dialects.calls import HeldCalls, Variants, words_for
from outgate.dialects.events import JsonEvent
from outgate.dialects.gemini.parts import called, candidates, is_call, member, parts_of
from outgate.dialects.gemini.stream import ArrayAnswer, GeminiStream, reported
from outgate.dialects.gemini.tables import RESPONSE
from outgate.inference.calls import CallKind, Decide
from outgate.inference.stream import Event

_FUNCTION = ("functionCall", "function_call")
_CODE = ("executableCode", "executable_code")
_UNREADABLE = ("partialArgs", "partial_args", "willContinue", "will_continue")
"""Members of a call that is told in pieces, by the paths of its arguments: no policy reads it so."""
_NOT_GIVEN = "[The result of a call that policy withheld.]"


class GeminiCalls(HeldCalls):
    """See `dialects.calls.CallReader`. `_taken` says whether code was refused, whose result must not stand alone."""

    def __init__(self, decide: Decide) -> None:
        super().__init__(decide, WholeAnswer(RESPONSE, reported), GeminiStream())
        self._taken = self._changed = False

    def _concerns(self, event: JsonEvent) -> bool:
        parts = [part for _, candidate in candidates(event.tree) for part in parts_of(candidate)]
        return any(map(is_call, parts)) or (self._taken and any(map(_is_result, parts)))

    def _read(self, event: JsonEvent, tree: dict[str, Any]) -> Any:  # noqa: ARG002
        self._changed = self._rewritten(tree)
        return tree

    def _waits(self) -> bool:
        return False

    def _finish(self) -> None:
        """Every call was whole in its event."""

    def _written(self, came: Event, event: Event, about: Any) -> Iterable[Event]:  # noqa: ARG002
        return self._events(event, about) if self._changed else (event,)

    def _complete(self, event: JsonEvent | WholeEvent) -> Sequence[Event]:
        if event.encode()[:1] == b"[":
            self._whole = ArrayAnswer()  # type: ignore[assignment]
        return super()._complete(event)

    def _rewritten(self, tree: dict[str, Any]) -> bool:
        changed = False
        for _, candidate in candidates(tree):
            parts = parts_of(candidate)
            for at, part in enumerate(parts):
                words = self._words_of(part)
                if words is not None:
                    parts[at], changed = {"text": words}, True
        return changed

    def _words_of(self, part: Any) -> str | None:
        if self._taken and _is_result(part):
            return _NOT_GIVEN
        if not is_call(part):
            return None
        told = [told_by(name, value) for name, value in called(part)] if isinstance(part, dict) else [_faulty()]
        words = next(filter(None, (words_for(self._decide, each) for each in told)), None)
        self._taken = self._taken or (words is not None and any(each.kind is CallKind.HOSTED for each in told))
        return words


def told_by(name: str, value: Any) -> Variants:
    """A member of a part as a call. One that nobody knows is a call by its own name."""
    if name not in _FUNCTION:
        told = Variants(CallKind.HOSTED)
        told.named("code_execution" if name in _CODE else name)
        told.whole(value)
        return told
    if not isinstance(value, dict):
        return _faulty()
    told = Variants()
    told.named(value.get("name"))
    told.whole(value.get("args"))
    if any(value.get(each) for each in _UNREADABLE) or not isinstance(value.get("args"), dict | None):
        told.fault = told.fault or "arguments"
    return told


def _is_result(part: Any) -> bool:
    return isinstance(part, Mapping) and any(member(part, name) is not None for name in ("codeExecutionResult", "toolResponse"))


def _faulty() -> Variants:
    told = Variants()
    told.fault = "call"
    return told
