"""Whole messages and errors, from and to answers of a conversation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from outgate.dialects.anthropic.convert_blocks import NAME, BlockReader
from outgate.dialects.anthropic.convert_turns import CITATIONS, call_block, thought_block
from outgate.dialects.anthropic.messages import is_own_error
from outgate.dialects.anthropic.stream import usage_of
from outgate.dialects.anthropic.tables import ERROR_TYPES, FINISHES
from outgate.dialects.citations import quoted
from outgate.dialects.parameters import bad, thing, word
from outgate.dialects.refusals import said
from outgate.dialects.spec import error_type
from outgate.dialects.translation import Lose, unheard
from outgate.inference.conversation import Alternative, Answer, Call, Failure, Part, Refused, Spent, Text, Thought
from outgate.inference.stream import Finish

_REASONS = {
    Finish.STOP: "end_turn",
    Finish.TOOL_CALLS: "tool_use",
    Finish.LENGTH: "max_tokens",
    Finish.CONTENT_FILTER: "refusal",
}
_UNKNOWN_REASON = "max_tokens"
"""What an answer stopped by that ended otherwise: it is not whole, and this says so."""
_STATUSES = {kind: status for status, kind in ERROR_TYPES.items()} | {"invalid_request_error": 400, "api_error": 500}

type Tree = dict[str, Any]


def read_answer(tree: Mapping[str, Any], lose: Lose = unheard) -> Answer:
    """A message. What its provider ran itself is left out: what came of it stands in the text."""
    reader = BlockReader()
    parts = reader.parts(tree.get("content"), "content")
    for loss in reader.losses:
        lose(loss.what)
    ended = Alternative((*parts, *explained(tree, lose)), finish_of(tree), word(tree, "stop_sequence"))
    return Answer(word(tree, "id"), word(tree, "model"), (ended,), spent_of(tree.get("usage")))


def explained(holder: Mapping[str, Any], lose: Lose) -> Sequence[Refused]:
    """What the provider says of its refusal, where it does; its category is lost."""
    details = thing(holder, "stop_details")
    if details.get("category"):
        lose("safety")
    explanation = word(details, "explanation")
    return (Refused(explanation),) if explanation else ()


def finish_of(holder: Mapping[str, Any]) -> Finish:
    """Why a message ended, by the `stop_reason` in what holds it; one that does not say is whole."""
    reason = word(holder, "stop_reason")
    return FINISHES.get(reason, Finish.OTHER) if reason else Finish.STOP


def spent_of(usage: Any) -> Spent | None:
    """The tokens that a `usage` object tells of."""
    told = usage_of(usage)
    if told is None:
        return None
    counts = (told.input_tokens, told.output_tokens, told.cached_tokens, told.cache_write_tokens, told.reasoning_tokens)
    return Spent(*(count or 0 for count in counts))


def write_answer(answer: Answer) -> Tree:
    """The message of the first alternative."""
    ended = answer.alternatives[0]
    return {
        **head(answer.id, answer.model),
        "content": list(_blocks(ended.parts)),
        **ending(ended.finish, ended.stopped_by, [part.text for part in ended.parts if isinstance(part, Refused)]),
        "usage": counts(answer.usage or Spent()),
    }


def head(named: str, model: str) -> Tree:
    """What stands first in a message."""
    return {"id": named, "type": "message", "role": "assistant", "model": model}


def _blocks(parts: Sequence[Part]) -> Iterable[Tree]:
    for part in parts:
        if isinstance(part, Text | Refused):
            citations = citations_of(part.citations) if isinstance(part, Text) else []
            if part.text:
                yield {"type": "text", "text": part.text, **({"citations": citations} if citations else {})}
        elif isinstance(part, Call):
            yield call_block(part, part.id)
        elif isinstance(part, Thought) and has_block(part):
            yield thought_block(part)


def has_block(thought: Thought) -> bool:
    """Whether a thought can be said here: it has words, or this API sealed it or signed it."""
    return bool(thought.text) or (thought.provider == NAME and bool(thought.sealed or thought.signature))


def citations_of(told: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The citations that this API can say: its own, and those of an address on the web."""
    written = (citation if is_own(citation) else _of_address(citation) for citation in told)
    return [citation for citation in written if citation is not None]


def is_own(citation: object) -> bool:
    """Whether it is a citation in a form of this API; a compatible server's may be no object."""
    return isinstance(citation, Mapping) and str(citation.get("type")) in CITATIONS


def _of_address(citation: Mapping[str, Any]) -> Tree | None:
    found = quoted(citation)
    if found is None:
        return None
    told = {"url": found.url, "title": found.title or None, "cited_text": "", "encrypted_index": ""}
    return {"type": "web_search_result_location", **told}


def ending(finish: Finish, stopped_by: str, refusals: Sequence[str]) -> Tree:
    """Why the model stopped. Where it refused in words of its own, that is why."""
    reason = "refusal" if refusals else _REASONS.get(finish, _UNKNOWN_REASON)
    if reason == "end_turn" and stopped_by:
        return {"stop_reason": "stop_sequence", "stop_sequence": stopped_by}
    details = {"stop_details": {"type": "refusal", "category": None, "explanation": "".join(refusals) or None}}
    return {"stop_reason": reason, "stop_sequence": None, **(details if reason == "refusal" else {})}


def counts(spent: Spent) -> Tree:
    """A `usage` object: its `input_tokens` leave out those of the provider's prompt cache."""
    plain = max(0, spent.input - spent.cached - spent.written)
    cache = {"cache_creation_input_tokens": spent.written, "cache_read_input_tokens": spent.cached}
    details = {"output_tokens_details": {"thinking_tokens": spent.reasoning}} if spent.reasoning else {}
    return {"input_tokens": plain, **cache, "output_tokens": spent.output, **details}


def read_failure(status: int, tree: Mapping[str, Any]) -> Failure:
    """An error. Raises WireError for one of another shape, whose words are then told as they came."""
    if not is_own_error(tree):
        raise bad("error", "an error of this API")
    return failure_of(tree, status)


def failure_of(tree: Mapping[str, Any], status: int = 0) -> Failure:
    """An error, with the status of its kind where it has no other: in a stream."""
    error = thing(tree, "error")
    kind = word(error, "type")
    return Failure(status or _STATUSES.get(kind, 500), kind, word(error, "message") or said(tree))


def write_failure(failure: Failure) -> Tree:
    """The error, of the kind that SDKs of this API raise for its status."""
    kind = error_type(ERROR_TYPES, failure.status, server="api_error")
    return {"type": "error", "error": {"type": kind, "message": failure.message}}
