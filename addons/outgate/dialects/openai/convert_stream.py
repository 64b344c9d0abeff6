"""Streamed chat completions from and to items of a conversation.

Texts are read one after another: another kind of text, or a call, ends the one before it. What contradicts a call or a text that
was told already breaks the answer off: half of a call's arguments must reach nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.error_codes import status_told
from outgate.dialects.free_text import as_asked, is_told_as_function
from outgate.dialects.json_body import dump
from outgate.dialects.numbered import Numbered
from outgate.dialects.openai.convert_answer import finish_of, lost_in, read_failure, reason_of, spent, usage_of, write_failure
from outgate.dialects.openai.convert_parts import annotations, words_of
from outgate.dialects.openai.convert_pieces import PendingCall, Words, told
from outgate.dialects.openai.stream import DONE, index_of, is_error
from outgate.dialects.sse import encode as sse_event
from outgate.dialects.translation import Lose, unheard
from outgate.inference.conversation import (
    Begun,
    Call,
    Cited,
    Conversation,
    Counted,
    Failure,
    Finished,
    Over,
    Part,
    PartBegun,
    PartEnded,
    Piece,
    Refused,
    Spent,
    StreamItem,
    Text,
    Thought,
)
from outgate.inference.stream import Finish

_TEXTS: Mapping[str, type[Text | Thought | Refused]] = {
    "reasoning_content": Thought, "reasoning": Thought, "content": Text, "refusal": Refused,
}  # fmt: skip
_SAYING = (*_TEXTS, "tool_calls", "function_call")
_MIXED = Failure(502, "", "The provider mixed the arguments of several tool calls.")
_CHANGED = Failure(502, "", "The provider sent its answer again and again, and changed what it had said.")
_NAMELESS = Failure(502, "", "The provider called a tool and did not say which.")


class _Choice(Numbered):
    """The parts of one choice so far. `_calls` are its calls that have not ended, `_last` the last one under each index."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._words = {name: Words() for name in _TEXTS}
        self._calls: list[PendingCall] = []
        self._last: dict[Any, PendingCall] = {}
        self.over = False

    def read(self, delta: Mapping[str, Any], *, whole: bool) -> Iterator[StreamItem]:
        """An event of it; `whole` says that it tells all so far."""
        for name, kind in _TEXTS.items():
            text = delta.get(name)
            if text and not (name == "reasoning" and delta.get("reasoning_content")):
                yield from self._say(name, text, whole=whole) if isinstance(text, str) else self._in_parts(kind, text)
        if self.open is Text:
            yield from (Cited(self.at, citation, self.alternative) for citation in delta.get("annotations") or ())
        for at, call in enumerate(delta.get("tool_calls") or ()):
            yield from self._call(index_of(call, at), call)
        if delta.get("function_call"):
            yield from self._call("function_call", {"function": delta["function_call"]})

    def _say(self, name: str, text: str, *, whole: bool) -> Iterator[StreamItem]:
        new = self._words[name].new(text, whole=whole)
        if new is None:
            yield _CHANGED
        elif new:
            yield from self._piece(_TEXTS[name], new)

    def _in_parts(self, kind: type[Text | Thought | Refused], given: Any) -> Iterator[StreamItem]:
        for each in words_of(given):
            yield from self._piece(kind if isinstance(each, Text) else Thought, each.text)

    def _piece(self, kind: type[Text | Thought | Refused], text: str) -> Iterator[StreamItem]:
        if kind is not self.open:
            yield from self._settle()
            yield from self.begin(kind, kind(""))
        yield self.piece(text)

    def _call(self, index: Any, given: Mapping[str, Any]) -> Iterator[StreamItem]:
        custom, name, said = told(given)
        called = given.get("id") or ""
        call = self._last.get(index)
        if call is None or call.precedes(called, name, said):
            call = self._last[index] = PendingCall(custom=custom)
            self._calls.append(call)
        call.id = call.id or called
        new = call.add(said) if call.renamed(name) else None
        if new is None:
            yield _MIXED
        elif call.at >= 0 and new:
            yield Piece(call.at, new, self.alternative)
        elif call.at < 0 and call.name and call.said:
            yield from self._settle(but=call)
            yield from self._tell(call)

    def _tell(self, call: PendingCall) -> Iterator[StreamItem]:
        call.at = self.next()
        yield PartBegun(call.at, Call(call.id or f"call_{call.at}", call.name, "", custom=call.custom), self.alternative)
        if call.said:
            yield Piece(call.at, call.said, self.alternative)

    def _settle(self, but: PendingCall | None = None, *, over: bool = False) -> Iterator[StreamItem]:
        """Something else begins: the open text ends, and so do calls before it that are whole; at the end of the choice, all."""
        yield from self._rest()
        yield from self.end()
        for call in [*self._calls]:
            if call is but:
                return
            if not call.name:
                continue
            if call.at < 0:
                yield from self._tell(call)
            if over or call.custom or call.whole:
                yield from self._ended(call)

    def _ended(self, call: PendingCall) -> Iterator[StreamItem]:
        self._calls.remove(call)
        call.ended = True
        if rest := call.rest():
            yield Piece(call.at, rest, self.alternative)
        yield PartEnded(call.at, self.alternative)

    def _rest(self) -> Iterator[StreamItem]:
        for name, kind in _TEXTS.items():
            if text := self._words[name].rest():
                yield from self._piece(kind, text)

    def close(self) -> Iterator[StreamItem]:
        """The end of the choice."""
        self.over = True
        yield from self._settle(over=True)
        if self._calls:
            yield _NAMELESS


class ChatReader:
    """See `translation.StreamReader`."""

    def __init__(self, lose: Lose = unheard) -> None:
        self._lose = lose
        self._begun = self._over = False
        self._choices: dict[int, _Choice] = {}

    def feed(self, event: str, tree: Mapping[str, Any] | None) -> Sequence[StreamItem]:
        if self._over:
            return ()
        if tree is None:
            self._over = True
            return [*self._rest(), Over()]
        if event == "error" or is_error(tree):
            self._over = True
            return (read_failure(status_told(tree, 502), tree),)
        return list(self._read(tree))

    def end(self) -> Sequence[StreamItem]:
        """Some servers leave `[DONE]` out."""
        whole = bool(self._choices) and all(choice.over for choice in self._choices.values())
        return (Over(),) if whole and not self._over else ()

    def _rest(self) -> Iterator[StreamItem]:
        """The ends of choices of which nobody said why they ended."""
        for number, choice in self._choices.items():
            if not choice.over:
                yield from choice.close()
                yield Finished(Finish.STOP, alternative=number)

    def _read(self, tree: Mapping[str, Any]) -> Iterator[StreamItem]:
        if not self._begun and (tree.get("id") or tree.get("choices")):  # Azure's first chunk tells of the prompt alone
            self._begun = True
            yield Begun(tree.get("id") or "", tree.get("model") or "", tree.get("created") or 0)
        for at, given in enumerate(tree.get("choices") or ()):
            number = index_of(given, at)
            choice = self._choices.setdefault(number, _Choice(number))
            said, whole = _said(given)
            lost_in(given, said, self._lose)
            yield from choice.read(said, whole=whole)
            if given.get("finish_reason") and not choice.over:
                yield from choice.close()
                yield Finished(finish_of(given["finish_reason"]), alternative=number)
        usage = spent(tree.get("usage"))
        if usage is not None:
            yield Counted(usage)


def _said(choice: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What an event of a choice says, and whether that is all so far: some servers tell it in a `message`, in place of a `delta`
    or behind the last one.
    """
    delta, message = choice.get("delta") or {}, choice.get("message")
    if not message or any(map(delta.get, _SAYING)):
        return delta, False
    return message, True


class ChatWriter:
    """See `translation.StreamWriter`: usage is always told, and hidden from who did not ask for it. `_held` are calls of tools of
    free text that the provider knows as functions: their text is there once their arguments are whole.
    """

    def __init__(self, asked: Conversation) -> None:
        self._asked = asked
        self._held: dict[tuple[int, int], str] = {}
        self._head: dict[str, Any] = {}
        self._parts: dict[tuple[int, int], Part] = {}
        self._calls: dict[tuple[int, int], int] = {}
        self._usage: Spent | None = None

    def write(self, item: StreamItem) -> bytes:
        match item:
            case Begun(id_, model, created, usage):
                self._head = {"id": id_, "object": "chat.completion.chunk", "created": created, "model": model}
                self._usage = usage
                return self._chunk(0, {"role": "assistant", "content": ""})
            case PartBegun(at, part, alternative):
                self._parts[alternative, at] = part
                return self._begin(alternative, at, part)
            case Piece(at, text, alternative):
                return self._piece(alternative, at, text)
            case Cited(_, citation, alternative):
                known = annotations([citation])
                return self._chunk(alternative, {"annotations": known}) if known else b""
            case PartEnded(at, alternative) if (alternative, at) in self._held:
                return self._call(alternative, at, self._whole(alternative, at))
            case Finished(finish, _, alternative):
                return self._chunk(alternative, {}, reason_of(finish))
            case Counted(usage):
                self._usage = usage
            case Failure():
                return sse_event(dump(write_failure(item)))
            case Over():
                return self._end()
        return b""

    def _begin(self, alternative: int, at: int, part: Part) -> bytes:
        if not isinstance(part, Call):
            text = part.text if isinstance(part, Text | Thought | Refused) else ""
            return self._chunk(alternative, self._delta(alternative, at, text)) if text else b""
        if is_told_as_function(part, self._asked):
            self._held[alternative, at] = part.arguments
            return b""
        return self._call(alternative, at, part)

    def _whole(self, alternative: int, at: int) -> Call:
        part = self._parts[alternative, at]
        assert isinstance(part, Call)
        return as_asked(part._replace(arguments=self._held.pop((alternative, at))), self._asked)

    def _piece(self, alternative: int, at: int, text: str) -> bytes:
        if (alternative, at) in self._held:
            self._held[alternative, at] += text
            return b""
        return self._chunk(alternative, self._delta(alternative, at, text))

    def _call(self, alternative: int, at: int, part: Call) -> bytes:
        index = self._calls[alternative, at] = sum(number == alternative for number, _ in self._calls)
        told = {"custom": {"name": part.name, "input": part.arguments}} if part.custom else _function(part)
        kind = "custom" if part.custom else "function"
        return self._chunk(alternative, {"tool_calls": [{"index": index, "id": part.id, "type": kind, **told}]})

    def _delta(self, alternative: int, at: int, text: str) -> dict[str, Any]:
        part = self._parts[alternative, at]
        if isinstance(part, Call):
            told = {"custom": {"input": text}} if part.custom else {"function": {"arguments": text}}
            return {"tool_calls": [{"index": self._calls[alternative, at], **told}]}
        name = "reasoning_content" if isinstance(part, Thought) else "refusal" if isinstance(part, Refused) else "content"
        return {name: text}

    def _chunk(self, alternative: int, delta: Mapping[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": alternative, "delta": delta, "logprobs": None, "finish_reason": reason}
        return sse_event(dump({**self._head, "choices": [choice]}))

    def _end(self) -> bytes:
        told = sse_event(dump({**self._head, "choices": [], "usage": usage_of(self._usage)})) if self._usage is not None else b""
        return told + DONE


def _function(call: Call) -> dict[str, Any]:
    return {"function": {"name": call.name, "arguments": call.arguments}}
