"""Tool calls in chat completions: of each choice, whole when it has finished; words in its content take the place of one.

The calls that are left are numbered anew, since clients take `index` for a place in a list.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from outgate.dialects.answers import WholeAnswer
from outgate.dialects.calls import HeldCalls, Variants, words_for
from outgate.dialects.events import JsonEvent
from outgate.dialects.openai.stream import OpenAIStream, index_of, reported
from outgate.dialects.openai.tables import COMPLETION
from outgate.inference.calls import CallKind, Decide
from outgate.inference.stream import Event

_HOLDERS = ("delta", "message")
_LEGACY = -1
"""The place of `function_call`, of which there is one."""
_CALLED = ("tool_calls", "function_call")


class _Choice:
    """The calls of one choice, by their index; `words` take the place of those that are refused, `left` numbers the others."""

    def __init__(self) -> None:
        self.calls: dict[int, Variants] = {}
        self.words: dict[int, str] = {}
        self.left: dict[int, int] = {}
        self.said: set[int] = set()

    def settle(self, decide: Decide) -> None:
        for index, told in self.calls.items():
            words = words_for(decide, told)
            if words is not None:
                self.words[index] = words
        kept = sorted(set(self.calls).difference(self.words, (_LEGACY,)))
        self.left = {index: number for number, index in enumerate(kept)}

    def next_words(self, index: int) -> str:
        """The words for a call, where its first piece stood; nothing where others stand."""
        if index in self.said:
            return ""
        self.said.add(index)
        return self.words[index]


class ChatCalls(HeldCalls):
    """See `dialects.calls.CallReader`. `_choices` have calls that are not whole, `_settled` are those that finished."""

    def __init__(self, decide: Decide) -> None:
        super().__init__(decide, WholeAnswer(COMPLETION, reported), OpenAIStream(include_usage=True))
        self._choices: dict[int, _Choice] = {}
        self._settled: dict[int, _Choice] = {}

    def _concerns(self, event: JsonEvent) -> bool:
        return any(_called(holder) for _, choice in _choices(event.tree) for holder in _holders(choice))

    def _read(self, event: JsonEvent, tree: dict[str, Any]) -> Any:  # noqa: ARG002
        for index, choice in _choices(tree):
            for holder in _holders(choice):
                for place, call in _calls(holder):
                    known = self._choices.setdefault(index, _Choice())
                    _note(known.calls.setdefault(place, Variants()), call, legacy=place == _LEGACY)
            if choice.get("finish_reason") and index in self._choices:
                self._settle(index)
        return tree

    def _settle(self, index: int) -> None:
        choice = self._settled[index] = self._choices.pop(index)
        choice.settle(self._decide)

    def _waits(self) -> bool:
        return bool(self._choices)

    def _finish(self) -> None:
        for index in list(self._choices):
            self._settle(index)

    def _written(self, came: Event, event: Event, about: Any) -> Iterable[Event]:  # noqa: ARG002
        if about is None or not any(self._settled[index].words for index, _ in _choices(about) if index in self._settled):
            return (event,)
        changed = [self._without(choice, self._settled.get(index)) for index, choice in _choices(about)]
        if not any(changed):
            return (event,)
        if not any(map(_tells, about["choices"])) and not about.get("usage"):
            return ()
        return self._events(event, about)

    def _rewritten(self, tree: dict[str, Any]) -> bool:
        changed = False
        for _, choice in _choices(tree):
            known = _Choice()
            for holder in _holders(choice):
                for place, call in _calls(holder):
                    _note(known.calls.setdefault(place, Variants()), call, legacy=place == _LEGACY)
            known.settle(self._decide)
            if known.words:
                changed |= self._without(choice, known)
        return changed

    def _without(self, choice: dict[str, Any], known: _Choice | None) -> bool:
        """Take the refused calls out of a choice, and say why instead. Whether anything was changed."""
        if known is None or not known.words:
            return False
        changed = [_taken_out(holder, known) for holder in _holders(choice)]
        ended = choice.get("finish_reason") in ("tool_calls", "function_call") and len(known.words) == len(known.calls)
        if ended:
            choice["finish_reason"] = "stop"
        return ended or any(changed)


def _taken_out(holder: dict[str, Any], known: _Choice) -> bool:
    if not _called(holder):
        return False
    kept: list[Any] = []
    for place, call in _calls(holder):
        if place in known.words:
            words = known.next_words(place)
            if words:
                said = holder.get("content")
                holder["content"] = f"{said}\n{words}" if isinstance(said, str) and said else words
        elif place != _LEGACY:
            kept.append({**call, "index": known.left[place]} if "index" in call else call)
    if _LEGACY in known.words:
        holder.pop("function_call", None)
    if kept:
        holder["tool_calls"] = kept
    else:
        holder.pop("tool_calls", None)
    return True


def _note(told: Variants, call: Any, *, legacy: bool) -> None:
    """One element of `tool_calls`, or a piece of one."""
    if not isinstance(call, dict):
        told.fault = "call"
        return
    parts = [call] if legacy else [call[name] for name in ("function", "custom") if call.get(name) is not None]
    if call.get("type") == "custom" or "custom" in call:
        told.kind = CallKind.CUSTOM
    elif call.get("type") not in (None, "", "function"):
        told.fault = "call"
    for part in parts:
        if not isinstance(part, dict):
            told.fault = "call"
            continue
        if part.get("name") is not None:
            told.named(part["name"])
        told.piece(part.get("input" if told.kind is CallKind.CUSTOM else "arguments"))


def _choices(tree: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    choices = tree.get("choices")
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        if isinstance(choice, dict):
            yield index_of(choice, position), choice


def _holders(choice: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [choice[name] for name in _HOLDERS if isinstance(choice.get(name), dict)]


def _called(holder: Mapping[str, Any]) -> bool:
    return any(holder.get(name) for name in _CALLED)


def _calls(holder: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    """The calls in a message or a piece of one, each with its place."""
    listed = holder.get("tool_calls")
    for position, call in enumerate(listed if isinstance(listed, list) else [listed] if listed else ()):
        yield index_of(call, position) if isinstance(call, dict) else position, call
    if holder.get("function_call"):
        yield _LEGACY, holder["function_call"]


def _tells(choice: Any) -> bool:
    """Whether a choice of a chunk says anything."""
    if not isinstance(choice, dict) or choice.get("finish_reason"):
        return True
    return any(value not in (None, "", [], {}) for holder in _holders(choice) for value in holder.values())
