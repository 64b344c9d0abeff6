"""Converse answers, whole and streamed: each is told as Anthropic's API would, and read as that is.

A block of a stream begins with its first piece where nothing announced it; only calls of tools are announced. What ends the stream
is `metadata`, which tells the tokens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from secrets import token_hex
from typing import Any

from outgate.dialects.anthropic import convert_answer as anthropic
from outgate.dialects.anthropic.convert_stream import MessageReader
from outgate.dialects.parameters import bad, thing, things, word
from outgate.dialects.refusals import said
from outgate.dialects.translation import Lose, unheard
from outgate.inference.conversation import Answer, Failure, StreamItem

_REFUSED = {"guardrail_intervened": "refusal", "content_filtered": "refusal"}
_COUNTS = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheWriteInputTokens": "cache_creation_input_tokens",
}
_LOST = {"image": "images", "audio": "audio", "video": "video", "document": "files", "toolResult": "hosted_tools"}
_STATUSES = {
    "throttlingException": 429, "validationException": 400, "serviceUnavailableException": 503, "modelTimeoutException": 408,
}  # fmt: skip
"""Those of exceptions in a stream; every other one is the model's or the server's fault."""

type Tree = dict[str, Any]
type Named = Callable[[], str]


def _named() -> str:
    """An id: answers of this API have none."""
    return f"msg_{token_hex(12)}"


def read_answer(tree: Mapping[str, Any], lose: Lose = unheard, named: Named = _named) -> Answer:
    """See `translation.Converter`."""
    message = thing(thing(tree, "output"), "message")
    content = [block for each in things(message.get("content"), "content") for block in _block(each, lose)]
    return anthropic.read_answer({"id": named(), "content": content, **_stopped(tree), "usage": _usage(tree)}, lose)


def _block(block: Mapping[str, Any], lose: Lose) -> Iterator[Tree]:
    if "text" in block:
        yield {"type": "text", "text": word(block, "text")}
    elif "toolUse" in block:
        yield _call(thing(block, "toolUse"))
    elif "reasoningContent" in block:
        yield _thought(thing(block, "reasoningContent"))
    elif "citationsContent" in block:
        cited = thing(block, "citationsContent")
        _lost(cited.get("citations"), "citations", lose)
        yield {"type": "text", "text": "".join(word(each, "text") for each in things(cited.get("content"), "content"))}
    else:
        _unread(block, lose)


def _lost(held: Any, what: str, lose: Lose) -> None:
    if held:
        lose(what)


def _unread(block: Mapping[str, Any], lose: Lose) -> None:
    """Tell a block that is no part of an answer: its one member says what it is."""
    for name in block:
        lose(_LOST.get(name, "members"))


def _call(call: Mapping[str, Any]) -> Tree:
    return {"type": "tool_use", "id": word(call, "toolUseId"), "name": word(call, "name"), "input": call.get("input") or {}}


def _thought(thought: Mapping[str, Any]) -> Tree:
    if thought.get("redactedContent"):
        return {"type": "redacted_thinking", "data": word(thought, "redactedContent")}
    said = thing(thought, "reasoningText")
    return {"type": "thinking", "thinking": word(said, "text"), "signature": word(said, "signature")}


def _stopped(holder: Mapping[str, Any]) -> Tree:
    reason = word(holder, "stopReason")
    return {"stop_reason": _REFUSED.get(reason, reason)}


def _usage(holder: Mapping[str, Any]) -> Tree:
    usage = thing(holder, "usage")
    return {name: usage[theirs] for theirs, name in _COUNTS.items() if theirs in usage}


def read_failure(status: int, tree: Mapping[str, Any]) -> Failure:
    """See `translation.Converter`: what kind it is stands in a header field, and in the status."""
    message = said(tree)
    if not message:
        raise bad("message", "told")
    return Failure(status, "", message)


class ConverseReader:
    """See `translation.StreamReader`. `_begun` are the indices of blocks that have begun."""

    def __init__(self, lose: Lose = unheard, named: Named = _named) -> None:
        self._messages = MessageReader(lose)
        self._lose, self._named = lose, named
        self._begun: set[Any] = set()

    def feed(self, event: str, tree: Mapping[str, Any] | None) -> Sequence[StreamItem]:
        if tree is None:
            return ()
        if event == "error" or event.endswith("Exception"):
            failure = {"type": "error", "error": {"type": event, "message": word(tree, "message")}}
            items = self._messages.feed("", failure)
            return [item._replace(status=_STATUSES.get(event, 502)) if isinstance(item, Failure) else item for item in items]
        return [item for told in self._told(event, tree) for item in self._messages.feed("", told)]

    def end(self) -> Sequence[StreamItem]:
        return self._messages.end()

    def _told(self, event: str, tree: Mapping[str, Any]) -> Iterator[Tree]:
        """The events with which Anthropic's API would say the same."""
        index = tree.get("contentBlockIndex")
        if event == "messageStart":
            yield {"type": "message_start", "message": {"id": self._named()}}
        elif event == "contentBlockStart" and "toolUse" in thing(tree, "start"):
            yield self._begin(index, _call(thing(thing(tree, "start"), "toolUse")))
        elif event == "contentBlockStart":
            _unread(thing(tree, "start"), self._lose)
        elif event == "contentBlockDelta":
            yield from self._delta(index, thing(tree, "delta"))
        elif event == "contentBlockStop":
            yield {"type": "content_block_stop", "index": index}
        elif event == "messageStop":
            yield {"type": "message_delta", "delta": _stopped(tree)}
        elif event == "metadata":
            yield {"type": "message_delta", "delta": {}, "usage": _usage(tree)}
            yield {"type": "message_stop"}

    def _begin(self, index: Any, block: Tree) -> Tree:
        self._begun.add(index)
        return {"type": "content_block_start", "index": index, "content_block": block}

    def _delta(self, index: Any, delta: Mapping[str, Any]) -> Iterator[Tree]:
        thought = thing(delta, "reasoningContent")
        if thought.get("redactedContent"):
            yield self._begin(index, _thought(thought))
            return
        piece = _piece(delta, thought)
        if piece is None:
            _lost(delta.get("citation"), "citations", self._lose)
            return
        if index not in self._begun:
            words = {"type": "thinking", "thinking": "", "signature": ""} if thought else {"type": "text", "text": ""}
            yield self._begin(index, words)
        yield {"type": "content_block_delta", "index": index, "delta": piece}


def _piece(delta: Mapping[str, Any], thought: Mapping[str, Any]) -> Tree | None:
    if "text" in delta:
        return {"type": "text_delta", "text": word(delta, "text")}
    if "toolUse" in delta:
        return {"type": "input_json_delta", "partial_json": word(thing(delta, "toolUse"), "input")}
    if "text" in thought:
        return {"type": "thinking_delta", "thinking": word(thought, "text")}
    return {"type": "signature_delta", "signature": word(thought, "signature")} if "signature" in thought else None
