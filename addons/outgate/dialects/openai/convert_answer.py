"""Chat completions and errors from and to the conversation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.answers import detailed_usage
from outgate.dialects.free_text import as_asked
from outgate.dialects.openai.chat import provider_error
from outgate.dialects.openai.convert_parts import annotations, call_of, thoughts_of, words_of, written_call
from outgate.dialects.openai.tables import finish_named
from outgate.dialects.refusals import said
from outgate.dialects.translation import Lose, unheard
from outgate.errors import WireError
from outgate.inference.conversation import Alternative, Answer, Call, Conversation, Failure, Part, Refused, Spent, Text, Thought
from outgate.inference.stream import Finish

_REASONS = {Finish.STOP: "stop", Finish.TOOL_CALLS: "tool_calls", Finish.LENGTH: "length", Finish.CONTENT_FILTER: "content_filter"}
_UNREAD = (("audio", "audio"), ("images", "images"))
_UNKNOWN = "The provider answered with an error and no more."


def read_answer(tree: Mapping[str, Any], lose: Lose = unheard) -> Answer:
    """See `translation.Converter`."""
    choices = tree.get("choices")
    if not isinstance(choices, list) or not choices:
        raise WireError("no_answer", "the answer has no choices")
    for choice in choices:
        lost_in(choice, choice["message"], lose)
    found = tuple(Alternative(tuple(_parts(choice["message"])), finish_of(choice.get("finish_reason"))) for choice in choices)
    return Answer(tree.get("id") or "", tree.get("model") or "", found, spent(tree.get("usage")), tree.get("created") or 0)


def lost_in(choice: Mapping[str, Any], said: Mapping[str, Any], lose: Lose) -> None:
    """Tell what a choice, or an event of one, holds that no other dialect can say; `said` is its message, or its delta."""
    logprobs = choice.get("logprobs")
    if isinstance(logprobs, dict) and any(logprobs.values()):
        lose("logprobs")
    for name, what in _UNREAD:
        if said.get(name):
            lose(what)
    if choice.get("finish_reason") == "content_filter" and choice.get("content_filter_results"):
        lose("safety")


def _parts(message: Mapping[str, Any]) -> Iterator[Part]:
    yield from thoughts_of(message)
    words = list(words_of(message.get("content") or ""))
    yield from (each for each in words if isinstance(each, Thought))
    if text := "".join(each.text for each in words if isinstance(each, Text)):
        yield Text(text, tuple(message.get("annotations") or ()))
    if message.get("refusal"):
        yield Refused(message["refusal"])
    for at, call in enumerate(message.get("tool_calls") or ()):
        yield call_of(call, f"tool_calls[{at}]")
    older = message.get("function_call")
    if older:
        yield Call(f"call_{older['name']}", older["name"], older.get("arguments") or "")


def finish_of(reason: Any) -> Finish:
    """Why a choice ended; one that does not say is whole."""
    return finish_named(reason) if reason else Finish.STOP


def reason_of(finish: Finish) -> str:
    """The `finish_reason` of a choice; the one that is not whole, for no reason that this API knows, was cut."""
    return _REASONS.get(finish, "length")


def spent(usage: Any) -> Spent | None:
    """Tokens of a completion; None where it tells none."""
    told = detailed_usage(usage, "prompt_tokens", "completion_tokens")
    if told is None:
        return None
    return Spent(
        told.input_tokens or 0,
        told.output_tokens or 0,
        told.cached_tokens or 0,
        told.cache_write_tokens or 0,
        told.reasoning_tokens or 0,
    )


def usage_of(usage: Spent) -> dict[str, Any]:
    """A `usage` object."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.written},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def write_answer(answer: Answer, asked: Conversation) -> Mapping[str, Any]:
    """See `translation.Converter`."""
    choices = [
        {
            "index": at,
            "message": message_of(each.parts, asked),
            "logprobs": None,
            "finish_reason": reason_of(each.finish),
        }
        for at, each in enumerate(answer.alternatives)
    ]
    head = {"id": answer.id, "object": "chat.completion", "created": answer.created, "model": answer.model, "choices": choices}
    return head | ({"usage": usage_of(answer.usage)} if answer.usage is not None else {})


def message_of(parts: Sequence[Part], asked: Conversation) -> dict[str, Any]:
    """The message of a choice: texts in one, and each call."""
    texts = [part.text for part in parts if isinstance(part, Text)]
    thoughts = "".join(part.text for part in parts if isinstance(part, Thought))
    refused = "".join(part.text for part in parts if isinstance(part, Refused))
    calls = [written_call(as_asked(part, asked)) for part in parts if isinstance(part, Call)]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": refused or None}
    cited = [known for part in parts if isinstance(part, Text) for known in annotations(part.citations)]
    if thoughts:
        message["reasoning_content"] = thoughts
    if cited:
        message["annotations"] = cited
    if calls:
        message["tool_calls"] = calls
    return message


def read_failure(status: int, tree: Mapping[str, Any]) -> Failure:
    """See `translation.Converter`. Compatible servers tell errors at the top, or as a string."""
    error = tree.get("error")
    kind = (error if isinstance(error, dict) else tree).get("type")
    return Failure(status, kind if isinstance(kind, str) else "", said(error or tree) or said(tree) or _UNKNOWN)


def write_failure(failure: Failure) -> Mapping[str, Any]:
    """See `translation.Converter`: the type is that of the status, by which SDKs go."""
    return provider_error(failure.status, failure.message, None)
