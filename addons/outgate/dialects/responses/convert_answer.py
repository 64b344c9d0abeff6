"""Read and write whole answers of the Responses API, and its errors."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from outgate.dialects.answers import tokens
from outgate.dialects.error_codes import status_told
from outgate.dialects.openai.chat import provider_error
from outgate.dialects.refusals import said
from outgate.dialects.responses.codec import response
from outgate.dialects.responses.convert_items import read_call, read_thought
from outgate.dialects.responses.convert_parts import annotations, lost_in, objects, output_text, read_contents, words
from outgate.dialects.responses.convert_tools import Called, called
from outgate.dialects.responses.stream import finish_of
from outgate.dialects.seals import sealed
from outgate.dialects.spec import Canned
from outgate.dialects.translation import Lose, unheard
from outgate.inference.conversation import (
    Alternative,
    Answer,
    Call,
    Conversation,
    Failure,
    Loss,
    Part,
    Refused,
    Spent,
    Text,
    Thought,
)
from outgate.inference.stream import Finish

FAILED = "The provider failed."
_REASONS = {Finish.LENGTH: "max_output_tokens", Finish.CONTENT_FILTER: "content_filter"}
_KNOWN = frozenset({"rate_limit_exceeded", "insufficient_quota", "invalid_prompt", "context_length_exceeded"})
_CODES = {400: "invalid_prompt", 403: "invalid_prompt", 429: "rate_limit_exceeded"}
CALLS = ("function_call", "custom_tool_call")


def read_answer(tree: Mapping[str, Any], lose: Lose = unheard) -> Answer:
    """An answer; items of tools that the provider ran are none of it."""
    items = enumerate(objects(tree.get("output"), "output"))
    parts = [part for at, item in items for part in _read_item(item, f"output[{at}]", lose)]
    finish = finish_of(tree, calls=any(isinstance(part, Call) for part in parts)) or Finish.STOP
    created = tree.get("created_at")
    return Answer(
        id=words(tree, "id", "body"),
        model=words(tree, "model", "body"),
        alternatives=(Alternative(tuple(parts), finish),),
        usage=read_usage(tree.get("usage")),
        created=int(created) if isinstance(created, int | float) else 0,
    )


def _read_item(item: Mapping[str, Any], where: str, lose: Lose) -> Sequence[Part]:
    kind = item.get("type")
    if kind == "message":
        return _read_message(item.get("content"), where, lose)
    if kind == "reasoning":
        return [read_thought(item, where)]
    if kind in CALLS:
        return [read_call(item, where)]
    lose("hosted_tools")
    return []


def _read_message(content: Any, where: str, lose: Lose) -> Sequence[Part]:
    losses: list[Loss] = []
    parts = read_contents(content, f"{where}.content", losses)
    for part in content if isinstance(content, list) else ():
        lost_in(part, lose)
    for loss in losses:
        lose(loss.what)
    return parts


def read_usage(told: Any) -> Spent | None:
    """The tokens of an answer; None where it does not tell."""
    if not isinstance(told, dict):
        return None
    given, made = (_details(told, f"{name}_tokens_details") for name in ("input", "output"))
    return Spent(
        input=tokens(told.get("input_tokens")) or 0,
        output=tokens(told.get("output_tokens")) or 0,
        cached=tokens(given.get("cached_tokens")) or 0,
        written=tokens(given.get("cache_write_tokens")) or 0,
        reasoning=tokens(made.get("reasoning_tokens")) or 0,
    )


def _details(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    details = told.get(name)
    return details if isinstance(details, dict) else {}


def write_usage(spent: Spent | None) -> dict[str, Any] | None:
    """The tokens of an answer."""
    return None if spent is None else {
        "input_tokens": spent.input,
        "input_tokens_details": {"cached_tokens": spent.cached, "cache_write_tokens": spent.written},
        "output_tokens": spent.output,
        "output_tokens_details": {"reasoning_tokens": spent.reasoning},
        "total_tokens": spent.input + spent.output,
    }  # fmt: skip


def write_answer(answer: Answer, asked: Conversation) -> Mapping[str, Any]:
    """The first alternative: the API has no others."""
    first = answer.alternatives[0] if answer.alternatives else Alternative((), Finish.OTHER)
    stem = stem_of(answer.id)
    said = [part for part in first.parts if isinstance(part, Text | Refused | Thought | Call)]
    runs = groupby(said, lambda part: isinstance(part, Text | Refused))
    made = [item for spoken, parts in runs for item in ([[*parts]] if spoken else [[part] for part in parts])]
    output = [_write_item(parts, f"{stem}_{at}", asked) for at, parts in enumerate(made)]
    whole = envelope(stem, answer.model, answer.created)
    return {**whole, "output": output, "usage": write_usage(answer.usage), **ended(first.finish)}


def _write_item(parts: Sequence[Part], name: str, asked: Conversation) -> dict[str, Any]:
    first = parts[0]
    if isinstance(first, Thought):
        return thought_of(first, name)
    if isinstance(first, Call):
        return call_item(first.id, called(first, asked), name)
    return message_item(list(_contents(parts)), name)


def _contents(parts: Sequence[Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        if isinstance(part, Text):
            yield output_text(part.text, annotations(part.citations, part.text))
        elif isinstance(part, Refused):
            yield {"type": "refusal", "refusal": part.text}


def message_item(contents: list[dict[str, Any]], name: str, status: str = "completed") -> dict[str, Any]:
    """A message of the model."""
    return {"id": f"msg_{name}", "type": "message", "role": "assistant", "status": status, "content": contents}


def call_item(call: str, told: Called, name: str, status: str = "completed") -> dict[str, Any]:
    """A call of a tool, as the client knows it."""
    within = {"namespace": told.namespace} if told.namespace else {}
    base = {"call_id": call, "name": told.name, **within, "status": status}
    if told.custom:
        return {"id": f"ctc_{name}", "type": "custom_tool_call", **base, "input": told.arguments}
    arguments = told.arguments or ("{}" if status == "completed" else "")
    return {"id": f"fc_{name}", "type": "function_call", **base, "arguments": arguments}


def thought_of(part: Thought, name: str) -> dict[str, Any]:
    """Reasoning, in words for the client and sealed for the provider. Where nothing is sealed, the words are its content, too: an
    item that has none refers to one that is kept.
    """
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    kept = part.rest.get("id") if part.provider == "responses" else None
    seal = sealed(part, "responses") or None
    content = {"content": [{"type": "reasoning_text", "text": part.text}]} if part.text and not seal else {}
    return {"id": kept or f"rs_{name}", "type": "reasoning", "summary": summary, **content, "encrypted_content": seal}


def stem_of(told: str) -> str:
    """What the ids of a response and its items have in common."""
    return told.removeprefix("resp_") or "outgate"


def envelope(stem: str, model: str, created: int) -> dict[str, Any]:
    """A response that is in progress."""
    return response(Canned("", model, stem, created), "in_progress")


def ended(finish: Finish) -> dict[str, Any]:
    """How a response ended. One that ended for no reason that this API knows is not whole."""
    if finish is Finish.ERROR:
        return {"status": "failed", "error": {"code": "server_error", "message": FAILED}}
    if finish in (Finish.STOP, Finish.TOOL_CALLS):
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": _REASONS.get(finish)}}


def read_failure(status: int, tree: Mapping[str, Any]) -> Failure:
    """An error, of an error answer, of an event or of a response that has failed; status 0 where the error itself tells it."""
    error = tree.get("error")
    told: Mapping[str, Any] = error if isinstance(error, dict) else tree
    code, message = told.get("code"), told.get("message")
    kind = code if isinstance(code, str) and code else told.get("type")
    text = message if isinstance(message, str) else error if isinstance(error, str) else said(tree)
    known = kind if isinstance(kind, str) else ""
    return Failure(status or status_told(tree, 500), known, text)


def write_failure(failure: Failure) -> Mapping[str, Any]:
    """An error answer; the kinds of other APIs are told by the status."""
    return provider_error(failure.status, failure.message, _code(failure))


def _code(failure: Failure) -> str | None:
    return failure.kind if failure.kind in _KNOWN else None


def failed_with(failure: Failure) -> dict[str, str]:
    """The error of a response that has failed."""
    return {"code": _code(failure) or _CODES.get(failure.status, "server_error"), "message": failure.message or FAILED}
